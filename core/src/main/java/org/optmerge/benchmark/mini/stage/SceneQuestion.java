package org.optmerge.benchmark.mini.stage;

import java.util.Objects;

/**
 * A question about a scene.
 *
 * @param type which kind
 * @param text as a user asks it, words of {@link ModalityModel#WORDS} separated by spaces
 * @param answer one token
 */
public record SceneQuestion(StageQuestionType type, String text, String answer) {
  /** Checks that nothing is missing. */
  public SceneQuestion {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(answer, "answer");
  }
}
