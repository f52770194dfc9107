package org.optmerge.base;

/**
 * Sums over arrays of floats, each in an order that never changes, so that a result has the same
 * bits on every machine.
 *
 * <p>A sum runs in several lanes side by side, since an addition would else wait for the one before
 * it. The lanes are variables of their own: as elements of an array the same loop takes two to five
 * times as long.
 */
public final class Floats {
  /** The number of lanes of {@link #addProducts} and {@link #addMagnitudes}. */
  public static final int LANES = 8;

  /** So few squares can be added as floats without loss that matters. */
  private static final int SQUARES = 1024;

  private Floats() {}

  /** The sum of the first entries, as a float: not finite if one of them is not. */
  public static float sum(float[] v, int length) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    float e = 0;
    float f = 0;
    float g = 0;
    float h = 0;
    int i = 0;
    for (; i + 7 < length; i += 8) {
      a += v[i];
      b += v[i + 1];
      c += v[i + 2];
      d += v[i + 3];
      e += v[i + 4];
      f += v[i + 5];
      g += v[i + 6];
      h += v[i + 7];
    }
    for (; i < length; i++) {
      a += v[i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  /** The sum of the squares of the first entries: a double of floats of 1,024 entries each. */
  public static double sumOfSquares(float[] values, int length) {
    double sum = 0;
    for (int from = 0; from < length; from += SQUARES) {
      sum += sumOfSquares(values, from, Math.min(length, from + SQUARES));
    }
    return sum;
  }

  private static float sumOfSquares(float[] v, int from, int to) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    float e = 0;
    float f = 0;
    float g = 0;
    float h = 0;
    int i = from;
    for (; i + 7 < to; i += 8) {
      a += v[i] * v[i];
      b += v[i + 1] * v[i + 1];
      c += v[i + 2] * v[i + 2];
      d += v[i + 3] * v[i + 3];
      e += v[i + 4] * v[i + 4];
      f += v[i + 5] * v[i + 5];
      g += v[i + 6] * v[i + 6];
      h += v[i + 7] * v[i + 7];
    }
    for (; i < to; i++) {
      a += v[i] * v[i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  /** The scalar product of the first entries, in doubles. */
  public static double dot(float[] a, float[] b, int length) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < length; i += 4) {
      s0 += (double) a[i] * b[i];
      s1 += (double) a[i + 1] * b[i + 1];
      s2 += (double) a[i + 2] * b[i + 2];
      s3 += (double) a[i + 3] * b[i + 3];
    }
    for (; i < length; i++) {
      s0 += (double) a[i] * b[i];
    }
    return (s0 + s1) + (s2 + s3);
  }

  /**
   * Adds a_i b_i to lane (start + i) mod 8, for the first entries.
   *
   * @param start of entry 0 in the whole that these are a block of
   */
  public static void addProducts(double[] lanes, float[] a, float[] b, int length, long start) {
    int i = 0;
    for (; i < length && ((start + i) & (LANES - 1)) != 0; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += (double) a[i] * b[i];
    }
    double s0 = lanes[0];
    double s1 = lanes[1];
    double s2 = lanes[2];
    double s3 = lanes[3];
    double s4 = lanes[4];
    double s5 = lanes[5];
    double s6 = lanes[6];
    double s7 = lanes[7];
    for (; i + LANES <= length; i += LANES) {
      s0 += (double) a[i] * b[i];
      s1 += (double) a[i + 1] * b[i + 1];
      s2 += (double) a[i + 2] * b[i + 2];
      s3 += (double) a[i + 3] * b[i + 3];
      s4 += (double) a[i + 4] * b[i + 4];
      s5 += (double) a[i + 5] * b[i + 5];
      s6 += (double) a[i + 6] * b[i + 6];
      s7 += (double) a[i + 7] * b[i + 7];
    }
    lanes[0] = s0;
    lanes[1] = s1;
    lanes[2] = s2;
    lanes[3] = s3;
    lanes[4] = s4;
    lanes[5] = s5;
    lanes[6] = s6;
    lanes[7] = s7;
    for (; i < length; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += (double) a[i] * b[i];
    }
  }

  /** Adds |a_i| to lane (start + i) mod 8, as {@link #addProducts} does products. */
  public static void addMagnitudes(double[] lanes, float[] a, int length, long start) {
    int i = 0;
    for (; i < length && ((start + i) & (LANES - 1)) != 0; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += Math.abs(a[i]);
    }
    double s0 = lanes[0];
    double s1 = lanes[1];
    double s2 = lanes[2];
    double s3 = lanes[3];
    double s4 = lanes[4];
    double s5 = lanes[5];
    double s6 = lanes[6];
    double s7 = lanes[7];
    for (; i + LANES <= length; i += LANES) {
      s0 += Math.abs(a[i]);
      s1 += Math.abs(a[i + 1]);
      s2 += Math.abs(a[i + 2]);
      s3 += Math.abs(a[i + 3]);
      s4 += Math.abs(a[i + 4]);
      s5 += Math.abs(a[i + 5]);
      s6 += Math.abs(a[i + 6]);
      s7 += Math.abs(a[i + 7]);
    }
    lanes[0] = s0;
    lanes[1] = s1;
    lanes[2] = s2;
    lanes[3] = s3;
    lanes[4] = s4;
    lanes[5] = s5;
    lanes[6] = s6;
    lanes[7] = s7;
    for (; i < length; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += Math.abs(a[i]);
    }
  }
}
