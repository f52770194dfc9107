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

  /**
   * An answer has grown by a token. Only one that {@link #follows} is told of growth.
   *
   * @param index of its prompt
   * @param text the answer so far, without a character of which only some bytes are there
   */
  default void grown(int index, String text) {}

  /** True if growing answers are to be told of, which takes time for each token. */
  default boolean follows() {
    return false;
  }
}
