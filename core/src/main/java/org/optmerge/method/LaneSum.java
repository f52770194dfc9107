package org.optmerge.method;

import org.optmerge.base.Kernels;

/**
 * A sum in double precision that does not depend on how the entries are cut into blocks.
 *
 * <p>Entry i of the parameter goes to lane i mod 8, each lane adds its entries in order, and the
 * lanes are added at the end. Eight chains of additions also keep the processor busy where one
 * would wait for itself.
 */
final class LaneSum {
  private final double[] lanes = new double[Kernels.LANES];

  /** Adds Σ a_i b_i; {@code start} is the index of entry 0 in the parameter. */
  public void addProducts(float[] a, float[] b, int length, long start) {
    Kernels.best().addProducts(lanes, a, b, length, start);
  }

  /** Adds Σ |a_i|; {@code start} is the index of entry 0 in the parameter. */
  void addMagnitudes(float[] a, int length, long start) {
    Kernels.best().addMagnitudes(lanes, a, length, start);
  }

  /** Adds another sum. */
  public LaneSum add(LaneSum other) {
    for (int lane = 0; lane < Kernels.LANES; lane++) {
      lanes[lane] += other.lanes[lane];
    }
    return this;
  }

  public double total() {
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
        + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  }
}
