package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.SortedMap;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.LabelHead;

/**
 * What an encoder is pretrained with before any language model, as published encoders are: every
 * feature says what its column of the input shows. The head is thrown away afterwards.
 *
 * <p>A picture's and a film's columns are the thirds of the stage: instrument, and colour or
 * direction. A spectrogram's columns are the slots of the sound: instrument, or none.
 */
final class StageLabelLoss {

  private final StageModality modality;
  private final int first;
  private final int second;
  private final LabelHead head;

  /**
   * @param manager where the head lives
   * @param width of a feature
   */
  StageLabelLoss(NDManager manager, StageModality modality, int width, long seed) {
    this.modality = modality;
    this.first = Instrument.ALL.size() + (modality == StageModality.AUDIO ? 1 : 0);
    this.second =
        switch (modality) {
          case VISION -> StageColour.ALL.size();
          case AUDIO -> 0;
          case VIDEO -> Direction.ALL.size();
        };
    head =
        new LabelHead(
            manager, first + second, width, CounterRandom.of(seed, "stage head " + modality.key()));
  }

  /** What is trained with the encoder. */
  SortedMap<String, NDArray> parameters() {
    return head.parameters();
  }

  /**
   * The loss of a batch.
   *
   * @param features (scenes, tokens, width), row by row of a square grid
   */
  NDArray of(NDArray features, List<StageScene> scenes) {
    long width = features.getShape().get(2);
    int tokens = Math.toIntExact(features.getShape().get(1));
    int side = (int) Math.round(Math.sqrt(tokens));
    NDArray outputs = head.of(features.reshape(-1, width));
    int[] one = new int[scenes.size() * tokens];
    int[] two = new int[one.length];
    for (int i = 0; i < one.length; i++) {
      StageScene scene = scenes.get(i / tokens);
      int column = i % side;
      one[i] = instrument(scene, column);
      two[i] = property(scene, column);
    }
    NDArray loss = crossEntropy(outputs.get(":, :" + first), one);
    return second == 0 ? loss : loss.add(crossEntropy(outputs.get(":, " + first + ":"), two));
  }

  private int instrument(StageScene scene, int column) {
    if (modality == StageModality.AUDIO) {
      return column < scene.notes().size()
          ? scene.notes().get(column).ordinal()
          : Instrument.ALL.size();
    }
    return player(scene, column).instrument().ordinal();
  }

  private int property(StageScene scene, int column) {
    return switch (modality) {
      case VISION -> player(scene, column).colour().ordinal();
      case AUDIO -> 0;
      case VIDEO -> player(scene, column).direction().ordinal();
    };
  }

  private Player player(StageScene scene, int column) {
    if (modality == StageModality.VISION) {
      return scene.players().get(column);
    }
    return scene.players().stream()
        .filter(player -> player.filmed().ordinal() == column)
        .findFirst()
        .orElseThrow();
  }

  private static NDArray crossEntropy(NDArray outputs, int[] classes) {
    NDManager arrays = outputs.getManager();
    NDArray index =
        arrays.create(classes, new Shape(classes.length, 1)).toType(DataType.INT64, false);
    return outputs.logSoftmax(1).gather(index, 1).neg().mean();
  }
}
