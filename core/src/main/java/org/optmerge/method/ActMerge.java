package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.SymmetricEigen;
import org.optmerge.taskvector.TaskVector;

/**
 * ACTMerge: RegMean with the inputs' covariance that a task vector betrays, C_t = τ_tᵀτ_t: Δ = (Σ
 * τ_t C_t)(Σ C_t)⁺.
 *
 * <p>It is WUDI's minimiser with other weights: there C_t is divided by ‖τ_t‖², so that a large
 * task vector counts no more than a small one. The published code calls it {@code actmat} and
 * merges weights where bases differ. Directions of the inputs that no expert changed are not
 * determined; there Δ is zero, as the pseudoinverse has it. Adapters are merged in the space of
 * their rows, and stay factored. Parameters that are not matrices become the mean.
 *
 * @see <a href="https://arxiv.org/abs/2604.01329">Hameed et al., Model merging via data-free
 *     covariance estimation, 2026</a>
 */
record ActMerge() implements MatrixMethod {
  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    if (tau.allZero()) {
      return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
    }
    NDArray rows = tau.sumIsFactored() ? basis(tau) : null;
    long side = rows == null ? tau.columns() : rows.getShape().get(0);
    NDArray covariance = tau.scope().zeros(new Shape(side, side), DataType.FLOAT64);
    NDArray numerator = tau.scope().zeros(new Shape(tau.rows(), side), DataType.FLOAT64);
    double squares = 0;
    for (int t = 0; t < tau.count(); t++) {
      squares += tau.squaredNorm(t);
      try (NDArray x = within(tau, t, rows);
          NDArray transposed = x.transpose();
          NDArray gram = transposed.matMul(x);
          NDArray product = x.matMul(gram)) {
        covariance.addi(gram);
        numerator.addi(product);
      }
    }
    NDArray merged = numerator.matMul(pseudoinverse(covariance, squares));
    return rows == null ? new TaskVector.Dense(merged) : new TaskVector.LowRank(merged, rows, 1);
  }

  /** Orthonormal rows that span those of all adapters. */
  private static NDArray basis(Matrices tau) {
    NDList factors = new NDList();
    for (int t = 0; t < tau.count(); t++) {
      factors.add(tau.rowFactor(t));
    }
    NDArray all = NDArrays.concat(factors, 0);
    double norm = Math.sqrt(LinearAlgebra.squaredNorm(all));
    return LinearAlgebra.truncatedSvd(all, Long.MAX_VALUE, LinearAlgebra.rankTolerance(norm)).vt();
  }

  /** τ_t, in coordinates of the basis if there is one. */
  private static NDArray within(Matrices tau, int t, @Nullable NDArray rows) {
    if (rows == null) {
      return tau.dense(t).duplicate();
    }
    try (NDArray b = tau.b(t);
        NDArray a = tau.a(t);
        NDArray transposed = rows.transpose();
        NDArray small = a.matMul(transposed)) {
      return b.matMul(small);
    }
  }

  private static NDArray pseudoinverse(NDArray covariance, double squares) {
    SymmetricEigen eigen = LinearAlgebra.eigh(covariance);
    double tolerance = LinearAlgebra.rankTolerance(Math.sqrt(squares));
    double[] inverse =
        Arrays.stream(eigen.values())
            .map(value -> value > tolerance * tolerance ? 1 / value : 0)
            .toArray();
    NDArray left = LinearAlgebra.scaleColumns(eigen.vectors(), inverse);
    return left.matMul(eigen.vectors().transpose());
  }
}
