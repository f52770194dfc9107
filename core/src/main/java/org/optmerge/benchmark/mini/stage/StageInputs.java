package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.optmerge.model.media.Media;

/** What encoders are given of scenes: squares of numbers around zero. */
public final class StageInputs {
  private StageInputs() {}

  /** Channels of a modality's input: red, green and blue; one spectrogram; the frames of a film. */
  public static int channels(StageModality modality) {
    return switch (modality) {
      case VISION -> 3;
      case AUDIO -> 1;
      case VIDEO -> StageMedia.FRAMES;
    };
  }

  /**
   * One modality of some scenes.
   *
   * @return (scenes, channels, side, side); of a spectrogram, rows are bands and columns frames
   */
  public static NDArray of(NDManager arrays, StageModality modality, List<StageScene> scenes) {
    List<Media> media =
        scenes.stream().parallel().<Media>map(scene -> medium(modality, scene)).toList();
    return ModalityModel.modality(modality).inputs(arrays, media);
  }

  private static Media medium(StageModality modality, StageScene scene) {
    return switch (modality) {
      case VISION -> StageMedia.picture(scene);
      case AUDIO -> StageMedia.sound(scene);
      case VIDEO -> StageMedia.film(scene);
    };
  }
}
