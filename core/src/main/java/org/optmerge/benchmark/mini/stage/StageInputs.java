package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.stream.IntStream;
import org.optmerge.model.audio.LogMel;
import org.optmerge.model.media.Image;

/** What encoders are given of scenes: squares of numbers around zero. */
public final class StageInputs {
  private static final int SIDE = StageMedia.SIDE;
  private static final int PLANE = SIDE * SIDE;

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
    int size = channels(modality) * PLANE;
    float[] all = new float[scenes.size() * size];
    IntStream.range(0, scenes.size())
        .parallel()
        .forEach(i -> fill(modality, scenes.get(i), all, i * size));
    return arrays.create(all, new Shape(scenes.size(), channels(modality), SIDE, SIDE));
  }

  private static void fill(StageModality modality, StageScene scene, float[] all, int at) {
    switch (modality) {
      case VISION -> {
        byte[] rgb = StageMedia.picture(scene).rgb();
        for (int p = 0; p < PLANE; p++) {
          for (int c = 0; c < 3; c++) {
            all[at + c * PLANE + p] = centred(rgb[3 * p + c]);
          }
        }
      }
      case AUDIO -> {
        LogMel energies = StageMedia.logMel(scene);
        for (int frame = 0; frame < SIDE; frame++) {
          for (int bin = 0; bin < SIDE; bin++) {
            all[at + bin * SIDE + frame] = energies.value(frame, bin);
          }
        }
      }
      case VIDEO -> {
        List<Image> frames = StageMedia.film(scene).frames();
        for (int f = 0; f < frames.size(); f++) {
          byte[] rgb = frames.get(f).rgb();
          for (int p = 0; p < PLANE; p++) {
            all[at + f * PLANE + p] = centred(rgb[3 * p]);
          }
        }
      }
    }
  }

  private static float centred(byte value) {
    return (value & 0xff) / 127.5f - 1;
  }
}
