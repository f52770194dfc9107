package org.optmerge.model;

/**
 * The end of greedy decoding.
 *
 * @param maxNewTokens most tokens that are made for a sequence
 * @param stopToken the token that ends a sequence, and is part of it; −1 if none does
 * @param padToken what fills a sequence that has ended while others go on
 */
record GreedyDecoding(int maxNewTokens, long stopToken, long padToken) {
  /**
   * @throws ModelException if no token may be made, or the fill is no token
   */
  public GreedyDecoding {
    if (maxNewTokens < 1 || padToken < 0 || stopToken < -1) {
      throw new ModelException(
          "greedy decoding needs maxNewTokens >= 1, a padToken >= 0 and a stopToken >= -1, has %d, %d and %d"
              .formatted(maxNewTokens, padToken, stopToken));
    }
  }
}
