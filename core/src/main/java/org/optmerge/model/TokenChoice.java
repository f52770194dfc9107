package org.optmerge.model;

import ai.djl.ndarray.NDArray;

/** The choice of the next token of every sequence of a batch. */
interface TokenChoice {
  /** The token that scores best. */
  TokenChoice BEST = (scores, answers, made) -> scores.argMax(-1).toLongArray();

  /**
   * The next tokens.
   *
   * @param scores (B, vocabulary), float32
   * @param answers for each sequence the tokens that were made
   * @param made how many
   * @return a token for each sequence
   */
  long[] next(NDArray scores, long[][] answers, int made);
}
