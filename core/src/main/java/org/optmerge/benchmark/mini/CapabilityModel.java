package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.optmerge.model.InternVL;
import org.optmerge.model.InternVLConfig;
import org.optmerge.model.Tokenizer;
import org.optmerge.model.media.Image;
import org.optmerge.model.vision.ImagePreprocessing;
import org.optmerge.model.vision.Tiling;

/**
 * Shape, words and prompts of the models of capabilities: InternVL2.5 with 0.63 million parameters.
 */
public final class CapabilityModel {
  /** The beginning of the published names of the vision tower's parameters. */
  public static final String VISION_PARAMETERS = "vision_model.";

  /** Stands for one of the sixteen visual tokens of an image. */
  public static final String IMAGE_CONTEXT = "<IMG_CONTEXT>";

  /** Most tokens of a prompt or conversation. */
  public static final int LENGTH = 64;

  /** Most tokens of an answer with its end: what a model is to be given room for. */
  public static final int ANSWER = 8;

  /** The words: a box is four coordinate tokens, in units of two pixels. */
  public static final WordVocabulary WORDS =
      new WordVocabulary(
          "the miniature",
          List.of(
              WordVocabulary.PAD,
              "<img>",
              IMAGE_CONTEXT,
              "</img>",
              WordVocabulary.USER,
              WordVocabulary.ASSISTANT,
              WordVocabulary.END,
              WordVocabulary.UNKNOWN),
          Stream.of(
                  Arrays.stream(
                      """
                      ? what color is the shape object how many objects are there left right above below a yes no
                      angle width height area perimeter of rectangle sides does polygon have
                      value bar point slice which highest lowest difference between and bars points slices
                      written in image word top bottom
                      locate leftmost rightmost largest smallest
                      number where
                      """
                          .strip()
                          .split("\\s+")),
                  Color.ALL.stream().map(Color::word),
                  Shape.ALL.stream().map(Shape::word),
                  IntStream.rangeClosed('0', '9').mapToObj(Character::toString),
                  IntStream.rangeClosed('A', 'Z').mapToObj(Character::toString),
                  IntStream.range(0, 24).mapToObj("<c%d>"::formatted),
                  PretrainedWords.all().stream())
              .flatMap(tokens -> tokens)
              .toList(),
          true);

  private static final String IMAGE = "<img> " + (IMAGE_CONTEXT + " ").repeat(16) + "</img>";

  /** Pixels of a side. */
  static final int SIDE = 48;

  private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

  /** x / 127.5 − 1, one tile. */
  private static final ImagePreprocessing PREPROCESSING =
      new ImagePreprocessing(SIDE, Tiling.SINGLE, HALF, HALF);

  private CapabilityModel() {}

  /** Three layers of vision, a language model of some size, image tiles of 48 × 48 pixels. */
  static InternVLConfig config(CapabilityRecipe.Size size) {
    return new InternVLConfig(
        new InternVLConfig.Vision(64, 3, 4, 256, SIDE, 6, 1e-6, false, true, false, 0.5),
        new InternVLConfig.Language(
            size.width(),
            size.layers(),
            size.heads(),
            size.keyHeads(),
            size.width() / size.heads(),
            size.inner(),
            WORDS.size(),
            1e-6,
            10_000,
            2 * LENGTH),
        -1,
        2,
        false,
        SIDE,
        Tiling.SINGLE,
        false);
  }

  /** A new model with random weights, which are a function of the seed. */
  public static InternVL initialise(long seed) {
    return initialise(CapabilityRecipe.Size.STANDARD, seed);
  }

  /** The same with a language model of another size. */
  static InternVL initialise(CapabilityRecipe.Size size, long seed) {
    return InternVL.initialise(config(size), Tokenizer.of(WORDS.tokenizerJson()), PREPROCESSING, seed);
  }

  /**
   * An image and questions about it with their answers; those that no longer fit are left out.
   *
   * @param questions such as the elementary ones of an image; may be empty
   */
  public static Dialogue conversation(List<ImageQuestion> questions, Dialogue.Form form) {
    Dialogue dialogue = new Dialogue(WORDS, LENGTH).given(IMAGE);
    for (ImageQuestion question : questions) {
      String before = question.before(form);
      if (dialogue.hasRoom(before, question.answer())) {
        dialogue.given(before).answer(question.answer());
      }
    }
    return dialogue;
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
