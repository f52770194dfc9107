package org.optmerge.base;

import java.util.List;

/**
 * The loops in which a merge spends its time: to widen, round and narrow, to add, to count, to
 * draw.
 *
 * <p>{@link PlainKernels} is what they mean. Another implementation gives the same bits, faster; so
 * which one runs depends on the machine, and no result does.
 */
public interface Kernels {
  /** The number of lanes of {@link #addProducts} and {@link #addMagnitudes}. */
  int LANES = 8;

  /** The fastest that this Java and this processor have. */
  static Kernels best() {
    return Choice.BEST;
  }

  /** All that can run here, the plain one first. */
  static List<Kernels> all() {
    return Choice.ALL;
  }

  /** Widens bfloat16 patterns into {@code target} from {@code at} on. */
  void widenBf16(short[] patterns, float[] target, int at, int length);

  /** Widens float16 patterns into {@code target} from {@code at} on. */
  void widenF16(short[] patterns, float[] target, int at, int length);

  /** Rounds floats to bfloat16, to nearest, ties to even. */
  void narrowBf16(float[] values, int from, int length, short[] patterns);

  /** Rounds floats to a small format, to nearest, ties to even. */
  void narrow(SmallFloat format, float[] values, int from, int length, short[] patterns);

  /** Rounds floats in place to those that bfloat16 has. */
  void roundBf16(float[] values, int from, int length);

  /** Subtracts {@code other} from the first entries. */
  void subtract(float[] values, float[] other, int length);

  /** True if none of the entries is infinite or NaN. */
  boolean allFinite(float[] values, int from, int length);

  /**
   * True if the magnitudes of all entries are below a limit, so that none is NaN.
   *
   * @param limit a positive number
   */
  boolean allBelow(float[] values, int from, int length, float limit);

  /** The sum of squares: a double of floats of 1,024 entries each, in eight lanes. */
  double sumOfSquares(float[] values, int from, int length);

  /**
   * Adds a_i b_i to lane (start + i) mod 8, for the first entries.
   *
   * @param start of entry 0 in the whole that these are a block of
   */
  void addProducts(double[] lanes, float[] a, float[] b, int length, long start);

  /** Adds |a_i| to lane (start + i) mod 8, as {@link #addProducts} does products. */
  void addMagnitudes(double[] lanes, float[] a, int length, long start);

  /** The number of entries of this magnitude. */
  int countMagnitude(float[] values, int from, int length, float magnitude);

  /**
   * Writes 53 random bits for each of some entries, as {@link CounterRandom#uniformBits} has them.
   *
   * @param first the entry that comes to {@code bits[0]}
   */
  void uniformBits(long key, long first, long[] bits, int length);

  /**
   * Writes the entries that a random number below {@code limit} keeps, times a factor, and zeros
   * for the others.
   *
   * @param key of the random numbers
   * @param first the entry that {@code values[0]} is
   */
  void keepRandom(
      long key, long first, long limit, float[] values, float factor, float[] target, int length);

  /** What can run here, found once. */
  final class Choice {
    private static final String VECTORS = "org.optmerge.base.VectorKernels";
    private static final List<Kernels> ALL = all();
    private static final Kernels BEST = ALL.get(ALL.size() - 1);

    private Choice() {}

    private static List<Kernels> all() {
      Kernels plain = new PlainKernels();
      if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
        try {
          Class<?> vectors = Class.forName(VECTORS);
          Kernels found = (Kernels) vectors.getDeclaredConstructor().newInstance();
          return List.of(plain, found);
        } catch (ReflectiveOperationException | LinkageError e) {
          // Compiled without that module, against another state of it, or the processor is too
          // narrow: the plain loops do the same.
        }
      }
      return List.of(plain);
    }
  }
}
