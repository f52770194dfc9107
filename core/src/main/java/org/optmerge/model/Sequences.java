package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences on their way through decoding, side by side: keys and values of all their tokens, and
 * scores for the next one. They end at the same place; what is before a shorter one, or between a
 * common beginning and it, is hidden.
 */
final class Sequences implements AutoCloseable {
  private final NDManager scope;
  private final List<NDArray> caches = new ArrayList<>();
  private final long[] nextPositions;
  private final NDArray scores;

  /** For each sequence and place, 1 if there is a token, else 0; longer than {@link #length}. */
  private long[][] mask;

  private int length;

  /**
   * @param scope that is closed with them; holds the arrays
   * @param caches keys and values of every layer, (B, heads, places, w) each, of at least so many
   *     places as the mask is long
   * @param mask for each sequence and place 1 if there is a token, else 0
   * @param nextPositions for each sequence the position of its next token
   * @param scores for the next token, (B, vocabulary)
   */
  Sequences(
      NDManager scope, List<NDArray> caches, long[][] mask, long[] nextPositions, NDArray scores) {
    this.scope = scope;
    this.mask = mask;
    this.length = mask[0].length;
    this.nextPositions = nextPositions.clone();
    this.scores = scores;
    scores.attach(scope);
    keep(caches);
  }

  NDManager scope() {
    return scope;
  }

  int count() {
    return mask.length;
  }

  /** Places that are taken. */
  int length() {
    return length;
  }

  List<NDArray> caches() {
    return caches;
  }

  /** Places that there is room for. */
  long room() {
    return caches.get(0).getShape().get(2);
  }

  /** Scores for the first new token. */
  NDArray scores() {
    return scores;
  }

  long nextPosition(int sequence) {
    return nextPositions[sequence];
  }

  /** Takes over keys and values that have room for more. */
  void keep(List<NDArray> keysAndValues) {
    caches.forEach(NDArray::close);
    caches.clear();
    caches.addAll(keysAndValues);
    caches.forEach(cache -> cache.attach(scope));
  }

  /** A sequence's places. */
  long[] mask(int sequence) {
    return Arrays.copyOf(mask[sequence], length);
  }

  /** All sequences' places, row by row. */
  long[] masks() {
    long[] all = new long[mask.length * length];
    for (int i = 0; i < mask.length; i++) {
      System.arraycopy(mask[i], 0, all, i * length, length);
    }
    return all;
  }

  /** Every sequence has one more token. */
  void grow() {
    if (mask[0].length == length) {
      for (int i = 0; i < mask.length; i++) {
        mask[i] = Arrays.copyOf(mask[i], length + length / 2 + 1);
      }
    }
    for (int i = 0; i < mask.length; i++) {
      mask[i][length] = 1;
      nextPositions[i]++;
    }
    length++;
  }

  @Override
  public void close() {
    scope.close();
  }
}
