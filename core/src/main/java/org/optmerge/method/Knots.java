package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.Qr;
import org.optmerge.linalg.SymmetricEigen;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * KnOTS: writes all task vectors in the left singular basis of [τ₁ … τ_N], where they are aligned,
 * and merges them there by another method.
 *
 * <p>With [τ₁ … τ_N] = U S [V₁ᵀ … V_Nᵀ], what is merged are the S Vᵢᵀ = Uᵀτᵢ, so that only U is
 * needed. Parameters that are not matrices go to the other method as they are. Zero and repeated
 * experts need no care; if all are zero, so is the result.
 *
 * @param inner merges in the common basis
 * @param tolerance directions with a singular value up to this are dropped
 * @see <a href="https://arxiv.org/abs/2410.19735">Stoica et al., KnOTS, ICLR 2025</a>
 */
record Knots(
    MergeMethod inner,
    @ParameterDoc("directions with a singular value up to this are dropped") double tolerance)
    implements MatrixMethod {
  public Knots {
    Check.atLeastZero("knots", "tolerance", tolerance);
  }

  /** With the tolerance of the published code. */
  public static Knots around(MergeMethod inner) {
    return new Knots(inner, 1e-5);
  }

  @Override
  public TaskVector mergeFactored(TaskVectors tau) {
    return merges(tau) ? MatrixMethod.super.mergeFactored(tau) : inner.mergeFactored(tau);
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    // U from the eigenvectors of Σ τᵢτᵢᵀ.
    NDArray u =
        tau.sumIsFactored()
            ? basisOfFactors(tau)
            : leading(LinearAlgebra.eigh(tau.sumOfGrams(false)));
    if (u.getShape().get(1) == 0) {
      return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
    }
    NDArray transposed = u.transpose();
    List<TaskVector> aligned = new ArrayList<>();
    for (int t = 0; t < tau.count(); t++) {
      if (tau.isFactored(t)) {
        aligned.add(new TaskVector.Dense(transposed.matMul(tau.b(t)).matMul(tau.a(t))));
      } else {
        try (NDArray dense = tau.dense(t)) {
          aligned.add(new TaskVector.Dense(transposed.matMul(dense)));
        }
      }
    }
    NDArray merged =
        LinearAlgebra.toFloat64(
            tau.scope(), inner.merge(new TaskVectors(tau.parameter(), aligned)));
    return u.getShape().get(1) < tau.smallerSide()
        ? new TaskVector.LowRank(u, merged, 1)
        : new TaskVector.Dense(u.matMul(merged));
  }

  /** U = Q P, where the Bᵢ beside each other are Q R and P comes from Σ Rᵢ AᵢAᵢᵀ Rᵢᵀ. */
  private NDArray basisOfFactors(Matrices tau) {
    NDArray[] factors = tau.factorsOfSum();
    Qr qr = LinearAlgebra.qr(factors[0]);
    long rank = qr.r().getShape().get(0);
    NDManager scope = tau.scope();
    NDArray gram = scope.zeros(new Shape(rank, rank), DataType.FLOAT64);
    long from = 0;
    for (int t = 0; t < tau.count(); t++) {
      NDArray r = LinearAlgebra.columns(qr.r(), from, from + tau.rank(t));
      from += tau.rank(t);
      NDArray rows = r.matMul(tau.a(t));
      gram.addi(rows.matMul(rows.transpose()));
    }
    return qr.q().matMul(leading(LinearAlgebra.eigh(gram)));
  }

  private NDArray leading(SymmetricEigen eigen) {
    // Eigenvalues are squares of singular values, uncertain by some 1e-15 of the largest.
    double noise = 1e-14 * Math.max(0, eigen.values()[0]);
    double limit = Math.max(tolerance * tolerance, noise);
    long rank = Arrays.stream(eigen.values()).filter(value -> value > limit).count();
    return LinearAlgebra.columns(eigen.vectors(), 0, rank);
  }
}
