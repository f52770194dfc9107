package org.optmerge.benchmark.mini;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.optmerge.model.media.Image;

/**
 * An image of the miniature benchmark with what is asked about it.
 *
 * @param image 48 × 48 pixels
 * @param questions one to eight, no two the same; validation and test ask the first only
 * @param plain of an image for questions that take two abilities: what one ability alone answers,
 *     by ability
 * @param labels what is where, for pretraining a vision model
 */
public record MiniImage(
    Image image,
    List<ImageQuestion> questions,
    Map<MiniTask, List<ImageQuestion>> plain,
    PatchLabels labels) {
  /**
   * Copies the lists.
   *
   * @throws IllegalArgumentException if there is no question
   */
  public MiniImage {
    questions = List.copyOf(questions);
    plain =
        plain.entrySet().stream()
            .collect(
                Collectors.toUnmodifiableMap(Map.Entry::getKey, each -> List.copyOf(each.getValue())));
    if (questions.isEmpty()) {
      throw new IllegalArgumentException("an image of the miniature benchmark has no question");
    }
  }

  /** What an ability alone answers; empty if nothing. */
  List<ImageQuestion> plain(MiniTask ability) {
    return plain.getOrDefault(ability, List.of());
  }

  /** The question that validation and test ask. */
  public ImageQuestion first() {
    return questions.get(0);
  }
}
