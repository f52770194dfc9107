package org.optmerge.analysis;

import java.util.Arrays;

/**
 * A histogram of magnitudes, in bins that are a quarter of a power of two wide: four bins from 2^k
 * to 2^(k+1), over the whole range of {@code float}.
 *
 * <p>A bin is the upper ten bits of a magnitude's representation, so counting costs a shift and an
 * increment, and the memory does not depend on how much is counted. Zeros are not counted. Not
 * thread-safe.
 */
public final class MagnitudeHistogram {
  /** Number of bins. */
  public static final int BINS = 1 << 10;

  private static final int SHIFT = 31 - 10;

  private final long[] counts = new long[BINS];

  /** Counts |value| unless it is zero; {@code value} is finite. */
  public void add(float value) {
    int magnitude = Float.floatToRawIntBits(value) & 0x7fffffff;
    if (magnitude != 0) {
      counts[magnitude >>> SHIFT]++;
    }
  }

  /** Counts everything that another histogram counted. */
  public void add(MagnitudeHistogram other) {
    for (int bin = 0; bin < BINS; bin++) {
      counts[bin] += other.counts[bin];
    }
  }

  /** Magnitudes in a bin. */
  public long count(int bin) {
    return counts[bin];
  }

  /** Magnitudes in all bins. */
  public long count() {
    return Arrays.stream(counts).sum();
  }

  /** The smallest magnitude of a bin; that of {@link #BINS} ends the last. */
  public static double lowerEdge(int bin) {
    if (bin < 0 || bin > BINS) {
      throw new IllegalArgumentException("bin must be in [0, %d], is %d".formatted(BINS, bin));
    }
    // Infinity's bin and those above hold nothing: the last finite magnitude is below 2^128.
    return bin >= 0xff << 2 ? 0x1p128 : Float.intBitsToFloat(bin << SHIFT);
  }
}
