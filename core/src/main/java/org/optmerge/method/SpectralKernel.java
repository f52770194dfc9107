package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.SymmetricEigen;
import org.optmerge.taskvector.TaskVector;

/**
 * From a quadratic loss, a start and a filter to where the descent ends, τ₀ + (H − τ₀G) · Q ψ(Λ)
 * Qᵀ, in closed form and float64.
 *
 * <p>With G = BᵀB the same is τ₀ + (Y − τ₀Bᵀ) · P ψ(Λ) Pᵀ · B, where BBᵀ = PΛPᵀ: an eigenproblem of
 * side R instead of n, no division, and factors stay factors. On the null space of G the start
 * survives.
 */
final class SpectralKernel {
  /** Below this share of the largest, an eigenvalue of the reduced problem is rounding error. */
  private static final double NULL_SPACE = 1e-14;

  private SpectralKernel() {}

  /** Where the descent ends. */
  static TaskVector apply(
      Matrices tau, ProjectionLoss loss, double startOfSum, SpectralFilter filter) {
    return apply(tau, loss, startOfSum, filter::psi, 0);
  }

  /**
   * Where the descent ends if eigenvalues below a floor are taken for the floor.
   *
   * @param startOfSum τ₀ = this · Σ τ_t
   * @param psi ψ for all n eigenvalues, floored, descending
   * @param floor least eigenvalue; 0 leaves them as they are
   */
  static TaskVector apply(
      Matrices tau,
      ProjectionLoss loss,
      double startOfSum,
      UnaryOperator<double[]> psi,
      double floor) {
    if (loss instanceof ProjectionLoss.Gram gram) {
      return new TaskVector.Dense(dense(tau, gram, startOfSum, psi, floor));
    }
    ProjectionLoss.Factored factored = (ProjectionLoss.Factored) loss;
    if (tau.sumIsFactored()) {
      return lowRank(tau, factored, startOfSum, psi, floor);
    }
    return new TaskVector.Dense(reduced(tau, factored, startOfSum, psi, floor));
  }

  private static NDArray dense(
      Matrices tau,
      ProjectionLoss.Gram loss,
      double startOfSum,
      UnaryOperator<double[]> psi,
      double floor) {
    NDArray start = tau.sum(startOfSum);
    try (NDManager scope = tau.scope().newSubManager()) {
      SymmetricEigen eigen = LinearAlgebra.eigh(loss.g());
      NDArray q = attach(scope, eigen.vectors());
      double[] values = clipped(eigen.values());
      double[] floored = floored(values, floor);
      NDArray residual;
      if (floor == 0) {
        residual = attach(scope, attach(scope, start.matMul(loss.g())).neg().addi(loss.h()));
        residual = residual.matMul(q);
      } else {
        residual = attach(scope, loss.h().matMul(q));
        NDArray along = attach(scope, start.matMul(q));
        residual.subi(LinearAlgebra.scaleColumns(along, floored));
      }
      NDArray filtered = LinearAlgebra.scaleColumns(residual, psi.apply(floored));
      return start.addi(filtered.matMul(q.transpose()));
    }
  }

  private static NDArray reduced(
      Matrices tau,
      ProjectionLoss.Factored loss,
      double startOfSum,
      UnaryOperator<double[]> psi,
      double floor) {
    NDArray start = tau.sum(startOfSum);
    if (loss.b().getShape().get(0) == 0) {
      return start;
    }
    try (NDManager scope = tau.scope().newSubManager()) {
      NDArray along = attach(scope, start.matMul(attach(scope, loss.b().transpose())));
      Reduced problem = new Reduced(scope, loss.b(), tau.columns(), psi, floor);
      if (problem.isPlain() && tau.rows() > tau.columns()) {
        // The same product from the right, which is the smaller side.
        NDArray map = problem.filter().matMul(loss.b());
        return start.addi(along.neg().addi(loss.y()).matMul(map));
      }
      return start.addi(problem.step(loss.y(), along).matMul(loss.b()));
    }
  }

  /**
   * The same with τ₀ as factors. The rows of the projector are combinations of those of [A₁; …;
   * A_N], so that the rows of the result are, too: it is written in an orthonormal basis of these,
   * and its rank is at most the sum of the ranks.
   */
  private static TaskVector lowRank(
      Matrices tau,
      ProjectionLoss.Factored loss,
      double startOfSum,
      UnaryOperator<double[]> psi,
      double floor) {
    NDArray[] sum = tau.factorsOfSum();
    NDArray left = sum[0].muli(startOfSum);
    NDArray right = sum[1];
    if (loss.b().getShape().get(0) == 0) {
      return new TaskVector.LowRank(left, right, 1);
    }
    try (NDManager scope = tau.scope().newSubManager()) {
      NDArray along =
          attach(
              scope, left.matMul(attach(scope, right.matMul(attach(scope, loss.b().transpose())))));
      Reduced problem = new Reduced(scope, loss.b(), tau.columns(), psi, floor);
      NDArray step = problem.step(loss.y(), along);
      NDArray orthonormal = attach(scope, LinearAlgebra.qr(attach(scope, right.transpose())).q());
      NDArray b = attach(scope, left.matMul(attach(scope, right.matMul(orthonormal))));
      b.addi(step.matMul(attach(scope, loss.b().matMul(orthonormal))));
      b.attach(tau.scope());
      NDArray a = orthonormal.transpose();
      a.attach(tau.scope());
      return new TaskVector.LowRank(b, a, 1);
    }
  }

  /** The eigenproblem of BBᵀ and what follows from it. */
  private static final class Reduced {
    private final NDArray p;
    private final double[] ratio;
    private final double[] psi;

    Reduced(
        NDManager scope,
        NDArray projector,
        long columns,
        UnaryOperator<double[]> filter,
        double floor) {
      NDArray gram = attach(scope, LinearAlgebra.gramOfRows(projector));
      SymmetricEigen eigen = LinearAlgebra.eigh(gram);
      this.p = attach(scope, eigen.vectors());
      double[] values = clipped(eigen.values());
      // G has these eigenvalues and zeros.
      double[] floored = floored(Arrays.copyOf(values, Math.toIntExact(columns)), floor);
      this.psi = Arrays.copyOf(filter.apply(floored), values.length);
      double nothing = values.length == 0 ? 0 : NULL_SPACE * values[0];
      this.ratio = new double[values.length];
      for (int i = 0; i < ratio.length; i++) {
        ratio[i] = values[i] > nothing ? floored[i] / values[i] : 0;
      }
    }

    /** True if no eigenvalue was floored. */
    boolean isPlain() {
      return Arrays.stream(ratio).allMatch(value -> value == 1 || value == 0);
    }

    /** P ψ(Λ) Pᵀ, shape (R, R). */
    NDArray filter() {
      return LinearAlgebra.scaleColumns(p, psi).matMul(p.transpose());
    }

    /** (Y − τ₀Bᵀ) · P ψ(Λ) Pᵀ, shape (m, R), with τ₀Bᵀ's parts in proportion to the floored Λ. */
    NDArray step(NDArray y, NDArray along) {
      NDArray residual;
      if (isPlain()) {
        residual = along.neg().addi(y).matMul(p);
      } else {
        residual = LinearAlgebra.scaleColumns(along.matMul(p), ratio).neg();
        residual.addi(attach(residual.getManager(), y.matMul(attach(residual.getManager(), p))));
      }
      return LinearAlgebra.scaleColumns(residual, psi).matMul(p.transpose());
    }
  }

  /** Rounding can make the eigenvalues of a Gram matrix negative. */
  private static double[] clipped(double[] values) {
    return Arrays.stream(values).map(value -> Math.max(0, value)).toArray();
  }

  private static double[] floored(double[] values, double floor) {
    return Arrays.stream(values).map(value -> Math.max(value, floor)).toArray();
  }

  private static NDArray attach(NDManager scope, NDArray array) {
    array.attach(scope);
    return array;
  }
}
