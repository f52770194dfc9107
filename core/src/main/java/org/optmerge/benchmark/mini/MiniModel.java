package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.optmerge.model.InternVL;
import org.optmerge.model.InternVLConfig;
import org.optmerge.model.Tokenizer;
import org.optmerge.model.media.Image;
import org.optmerge.model.vision.ImagePreprocessing;
import org.optmerge.model.vision.Tiling;

/** The shape of the miniature models: InternVL2.5 with 0.63 million parameters. */
public final class MiniModel {
  /** What the published names of the vision tower's parameters begin with. */
  public static final String VISION_PARAMETERS = "vision_model.";

  /** Pixels of a side. */
  static final int SIDE = 48;

  private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

  /** x / 127.5 − 1, one tile. */
  private static final ImagePreprocessing PREPROCESSING =
      new ImagePreprocessing(SIDE, Tiling.SINGLE, HALF, HALF);

  private MiniModel() {}

  /** Three layers of vision, four of language, image tiles of 48 × 48 pixels. */
  public static InternVLConfig config() {
    return new InternVLConfig(
        new InternVLConfig.Vision(64, 3, 4, 256, SIDE, 6, 1e-6, false, true, false, 0.5),
        new InternVLConfig.Language(
            96, 4, 4, 2, 24, 256, MiniVocabulary.size(), 1e-6, 10_000, 2 * MiniPrompt.LENGTH),
        -1,
        2,
        false,
        SIDE,
        Tiling.SINGLE,
        false);
  }

  /** A new model with random weights, which are a function of the seed. */
  public static InternVL initialise(long seed) {
    return InternVL.initialise(
        config(), Tokenizer.of(MiniVocabulary.tokenizerJson()), PREPROCESSING, seed);
  }

  /**
   * Images as the vision tower takes them, x / 127.5 − 1.
   *
   * @param images of 48 × 48 pixels
   * @return (images, 3, 48, 48)
   */
  public static NDArray pixels(NDManager arrays, List<Image> images) {
    return PREPROCESSING.pixels(arrays, images);
  }
}
