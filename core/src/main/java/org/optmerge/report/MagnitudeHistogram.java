package org.optmerge.report;

/**
 * How often each magnitude occurs among the entries of a task vector: counts of |x| in logarithmic
 * bins of a quarter octave, so that a bin ends at 2^¼ times where it begins.
 *
 * <p>Adding is exact and cheap (a few nanoseconds an entry); the memory does not grow. Not safe for
 * several threads: give each its own and {@link #add(MagnitudeHistogram) add} them.
 */
public final class MagnitudeHistogram {
  private static final int BINS_PER_OCTAVE = 4;
  private static final int MANTISSA_BITS = 23;
  private static final int MANTISSA = (1 << MANTISSA_BITS) - 1;

  /** Mantissas of 2^¼, 2^½ and 2^¾: where the bins within an octave begin. */
  private static final int FIRST = mantissa(0.25);

  private static final int SECOND = mantissa(0.5);
  private static final int THIRD = mantissa(0.75);

  private final long[] counts = new long[256 * BINS_PER_OCTAVE];
  private long zeros;
  private long total;

  /** Counts one entry; zeros are counted apart, subnormal numbers in the lowest octave. */
  public void add(float value) {
    int bits = Float.floatToRawIntBits(value) & Integer.MAX_VALUE;
    total++;
    if (bits == 0) {
      zeros++;
      return;
    }
    int mantissa = bits & MANTISSA;
    int quarter = mantissa < SECOND ? (mantissa < FIRST ? 0 : 1) : (mantissa < THIRD ? 2 : 3);
    counts[(bits >>> MANTISSA_BITS) * BINS_PER_OCTAVE + quarter]++;
  }

  /** Counts the first {@code length} values. */
  public void add(float[] values, int length) {
    for (int i = 0; i < length; i++) {
      add(values[i]);
    }
  }

  /** Counts everything that another histogram has counted. */
  public void add(MagnitudeHistogram other) {
    for (int bin = 0; bin < counts.length; bin++) {
      counts[bin] += other.counts[bin];
    }
    zeros += other.zeros;
    total += other.total;
  }

  /** How many entries were counted. */
  public long total() {
    return total;
  }

  /** The share of entries that are exactly zero, in [0, 1]; 0 if nothing was counted. */
  public double zeroShare() {
    return total == 0 ? 0 : (double) zeros / total;
  }

  /** Number of bins. */
  int bins() {
    return counts.length;
  }

  /** The geometric centre of a bin, as a magnitude. */
  double centre(int bin) {
    int exponent = bin / BINS_PER_OCTAVE - 127;
    return Math.pow(2, exponent + (bin % BINS_PER_OCTAVE + 0.5) / BINS_PER_OCTAVE);
  }

  /** The share of all entries that lie in a bin, in [0, 1]. */
  double share(int bin) {
    return total == 0 ? 0 : (double) counts[bin] / total;
  }

  private static int mantissa(double power) {
    return Float.floatToRawIntBits((float) Math.pow(2, power)) & MANTISSA;
  }
}
