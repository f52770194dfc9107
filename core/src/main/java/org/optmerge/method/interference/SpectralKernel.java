package org.optmerge.method.interference;

import static org.optmerge.linalg.LinearAlgebra.attached;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.optmerge.linalg.Float32Subspaces;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.SubspaceTolerance;
import org.optmerge.linalg.SymmetricEigen;
import org.optmerge.method.Matrices;
import org.optmerge.taskvector.TaskVector;

/**
 * From a quadratic loss, a start and a filter to where the descent ends, τ₀ + (H − τ₀G) · Q ψ(Λ)
 * Qᵀ, in closed form.
 *
 * <p>With G = BᵀB the same is τ₀ + (Y − τ₀Bᵀ) · P ψ(Λ) Pᵀ · B, where BBᵀ = PΛPᵀ: an eigenproblem of
 * side R instead of n, no division, and factors stay factors. On the null space of G the start
 * survives.
 */
final class SpectralKernel {
  /** Below this share of the largest, an eigenvalue of the reduced problem is rounding error. */
  private static final double NULL_SPACE = 1e-14;

  /**
   * Effective time times largest eigenvalue up to which float32 is as good as the published code.
   */
  private static final double FLOAT32_REACH = 8;

  /** How much larger the bound on the largest eigenvalue may be than that. */
  private static final double LOOSE_BOUND = 3;

  /** The share by which a float32 truncation may move the result, of a task vector's norm. */
  private static final double FLOAT32_ERROR = 5e-7;

  /** The share by which a float32 cut through the spectrum may move a step. */
  private static final double FLOAT32_CUT = 1e-5;

  /** Smaller eigenproblems are cheap, and exact. */
  private static final int POLYNOMIAL_SIDE = 256;

  /** The cost of an eigendecomposition, in products of two matrices of its side. */
  private static final int EIGENDECOMPOSITION = 6;

  /** A bound on eigenvalues that was computed in float32 is uncertain by less than this. */
  private static final double ROUNDING_OF_LARGEST = 1e-3;

  private SpectralKernel() {}

  /**
   * The matrices in float32 if they are large and the filter goes so little way that rounding them
   * moves the result by less than the published float32 iteration is rounded, else as they are.
   */
  static Matrices inSufficientType(Matrices tau, SpectralFilter filter) {
    if (!tau.areLargeFloat32() || !filter.isSmooth()) {
      return tau;
    }
    // The eigenvalues of the Hessian add up to N at most.
    double time = filter.effectiveTime();
    return time * tau.count() <= FLOAT32_REACH
            || time * tau.largestOfNormalizedGrams() <= FLOAT32_REACH
        ? tau.inFloat32(new SubspaceTolerance(time, FLOAT32_ERROR))
        : tau;
  }

  /** True if a loss turned out steeper than {@link #inSufficientType} took it to be. */
  static boolean exceedsFloat32(ProjectionLoss loss, SpectralFilter filter) {
    return filter.effectiveTime() * loss.largest() > LOOSE_BOUND * FLOAT32_REACH;
  }

  /** The end of the descent. */
  static TaskVector apply(
      Matrices tau, ProjectionLoss loss, double startOfSum, SpectralFilter filter) {
    return apply(tau, loss, startOfSum, new Psi(filter::psi, 0, filter)).orElseThrow();
  }

  /**
   * The end of the descent if eigenvalues below a floor are taken for the floor.
   *
   * @param startOfSum τ₀ = this · Σ τ_t
   * @param psi ψ for all n eigenvalues, floored, descending
   * @param floor least eigenvalue
   * @return empty if ψ breaks off between eigenvalues that float32 does not separate
   */
  static Optional<TaskVector> apply(
      Matrices tau,
      ProjectionLoss loss,
      double startOfSum,
      UnaryOperator<double[]> psi,
      double floor) {
    return apply(tau, loss, startOfSum, new Psi(psi, floor, null));
  }

  private static Optional<TaskVector> apply(
      Matrices tau, ProjectionLoss loss, double startOfSum, Psi psi) {
    if (loss instanceof ProjectionLoss.Gram gram) {
      return dense(tau, gram, startOfSum, psi).map(TaskVector.Dense::new);
    }
    ProjectionLoss.Factored factored = (ProjectionLoss.Factored) loss;
    if (tau.sumIsFactored()) {
      return Optional.of(lowRank(tau, factored, startOfSum, psi));
    }
    return reduced(tau, factored, startOfSum, psi).map(TaskVector.Dense::new);
  }

  /**
   * The function applied to the eigenvalues.
   *
   * @param ofAll ψ for all n eigenvalues, floored, descending
   * @param floor least eigenvalue; 0 leaves them as they are
   * @param filter the same as a function of one eigenvalue; null if there is none
   */
  private record Psi(UnaryOperator<double[]> ofAll, double floor, @Nullable SpectralFilter filter) {
    /**
     * True if ψ does not break off, or where it does the eigenvectors are determined so well that
     * the step moves by no more than rounding: the turn of the subspace times the weight of the
     * last direction in it.
     *
     * @param turn of the leading subspace of so many directions
     */
    static boolean isDetermined(double[] eigenvalues, double[] psi, IntToDoubleFunction turn) {
      int kept = psi.length;
      while (kept > 0 && psi[kept - 1] == 0) {
        kept--;
      }
      if (kept == 0 || kept == psi.length) {
        return true;
      }
      double sum = 0;
      for (int i = 0; i < kept; i++) {
        double share = eigenvalues[i] * psi[i];
        sum += share * share;
      }
      double last = eigenvalues[kept - 1] * psi[kept - 1];
      return turn.applyAsDouble(kept) * last <= FLOAT32_CUT * Math.sqrt(sum);
    }

    /**
     * ψ as a polynomial of so low a degree that this is cheaper than an eigendecomposition; empty
     * if there is none.
     *
     * @param rows of the matrix to multiply
     * @param side of the symmetric matrix
     * @param largest what no eigenvalue exceeds
     * @param tolerance on ψ
     */
    Optional<ChebyshevExpansion> polynomial(
        long rows, long side, double largest, double tolerance) {
      if (filter == null || !filter.isSmooth() || side < POLYNOMIAL_SIDE || !(largest > 0)) {
        return Optional.empty();
      }
      return ChebyshevExpansion.of(
              lambda -> filter.psi(new double[] {lambda})[0],
              largest * (1 + ROUNDING_OF_LARGEST),
              tolerance)
          .filter(it -> it.degree() * Math.min(rows, side) <= EIGENDECOMPOSITION * side);
    }
  }

  private static Optional<NDArray> dense(
      Matrices tau, ProjectionLoss.Gram loss, double startOfSum, Psi psi) {
    NDArray start = tau.sum(startOfSum);
    try (NDManager scope = tau.scope().newSubManager()) {
      if (psi.floor() > 0) {
        return floored(scope, tau, loss, start, psi);
      }
      NDArray residual = attached(scope, start.matMul(loss.g())).subi(loss.h()).muli(-1);
      long side = tau.columns();
      Optional<ChebyshevExpansion> polynomial =
          psi.polynomial(tau.rows(), side, loss.largest(), tolerance(tau, residual, 1));
      if (polynomial.isPresent()) {
        return Optional.of(start.addi(times(scope, residual, loss.g(), polynomial.get())));
      }
      SymmetricEigen eigen = LinearAlgebra.eigh(loss.g());
      NDArray q = attached(scope, eigen.vectors());
      double[] filtered = psi.ofAll().apply(clipped(eigen.values()));
      return Optional.of(
          start.addi(
              tau.rows() > side
                  ? attached(scope, residual.matMul(filtered(scope, q, q, filtered)))
                  : filtered(scope, attached(scope, residual.matMul(q)), q, filtered)));
    }
  }

  /** The end of the descent with floored eigenvalues. */
  private static Optional<NDArray> floored(
      NDManager scope, Matrices tau, ProjectionLoss.Gram loss, NDArray start, Psi psi) {
    // Eigenvectors in float64 even of a float32 Hessian, since ψ may break off between them.
    SymmetricEigen eigen = LinearAlgebra.eigh(LinearAlgebra.toFloat64(scope, loss.g()));
    NDArray q = attached(scope, eigen.vectors());
    double[] values = clipped(eigen.values());
    double[] floored = floored(values, psi.floor());
    double[] filtered = psi.ofAll().apply(floored);
    if (tau.type() == DataType.FLOAT64) {
      NDArray residual = attached(scope, loss.h().matMul(q));
      NDArray along = attached(scope, start.matMul(q));
      residual.subi(attached(scope, LinearAlgebra.scaleColumns(along, floored)));
      return Optional.of(start.addi(filtered(scope, residual, q, filtered)));
    }
    if (!Psi.isDetermined(floored, filtered, kept -> Float32Subspaces.turnOfGram(values, kept))) {
      return Optional.empty();
    }
    double[] share = new double[floored.length];
    Arrays.setAll(share, i -> floored[i] * filtered[i]);
    NDArray map = LinearAlgebra.toType(scope, filtered(scope, q, q, filtered), tau.type());
    NDArray ofStart = LinearAlgebra.toType(scope, filtered(scope, q, q, share), tau.type());
    NDArray away = attached(scope, start.matMul(ofStart));
    return Optional.of(start.addi(attached(scope, loss.h().matMul(map))).subi(away));
  }

  /** C · ψ · Qᵀ for coordinates C = XQ. */
  private static NDArray filtered(NDManager scope, NDArray coordinates, NDArray q, double[] psi) {
    NDArray scaled = attached(scope, LinearAlgebra.scaleColumns(coordinates, psi));
    return attached(scope, scaled.matMul(attached(scope, q.transpose())));
  }

  /** X · p(S), with as few operations as the extents allow. */
  private static NDArray times(
      NDManager scope, NDArray x, NDArray symmetric, ChebyshevExpansion polynomial) {
    if (x.getShape().get(0) <= x.getShape().get(1)) {
      return attached(
          scope,
          LinearAlgebra.chebyshev(x, symmetric, polynomial.end(), polynomial.coefficients()));
    }
    return attached(scope, x.matMul(of(scope, symmetric, polynomial)));
  }

  /** p(S). */
  private static NDArray of(NDManager scope, NDArray symmetric, ChebyshevExpansion polynomial) {
    NDArray identity =
        scope
            .eye(Math.toIntExact(symmetric.getShape().get(0)))
            .toType(symmetric.getDataType(), false);
    return attached(
        scope,
        LinearAlgebra.chebyshev(identity, symmetric, polynomial.end(), polynomial.coefficients()));
  }

  /**
   * The error of ψ that moves a result by no more than its type's share of the task vectors' mean
   * norm.
   *
   * @param residual what ψ is multiplied with
   * @param largest singular value of what the product is multiplied with
   */
  private static double tolerance(Matrices tau, NDArray residual, double largest) {
    double mean = 0;
    for (int t = 0; t < tau.count(); t++) {
      mean += tau.norm(t) / tau.count();
    }
    double share = residual.getDataType() == DataType.FLOAT64 ? 1e-13 : 1e-8;
    double size = Math.sqrt(LinearAlgebra.squaredNorm(residual)) * largest;
    return size == 0 ? Double.MAX_VALUE : share * mean / size;
  }

  private static Optional<NDArray> reduced(
      Matrices tau, ProjectionLoss.Factored given, double startOfSum, Psi psi) {
    NDArray start = tau.sum(startOfSum);
    if (given.b().getShape().get(0) == 0) {
      return Optional.of(start);
    }
    try (NDManager scope = tau.scope().newSubManager()) {
      DataType type = sufficientType(tau, given, psi);
      NDArray b = LinearAlgebra.toType(scope, given.b(), type);
      NDArray y = LinearAlgebra.toType(scope, given.y(), type);
      start = LinearAlgebra.toType(tau.scope(), start, type);
      NDArray along = attached(scope, start.matMul(attached(scope, b.transpose())));
      NDArray gram = attached(scope, LinearAlgebra.gramOfRows(b, type));
      if (psi.floor() == 0) {
        NDArray residual = attached(scope, y.sub(along));
        Optional<ChebyshevExpansion> polynomial =
            psi.polynomial(
                tau.rows(),
                b.getShape().get(0),
                given.largest(),
                tolerance(tau, residual, Math.sqrt(given.largest())));
        if (polynomial.isPresent()) {
          NDArray step =
              tau.rows() > tau.columns()
                  ? residual.matMul(attached(scope, of(scope, gram, polynomial.get()).matMul(b)))
                  : times(scope, residual, gram, polynomial.get()).matMul(b);
          return Optional.of(start.addi(attached(scope, step)));
        }
      }
      Reduced problem = new Reduced(scope, gram, tau.columns(), psi);
      if (type == DataType.FLOAT32 && !problem.isDetermined()) {
        return Optional.empty();
      }
      if (problem.isPlain() && tau.rows() > tau.columns()) {
        // The same product from the right, which is the smaller side.
        NDArray map = problem.filter().matMul(b);
        return Optional.of(start.addi(along.neg().addi(y).matMul(map)));
      }
      return Optional.of(start.addi(problem.step(y, along).matMul(b)));
    }
  }

  /** Float32 if the task vectors have no more and the filter's reach in this loss is small. */
  private static DataType sufficientType(Matrices tau, ProjectionLoss.Factored loss, Psi psi) {
    SpectralFilter filter = psi.filter();
    return tau.type() == DataType.FLOAT32
            || (filter != null
                && tau.areLargeFloat32()
                && filter.effectiveTime() * loss.largest() <= FLOAT32_REACH)
        ? DataType.FLOAT32
        : DataType.FLOAT64;
  }

  /**
   * The same with τ₀ as factors. The rows of the projector are combinations of those of [A₁; …;
   * A_N], so that the rows of the result are, too: it is written in an orthonormal basis of these,
   * and its rank is at most the sum of the ranks.
   */
  private static TaskVector lowRank(
      Matrices tau, ProjectionLoss.Factored loss, double startOfSum, Psi psi) {
    NDArray[] sum = tau.factorsOfSum();
    NDArray left = sum[0].muli(startOfSum);
    NDArray right = sum[1];
    if (loss.b().getShape().get(0) == 0) {
      return new TaskVector.LowRank(left, right, 1);
    }
    try (NDManager scope = tau.scope().newSubManager()) {
      NDArray along =
          attached(
              scope,
              left.matMul(attached(scope, right.matMul(attached(scope, loss.b().transpose())))));
      NDArray gram = attached(scope, LinearAlgebra.gramOfRows(loss.b()));
      Reduced problem = new Reduced(scope, gram, tau.columns(), psi);
      NDArray step = problem.step(loss.y(), along);
      NDArray orthonormal =
          attached(scope, LinearAlgebra.qr(attached(scope, right.transpose())).q());
      NDArray b = attached(scope, left.matMul(attached(scope, right.matMul(orthonormal))));
      b.addi(step.matMul(attached(scope, loss.b().matMul(orthonormal))));
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
    private final double[] values;

    Reduced(NDManager scope, NDArray gram, long columns, Psi filter) {
      SymmetricEigen eigen = LinearAlgebra.eigh(gram);
      this.p = attached(scope, eigen.vectors());
      this.values = clipped(eigen.values());
      // G has these eigenvalues and zeros.
      double[] floored = floored(Arrays.copyOf(values, Math.toIntExact(columns)), filter.floor());
      this.psi = Arrays.copyOf(filter.ofAll().apply(floored), values.length);
      double nothing = values.length == 0 ? 0 : NULL_SPACE * values[0];
      this.ratio = new double[values.length];
      for (int i = 0; i < ratio.length; i++) {
        ratio[i] = values[i] > nothing ? floored[i] / values[i] : 0;
      }
    }

    /** True if float32 separates what ψ separates. */
    boolean isDetermined() {
      return Psi.isDetermined(values, psi, kept -> Float32Subspaces.turn(values, kept));
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
        residual.addi(
            attached(residual.getManager(), y.matMul(attached(residual.getManager(), p))));
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
}
