package org.optmerge.base;

import java.util.List;
import org.jspecify.annotations.Nullable;

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

  /** The fastest that this Java and this processor have, as far as it pays to load them. */
  static Kernels best() {
    return Choice.MADE.best;
  }

  /**
   * Says that so many numbers are to come: from some billion on it pays to load and compile the
   * vectors, where Java lets us.
   */
  static void expect(long numbers) {
    if (numbers >= Choice.MANY) {
      Choice.MADE.load();
    }
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
   * Writes the indices, in order, of entries whose magnitudes have the given upper 15 bits; returns
   * how many there are.
   */
  int findUpper(float[] values, int length, int upper, int[] indices);

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

  /**
   * Writes entries, times a factor, whose magnitude exceeds a threshold, and zeros of their sign
   * for the others.
   */
  void keepAbove(float[] values, int from, int to, float exceeded, float factor, float[] target);

  /**
   * Writes entries, times a factor, whose bit is set, and zeros for the others.
   *
   * @param words bit i of {@code words[at + j]} is that of {@code values[from + 64 j + i]}
   */
  void keepMarked(
      long[] words, int at, float[] values, int from, int length, float factor, float[] target);

  /** The number of entries above zero less that of those below. */
  int balance(float[] values, int length);

  /**
   * Merges rows by their elected sign, that of their sum (+ where it is zero): Y is the sum of the
   * entries of that sign, D that of their rows' weights. Writes λ Y, or λ Y / D (D = 1 where it is
   * zero), without negative zeros.
   */
  void consensus(
      float[][] rows, float[] weights, boolean normalize, float lambda, float[] merged, int length);

  /**
   * Merges rows by their elected sign, that of their sum (the majority's where it is zero): the sum
   * of the entries of that sign, or their mean, without negative zeros.
   *
   * @param count of the rows
   * @param majority 1, 0 or −1
   */
  void election(
      float[][] rows, int count, float majority, boolean mean, float[] merged, int length);

  /** What can run here. */
  final class Choice {
    private static final String VECTORS = "org.optmerge.base.VectorKernels";
    private static final String MODULE = "jdk.incubator.vector";

    /** Numbers from which on vectors gain more than they take to be compiled. */
    private static final long MANY = 1_500_000_000;

    private static final List<Kernels> ALL = all();
    private static final Choice MADE = new Choice();

    /** Which one runs changes the speed alone, never a result. */
    private volatile Kernels best = ALL.get(ALL.size() - 1);

    private Choice() {}

    private static List<Kernels> all() {
      Kernels plain = new PlainKernels();
      boolean there = ModuleLayer.boot().findModule(MODULE).isPresent();
      Kernels vectors = there ? vectors() : null;
      return vectors == null ? List.of(plain) : List.of(plain, vectors);
    }

    private static @Nullable Kernels vectors() {
      try {
        return (Kernels) Class.forName(VECTORS).getDeclaredConstructor().newInstance();
      } catch (ReflectiveOperationException | LinkageError e) {
        // Compiled without that module, against another state of it, or the processor is too
        // narrow: the plain loops do the same.
        return null;
      }
    }

    /**
     * Loads the vectors after the start, as the JDK loads modules of its own that it needs late. It
     * is a matter of the launcher to allow it ({@code --add-exports
     * java.base/jdk.internal.module=ALL-UNNAMED}); {@code --add-modules} would print a warning.
     */
    private synchronized void load() {
      if (best != ALL.get(0)) {
        return;
      }
      try {
        Class.forName("jdk.internal.module.Modules")
            .getMethod("loadModule", String.class)
            .invoke(null, MODULE);
      } catch (ReflectiveOperationException | RuntimeException e) {
        return; // not allowed, or not there
      }
      Kernels vectors = vectors();
      if (vectors != null) {
        best = vectors;
      }
    }
  }
}
