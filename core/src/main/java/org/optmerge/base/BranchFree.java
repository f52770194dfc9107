package org.optmerge.base;

/**
 * Comparisons as arithmetic: 1 or 0, and the sign, of a {@code float}, without a branch, in
 * operations that the JIT compiler vectorises.
 *
 * <p>Two multiplications by 2^100 bring every nonzero float, denormal or not, beyond ±1, where it
 * is cut off; zero stays zero and NaN stays NaN. The difference of two unequal floats is never
 * zero, so {@code positive(a - b)} compares exactly.
 */
public final class BranchFree {
  private static final float HUGE = 0x1p100f;

  private BranchFree() {}

  /** 1 if x > 0, else 0. */
  public static float positive(float x) {
    return Math.min(Math.max(x * HUGE * HUGE, 0f), 1f);
  }

  /** 1, 0 or −1. */
  public static float sign(float x) {
    return Math.min(Math.max(x * HUGE * HUGE, -1f), 1f);
  }

  /** Replaces sums by their signs, 1 or −1; that of zero is 1. */
  public static void elect(float[] sums, int length) {
    for (int i = 0; i < length; i++) {
      sums[i] = sign(sign(sums[i]) + 0.5f);
    }
  }
}
