package org.optmerge.benchmark.mini;

import java.util.List;
import org.optmerge.model.media.Image;

/**
 * An image of the miniature benchmark with what is asked about it.
 *
 * @param image 48 × 48 pixels
 * @param questions one to four, no two the same; validation and test ask the first only
 * @param labels what is where, for pretraining a vision model
 */
public record MiniImage(Image image, List<ImageQuestion> questions, PatchLabels labels) {
  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if there is no question
   */
  public MiniImage {
    questions = List.copyOf(questions);
    if (questions.isEmpty()) {
      throw new IllegalArgumentException("an image of the miniature benchmark has no question");
    }
  }

  /** The question that validation and test ask. */
  public ImageQuestion first() {
    return questions.get(0);
  }
}
