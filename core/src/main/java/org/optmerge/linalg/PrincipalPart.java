package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;

/**
 * The best approximation of a matrix by one of lower rank, in factors that hold no quotient by a
 * singular value, so that small singular values do no harm. All of one type.
 *
 * @param us U_k · diag(s), shape (m, k)
 * @param s singular values, descending
 * @param svt diag(s) · V_kᵀ, shape (k, n)
 * @param left with {@code right}: left · right is the approximation U_k · diag(s) · V_kᵀ
 * @param right see {@code left}
 * @param eigenvalues all of the smaller Gram matrix, descending; rounding can make them negative
 */
public record PrincipalPart(
    NDArray us, double[] s, NDArray svt, NDArray left, NDArray right, double[] eigenvalues)
    implements AutoCloseable {
  @Override
  public void close() {
    us.close();
    svt.close();
    left.close();
    right.close();
  }
}
