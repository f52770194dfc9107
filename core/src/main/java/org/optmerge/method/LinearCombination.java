package org.optmerge.method;

import java.util.Arrays;
import org.optmerge.taskvector.Block;

/** Σ_t c_t τ_t, what many methods come to once their coefficients are known. */
final class LinearCombination implements StreamingMergeMethod.BlockMerge {
  private final float[] coefficients;
  private final float[] ones;
  private final boolean sameForAll;

  /** The combination with one coefficient per input. */
  LinearCombination(double[] coefficients) {
    this.coefficients = new float[coefficients.length];
    for (int t = 0; t < coefficients.length; t++) {
      this.coefficients[t] = (float) coefficients[t];
    }
    this.ones = new float[coefficients.length];
    Arrays.fill(ones, 1f);
    this.sameForAll = Arrays.stream(coefficients).allMatch(c -> c == coefficients[0]);
  }

  /** Every coefficient the same. */
  static LinearCombination each(double coefficient, int count) {
    double[] all = new double[count];
    Arrays.fill(all, coefficient);
    return new LinearCombination(all);
  }

  @Override
  public void merge(Block block, float[] merged) {
    // Added before they are multiplied, inputs that cancel do so exactly.
    float common = coefficients[0];
    combine(sameForAll ? ones : coefficients, block.tau(), merged, block.length());
    if (sameForAll && common != 1) {
      scale(common, merged, merged, block.length());
    }
  }

  /** {@code merged[0..length) = Σ_t c_t tau[t][0..length)}, two inputs at a time. */
  private static void combine(float[] c, float[][] tau, float[] merged, int length) {
    int t = 0;
    if (c.length == 1) {
      scale(c[0], tau[0], merged, length);
      t = 1;
    } else {
      first(c[0], tau[0], c[1], tau[1], merged, length);
      t = 2;
    }
    for (; t + 1 < c.length; t += 2) {
      more(c[t], tau[t], c[t + 1], tau[t + 1], merged, length);
    }
    if (t < c.length) {
      more(c[t], tau[t], merged, length);
    }
  }

  private static void scale(float c, float[] x, float[] merged, int length) {
    for (int i = 0; i < length; i++) {
      merged[i] = c * x[i];
    }
  }

  private static void first(float c, float[] x, float d, float[] y, float[] merged, int length) {
    for (int i = 0; i < length; i++) {
      merged[i] = c * x[i] + d * y[i];
    }
  }

  private static void more(float c, float[] x, float d, float[] y, float[] merged, int length) {
    for (int i = 0; i < length; i++) {
      merged[i] += c * x[i] + d * y[i];
    }
  }

  private static void more(float c, float[] x, float[] merged, int length) {
    for (int i = 0; i < length; i++) {
      merged[i] += c * x[i];
    }
  }
}
