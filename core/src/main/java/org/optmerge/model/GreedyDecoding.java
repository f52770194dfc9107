package org.optmerge.model;

import java.util.Set;

/**
 * The end of decoding.
 *
 * @param maxNewTokens most tokens that are made for a sequence
 * @param stopTokens the tokens that end a sequence, and are part of it; empty if none does
 * @param padToken what fills a sequence that has ended while others go on
 */
record GreedyDecoding(int maxNewTokens, Set<Long> stopTokens, long padToken) {
  /**
   * @throws ModelException if no token may be made, or the fill or a stop is no token
   */
  public GreedyDecoding {
    stopTokens = Set.copyOf(stopTokens);
    if (maxNewTokens < 1 || padToken < 0 || stopTokens.stream().anyMatch(stop -> stop < 0)) {
      throw new ModelException(
          "greedy decoding needs maxNewTokens >= 1, a padToken >= 0 and stopTokens >= 0, has %d, %d and %s"
              .formatted(maxNewTokens, padToken, stopTokens));
    }
  }

  /**
   * @param stopToken the one token that ends a sequence; −1 if none does
   */
  GreedyDecoding(int maxNewTokens, long stopToken, long padToken) {
    this(maxNewTokens, stopToken == -1 ? Set.of() : Set.of(stopToken), padToken);
  }
}
