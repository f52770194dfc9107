package org.optmerge.base;

/**
 * Sums over arrays of floats, each in an order that never changes, so that a result has the same
 * bits on every machine. Those in which a merge spends its time are {@link Kernels}.
 */
public final class Floats {
  private Floats() {}

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
}
