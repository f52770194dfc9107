package org.optmerge.benchmark.mini.stage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.optmerge.benchmark.mini.LabelHead;

/**
 * Targets for pretraining an encoder, as published encoders are: every feature says what its column
 * of the input shows.
 *
 * <p>A picture's and a film's columns are the thirds of the stage: instrument, and color or
 * direction. A spectrogram's columns are the slots of the sound: instrument, or none.
 */
final class ColumnLabels {
  private ColumnLabels() {}

  /** Outputs of a head that reads {@link #targets}. */
  static int outputs(StageModality modality) {
    return instruments(modality) + properties(modality);
  }

  private static int instruments(StageModality modality) {
    return Instrument.ALL.size() + (modality == StageModality.AUDIO ? 1 : 0);
  }

  private static int properties(StageModality modality) {
    return switch (modality) {
      case VISION -> StageScene.COLORS.size();
      case AUDIO -> 0;
      case VIDEO -> Direction.ALL.size();
    };
  }

  /**
   * The targets of each feature of some scenes.
   *
   * @param tokens features of a scene, row by row of a square grid
   */
  static List<LabelHead.Target> targets(
      StageModality modality, List<StageScene> scenes, int tokens) {
    int side = (int) Math.round(Math.sqrt(tokens));
    int[] instruments = new int[scenes.size() * tokens];
    int[] properties = new int[instruments.length];
    float[] shares = new float[instruments.length];
    Arrays.fill(shares, 1);
    for (int i = 0; i < instruments.length; i++) {
      StageScene scene = scenes.get(i / tokens);
      int column = i % side;
      if (modality == StageModality.AUDIO) {
        instruments[i] =
            column < scene.notes().size()
                ? scene.notes().get(column).ordinal()
                : Instrument.ALL.size();
      } else {
        Player player = player(modality, scene, column);
        instruments[i] = player.instrument().ordinal();
        properties[i] =
            modality == StageModality.VISION
                ? StageScene.COLORS.indexOf(player.color())
                : player.direction().ordinal();
      }
    }
    List<LabelHead.Target> targets = new ArrayList<>();
    targets.add(new LabelHead.Classes(instruments(modality), instruments, shares, 1));
    if (properties(modality) > 0) {
      targets.add(new LabelHead.Classes(properties(modality), properties, shares, 1));
    }
    return targets;
  }

  private static Player player(StageModality modality, StageScene scene, int column) {
    return modality == StageModality.VISION
        ? scene.players().get(column)
        : scene.players().stream()
            .filter(player -> player.filmed().ordinal() == column)
            .findFirst()
            .orElseThrow();
  }
}
