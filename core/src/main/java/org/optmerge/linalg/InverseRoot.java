package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.Optional;

/**
 * The inverse square root of a matrix's smaller Gram matrix, on its range: what makes the matrix
 * the nearest one with orthonormal columns, X · (XᵀX)^−½, or rows, (XXᵀ)^−½ · X.
 *
 * <p>Directions whose singular value is not above a tolerance are left out, since nothing
 * determines them; the product is then a partial isometry. A root is as small as the smaller side,
 * so that products with a long X are few.
 *
 * @param root symmetric, float32 or float64
 * @param singularValues those above the tolerance, descending
 */
public record InverseRoot(NDArray root, double[] singularValues) {
  /** Below this ratio of sides, columns are too dependent for a float32 Gram matrix. */
  private static final int LONG = 2;

  /** Smaller sides than this cost so little that everything is float64. */
  private static final int FLOAT32_SIDE = 512;

  /** The least eigenvalue of a float32 Gram matrix, as a share of the largest. */
  private static final double FLOAT32_RANGE = 1e-2;

  /** Ulps of a unit vector that was computed in float32. */
  private static final double FLOAT32_NOISE = 4 * 0x1p-24;

  /** In float64. */
  public static InverseRoot of(NDArray x, double tolerance) {
    try (NDManager scope = x.getManager().newSubManager()) {
      NDArray wide = LinearAlgebra.toFloat64(scope, x);
      SymmetricEigen eigen =
          LinearAlgebra.eigh(LinearAlgebra.attached(scope, LinearAlgebra.gram(wide)));
      double[] s = LinearAlgebra.above(LinearAlgebra.roots(eigen.values()), tolerance);
      NDArray basis = LinearAlgebra.attached(scope, eigen.vectors());
      if (s.length > 0 && s[s.length - 1] < LinearAlgebra.GRAM_RANGE * s[0]) {
        // The squares of the small values are lost in the Gram matrix.
        Svd svd = LinearAlgebra.svd(wide);
        s = LinearAlgebra.above(svd.s(), tolerance);
        basis =
            LinearAlgebra.attached(scope, LinearAlgebra.isTall(x) ? svd.vt().transpose() : svd.u());
      }
      return of(scope, x.getManager(), basis, s);
    }
  }

  /**
   * In float32, if X is large, far from square and so well conditioned that this is as good; else
   * empty.
   */
  public static Optional<InverseRoot> inFloat32(NDArray x, double tolerance) {
    long rows = x.getShape().get(0);
    long columns = x.getShape().get(1);
    long side = Math.min(rows, columns);
    if (x.getDataType() != DataType.FLOAT32
        || side < FLOAT32_SIDE
        || Math.max(rows, columns) < LONG * side) {
      return Optional.empty();
    }
    try (NDManager scope = x.getManager().newSubManager()) {
      SymmetricEigen eigen =
          LinearAlgebra.eigh(
              LinearAlgebra.attached(scope, LinearAlgebra.gram(x, DataType.FLOAT32)));
      double[] values = eigen.values();
      double least = values[values.length - 1];
      if (!(least >= FLOAT32_RANGE * values[0]) || Math.sqrt(least) <= tolerance) {
        return Optional.empty();
      }
      NDArray basis = LinearAlgebra.attached(scope, eigen.vectors());
      return Optional.of(of(scope, x.getManager(), basis, LinearAlgebra.roots(values)));
    }
  }

  private static InverseRoot of(NDManager scope, NDManager manager, NDArray vectors, double[] s) {
    NDArray basis = LinearAlgebra.attached(scope, LinearAlgebra.columns(vectors, 0, s.length));
    double[] reciprocals = Arrays.stream(s).map(value -> 1 / value).toArray();
    NDArray scaled = LinearAlgebra.attached(scope, LinearAlgebra.scaleColumns(basis, reciprocals));
    NDArray root = scaled.matMul(LinearAlgebra.attached(scope, basis.transpose()));
    return new InverseRoot(LinearAlgebra.attached(manager, root), s);
  }

  /** X · root or root · X, of the root's type, in its manager. */
  public NDArray isometry(NDArray x) {
    try (NDArray same = LinearAlgebra.toType(root.getManager(), x, root.getDataType())) {
      return LinearAlgebra.isTall(x) ? same.matMul(root) : root.matMul(same);
    }
  }

  /**
   * The share of its norm by which the isometry moves if the entries of X, of unit columns or rows,
   * carry float32's rounding: to first order the rounding over the sums of all pairs of singular
   * values.
   *
   * @param length of the columns or rows
   */
  public double shareOfFloat32Noise(long length) {
    double sum = 0;
    for (double a : singularValues) {
      for (double b : singularValues) {
        sum += 4 / ((a + b) * (a + b));
      }
    }
    return FLOAT32_NOISE * Math.sqrt(sum / (length * (double) Math.max(1, singularValues.length)));
  }
}
