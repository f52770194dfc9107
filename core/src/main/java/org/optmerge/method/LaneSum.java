package org.optmerge.method;

/**
 * A sum in double precision that does not depend on how the entries are cut into blocks.
 *
 * <p>Entry i of the parameter goes to lane i mod 8, each lane adds its entries in order, and the
 * lanes are added at the end. Eight chains of additions also keep the processor busy where one
 * would wait for itself.
 */
final class LaneSum {
  private static final int LANES = 8;

  private final double[] lanes = new double[LANES];

  /** Adds Σ a_i b_i; {@code start} is the index of entry 0 in the parameter. */
  public void addProducts(float[] a, float[] b, int length, long start) {
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

  /** Adds Σ |a_i|; {@code start} is the index of entry 0 in the parameter. */
  void addMagnitudes(float[] a, int length, long start) {
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

  /** Adds another sum. */
  public LaneSum add(LaneSum other) {
    for (int lane = 0; lane < LANES; lane++) {
      lanes[lane] += other.lanes[lane];
    }
    return this;
  }

  public double total() {
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
        + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  }
}
