package org.optmerge.benchmark.mini.stage;

import org.apiguardian.api.API;

/**
 * A question about a scene.
 *
 * @param type which kind
 * @param text as a user asks it, words of {@link ModalityModel#WORDS} separated by spaces
 * @param answer one token
 * @param statement the key of the same fact as a statement, which the answer completes
 */
@API(status = API.Status.EXPERIMENTAL)
public record SceneQuestion(StageQuestionType type, String text, String answer, String statement) {
  /** The question in the words that the language model was pretrained on. */
  String pretrained() {
    return PretrainedWords.in(text);
  }
}
