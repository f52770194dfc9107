package org.optmerge.model;

import org.apiguardian.api.API;

/** Receiver of a model's answers, in the order in which they are ready. */
@API(status = API.Status.EXPERIMENTAL)
public interface AnswerListener {
  /**
   * An answer is ready. Called from any thread, but for one answer at a time.
   *
   * @param index of its prompt
   * @param text the answer
   */
  void answered(int index, String text);
}
