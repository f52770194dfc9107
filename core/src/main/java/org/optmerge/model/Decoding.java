package org.optmerge.model;

import org.apiguardian.api.API;

/**
 * Greedy decoding: the token that scores best, again and again, until the answer ends.
 *
 * @param maxNewTokens most tokens of an answer; no more than the model's positions leave room for
 */
@API(status = API.Status.EXPERIMENTAL)
public record Decoding(int maxNewTokens) {
  /** Long enough for a sentence or two. */
  public static final Decoding DEFAULT = new Decoding(256);

  /**
   * @throws ModelException if no token may be made
   */
  public Decoding {
    if (maxNewTokens < 1) {
      throw new ModelException(
          "an answer needs room for at least one token, maxNewTokens is " + maxNewTokens);
    }
  }
}
