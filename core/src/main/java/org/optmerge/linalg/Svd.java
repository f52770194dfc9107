package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;

/**
 * A thin or truncated singular value decomposition, X = U · diag(s) · Vᵀ.
 *
 * @param u orthonormal columns, shape (m, k)
 * @param s singular values, descending
 * @param vt orthonormal rows, shape (k, n)
 */
public record Svd(NDArray u, double[] s, NDArray vt) {
  /** The leading {@code rank} triplets. */
  public Svd leading(int rank) {
    if (rank >= s.length) {
      return this;
    }
    return new Svd(
        LinearAlgebra.columns(u, 0, rank), Arrays.copyOf(s, rank), LinearAlgebra.rows(vt, 0, rank));
  }

  /** U · diag(values) · Vᵀ, with other values in place of the singular values. */
  public NDArray with(double[] values) {
    return LinearAlgebra.scaleColumns(u, values).matMul(vt);
  }
}
