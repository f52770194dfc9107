package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import java.util.Set;

/** The choice of the next token of every sequence of a batch. */
interface TokenChoice {
  /** The token that scores best. */
  TokenChoice BEST = (scores, answers, made) -> scores.argMax(-1).toLongArray();

  /** This choice without some tokens, for the first so many. */
  default TokenChoice without(Set<Long> barred, int tokens) {
    return tokens == 0
        ? this
        : (scores, answers, made) -> {
          if (made >= tokens) {
            return next(scores, answers, made);
          }
          float[] mask = new float[(int) scores.getShape().get(scores.getShape().dimension() - 1)];
          barred.forEach(token -> mask[Math.toIntExact(token)] = Float.NEGATIVE_INFINITY);
          try (NDArray added = scores.getManager().create(mask);
              NDArray masked = scores.add(added)) {
            return next(masked, answers, made);
          }
        };
  }

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
