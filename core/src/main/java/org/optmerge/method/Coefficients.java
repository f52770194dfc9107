package org.optmerge.method;

import org.optmerge.method.StreamingMergeMethod.BlockMerge;
import org.optmerge.taskvector.Block;

/**
 * A merge that is a linear combination of the inputs, whose coefficients follow from their Gram
 * matrix.
 */
@FunctionalInterface
interface Coefficients {
  /** One coefficient per input. */
  double[] of(Gram gram);

  /** The merge where every row has coefficients of its own; blocks must hold whole rows. */
  default BlockMerge perRow(int row) {
    return (block, merged) -> {
      for (int from = 0; from < block.length(); from += row) {
        combine(of(Gram.ofRow(block.tau(), from, row)), block, from, row, merged);
      }
    };
  }

  private static void combine(
      double[] coefficients, Block block, int from, int length, float[] merged) {
    for (int t = 0; t < coefficients.length; t++) {
      float[] x = block.tau()[t];
      float c = (float) coefficients[t];
      if (t == 0) {
        for (int i = from; i < from + length; i++) {
          merged[i] = c * x[i];
        }
      } else {
        for (int i = from; i < from + length; i++) {
          merged[i] += c * x[i];
        }
      }
    }
  }
}
