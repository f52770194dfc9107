package org.optmerge.method;

import org.optmerge.method.StreamingMergeMethod.BlockMerge;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * Merges of two inputs in which every column, a vector along the first extent, has coefficients of
 * its own.
 */
final class ColumnwiseMerge {
  private ColumnwiseMerge() {}

  /** Takes the scalar products of every column and returns the merge. */
  static BlockMerge prepare(TaskVectorStream x, Coefficients coefficients) {
    int columns = Math.toIntExact(Extents.columns(x.shape()));
    double[][] products =
        x.reduce(
            () -> new double[3][columns],
            (sums, block) -> add(sums, block, columns),
            (a, b) -> {
              for (int pair = 0; pair < a.length; pair++) {
                for (int column = 0; column < columns; column++) {
                  a[pair][column] += b[pair][column];
                }
              }
              return a;
            });
    float[][] factors = new float[2][columns];
    for (int column = 0; column < columns; column++) {
      double cross = products[1][column];
      double[] pair =
          coefficients.of(
              new Gram(
                  new double[][] {{products[0][column], cross}, {cross, products[2][column]}}));
      factors[0][column] = (float) pair[0];
      factors[1][column] = (float) pair[1];
    }
    return (block, merged) -> combine(factors, block, columns, merged);
  }

  private static void add(double[][] sums, Block block, int columns) {
    float[] a = block.tau()[0];
    float[] b = block.tau()[1];
    int column = (int) (block.start() % columns);
    for (int i = 0; i < block.length(); i++) {
      sums[0][column] += (double) a[i] * a[i];
      sums[1][column] += (double) a[i] * b[i];
      sums[2][column] += (double) b[i] * b[i];
      column = column + 1 == columns ? 0 : column + 1;
    }
  }

  private static void combine(float[][] factors, Block block, int columns, float[] merged) {
    float[] a = block.tau()[0];
    float[] b = block.tau()[1];
    int column = (int) (block.start() % columns);
    for (int i = 0; i < block.length(); i++) {
      merged[i] = factors[0][column] * a[i] + factors[1][column] * b[i];
      column = column + 1 == columns ? 0 : column + 1;
    }
  }
}
