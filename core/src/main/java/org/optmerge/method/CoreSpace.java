package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.SymmetricEigen;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * Core Space: writes low-rank task vectors in bases of all their columns and all their rows, where
 * they are small matrices and nothing is lost, merges these by another method, and goes back.
 *
 * <p>With U of [B₁ … B_N] and V of [A₁; …; A_N]: Mᵢ = UᵀBᵢAᵢV, Δ = U M Vᵀ. Methods that do not care
 * about rotations give the same as without. Task vectors that are not factored work too, with bases
 * of the task vectors themselves. Parameters that are not matrices go to the other method as they
 * are. Zero and repeated experts need no care; if all are zero, so is the result.
 *
 * @param inner merges the small matrices
 * @see <a href="https://arxiv.org/abs/2509.17786">Panariello et al., Accurate and efficient
 *     low-rank model merging in core space, NeurIPS 2025</a>
 */
record CoreSpace(MergeMethod inner) implements MatrixMethod {
  @Override
  public TaskVector mergeFactored(TaskVectors tau) {
    return merges(tau) ? MatrixMethod.super.mergeFactored(tau) : inner.mergeFactored(tau);
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    if (tau.allZero()) {
      return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
    }
    NDArray u;
    NDArray vt;
    if (tau.sumIsFactored()) {
      NDArray[] factors = tau.factorsOfSum();
      u = LinearAlgebra.truncatedSvd(factors[0], Long.MAX_VALUE, tolerance(factors[0])).u();
      vt = LinearAlgebra.truncatedSvd(factors[1], Long.MAX_VALUE, tolerance(factors[1])).vt();
    } else {
      u = basis(tau, false);
      vt = basis(tau, true).transpose();
    }
    NDArray ut = u.transpose();
    NDArray v = vt.transpose();
    List<TaskVector> core = new ArrayList<>();
    for (int t = 0; t < tau.count(); t++) {
      NDArray small;
      if (tau.isFactored(t)) {
        small = ut.matMul(tau.b(t)).matMul(tau.a(t).matMul(v));
      } else {
        try (NDArray dense = tau.dense(t);
            NDArray left = ut.matMul(dense)) {
          small = left.matMul(v);
        }
      }
      core.add(new TaskVector.Dense(small));
    }
    NDArray merged =
        LinearAlgebra.toFloat64(tau.scope(), inner.merge(new TaskVectors(tau.parameter(), core)));
    NDArray left = u.matMul(merged);
    return tau.sumIsFactored()
        ? new TaskVector.LowRank(left, vt, 1)
        : new TaskVector.Dense(left.matMul(vt));
  }

  private static double tolerance(NDArray factor) {
    return LinearAlgebra.rankTolerance(Math.sqrt(LinearAlgebra.squaredNorm(factor)));
  }

  /** An orthonormal basis of all columns, or of all rows, of the task vectors. */
  private static NDArray basis(Matrices tau, boolean ofRows) {
    SymmetricEigen eigen = LinearAlgebra.eigh(tau.sumOfGrams(ofRows));
    double squaredNorms = 0;
    for (int t = 0; t < tau.count(); t++) {
      squaredNorms += tau.squaredNorm(t);
    }
    double tolerance = LinearAlgebra.rankTolerance(Math.sqrt(squaredNorms));
    long rank =
        Arrays.stream(eigen.values()).filter(value -> value > tolerance * tolerance).count();
    return LinearAlgebra.columns(eigen.vectors(), 0, rank);
  }
}
