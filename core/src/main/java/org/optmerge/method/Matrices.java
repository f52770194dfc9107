package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.linalg.Float32Subspaces;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.PrincipalPart;
import org.optmerge.linalg.Qr;
import org.optmerge.linalg.SubspaceTolerance;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * The task vectors of one matrix parameter, converted when asked for, and the scope of everything
 * computed from them, which is float64 unless said otherwise.
 *
 * <p>Closing it frees all of that; what is to outlive it goes through {@link #handOut}.
 */
public final class Matrices implements AutoCloseable {
  /** Smaller sides than this cost so little that everything is float64. */
  private static final int FLOAT32_SIDE = 512;

  private final TaskVectors tau;
  private final NDManager scope;
  private final double[] squaredNorms;
  private final DataType type;
  private final @Nullable SubspaceTolerance subspaces;

  /**
   * The type that eigenvectors are computed in. Experts of one matrix are alike: once float32 was
   * far from enough for one it is not tried for the others.
   */
  private DataType basisType;

  private Matrices(Matrices whole, DataType type, @Nullable SubspaceTolerance subspaces) {
    this.tau = whole.tau;
    this.scope = whole.scope;
    this.squaredNorms = whole.squaredNorms;
    this.type = type;
    this.basisType = type;
    this.subspaces = subspaces;
  }

  /**
   * @throws LinearAlgebraException if a task vector holds NaN or infinity
   */
  public Matrices(TaskVectors tau) {
    this.tau = tau;
    this.scope = tau.manager().newSubManager();
    this.type = DataType.FLOAT64;
    this.basisType = DataType.FLOAT64;
    this.subspaces = null;
    try {
      this.squaredNorms = new double[tau.count()];
      for (int t = 0; t < tau.count(); t++) {
        squaredNorms[t] = squaredNorm(tau.vectors().get(t));
        if (Double.isNaN(squaredNorms[t]) || Double.isInfinite(squaredNorms[t])) {
          throw new LinearAlgebraException("task vector %d holds NaN or infinity".formatted(t + 1));
        }
      }
    } catch (RuntimeException e) {
      scope.close();
      throw e;
    }
  }

  /** factor · Σ τ_t as factors; empty if some task vector is dense, or the sum is better so. */
  public static Optional<TaskVector> factoredSum(TaskVectors tau, double factor) {
    if (tau.shape().dimension() != 2) {
      return Optional.empty();
    }
    try (Matrices matrices = new Matrices(tau)) {
      if (!matrices.sumIsFactored()) {
        return Optional.empty();
      }
      NDArray[] factors = matrices.factorsOfSum();
      return Optional.of(matrices.handOut(new TaskVector.LowRank(factors[0], factors[1], factor)));
    } catch (LinearAlgebraException e) {
      throw e.at(tau.parameter());
    }
  }

  public NDManager scope() {
    return scope;
  }

  /** The type of everything that is computed from these matrices. */
  public DataType type() {
    return type;
  }

  /** True if all task vectors are dense and float32, and large enough for that to matter. */
  public boolean areLargeFloat32() {
    return smallerSide() >= FLOAT32_SIDE
        && tau.vectors().stream()
            .allMatch(
                vector ->
                    vector instanceof TaskVector.Dense matrix
                        && matrix.dense().getDataType() == DataType.FLOAT32);
  }

  /**
   * The same matrices, in the same scope, computed with in float32.
   *
   * @param subspaces where a principal part needs more than that
   */
  public Matrices inFloat32(SubspaceTolerance subspaces) {
    return new Matrices(this, DataType.FLOAT32, subspaces);
  }

  /** The same matrices, in the same scope, in float32, for who sees to subspaces himself. */
  Matrices inFloat32() {
    return new Matrices(this, DataType.FLOAT32, null);
  }

  public String parameter() {
    return tau.parameter();
  }

  public int count() {
    return tau.count();
  }

  public long rows() {
    return tau.shape().get(0);
  }

  public long columns() {
    return tau.shape().get(1);
  }

  /** min(m, n). */
  public int smallerSide() {
    return Math.toIntExact(Math.min(rows(), columns()));
  }

  /** ‖τ_t‖_F². */
  public double squaredNorm(int t) {
    return squaredNorms[t];
  }

  public double norm(int t) {
    return Math.sqrt(squaredNorms[t]);
  }

  /** 1/‖τ_t‖_F², and 0 for a task vector that is zero: it then has no say. */
  public double inverseSquaredNorm(int t) {
    return squaredNorms[t] == 0 ? 0 : 1 / squaredNorms[t];
  }

  /**
   * About the largest eigenvalue of the sum of all τᵀτ/‖τ‖_F², of dense task vectors: what each of
   * them contributes, added up.
   */
  public double largestOfNormalizedGrams() {
    double sum = 0;
    for (int t = 0; t < count(); t++) {
      sum += inverseSquaredNorm(t) * Float32Subspaces.largestSquare(tau.vectors().get(t).dense());
    }
    return sum;
  }

  /** True if all task vectors are zero. */
  public boolean allZero() {
    return Arrays.stream(squaredNorms).allMatch(norm -> norm == 0);
  }

  /** True if task vector t came as factors of a rank that makes these worth keeping. */
  public boolean isFactored(int t) {
    return tau.vectors().get(t) instanceof TaskVector.LowRank factors
        && factors.rank() < smallerSide();
  }

  /** True if the sum of the task vectors is better kept as factors, too. */
  public boolean sumIsFactored() {
    long rank = 0;
    for (int t = 0; t < count(); t++) {
      if (!isFactored(t)) {
        return false;
      }
      rank += rank(t);
    }
    return rank < smallerSide();
  }

  /** The inner extent of a factored task vector. */
  public int rank(int t) {
    return Math.toIntExact(((TaskVector.LowRank) tau.vectors().get(t)).rank());
  }

  /** B of a factored task vector τ = B · A, the scale included, shape (m, r). */
  public NDArray b(int t) {
    TaskVector.LowRank factors = (TaskVector.LowRank) tau.vectors().get(t);
    return LinearAlgebra.toType(scope, factors.b(), type).mul(factors.scale());
  }

  /** A of a factored task vector, shape (r, n). */
  public NDArray a(int t) {
    return LinearAlgebra.toType(scope, ((TaskVector.LowRank) tau.vectors().get(t)).a(), type);
  }

  /** τ_t as it is written out; the caller may close it when done, but not change it. */
  public NDArray dense(int t) {
    TaskVector vector = tau.vectors().get(t);
    return vector instanceof TaskVector.Dense whole
        ? LinearAlgebra.toType(scope, whole.dense(), type)
        : dense(scope, vector);
  }

  /** A task vector written out, float64, in {@code manager}; to be closed, but not changed. */
  public static NDArray dense(NDManager manager, TaskVector vector) {
    if (vector instanceof TaskVector.LowRank factors) {
      try (NDArray b = LinearAlgebra.toFloat64(manager, factors.b());
          NDArray a = LinearAlgebra.toFloat64(manager, factors.a())) {
        return b.matMul(a).muli(factors.scale());
      }
    }
    return LinearAlgebra.toFloat64(manager, vector.dense());
  }

  /** factor · Σ τ_t. */
  public NDArray sum(double factor) {
    NDArray sum = scope.zeros(tau.shape(), type);
    if (factor != 0) {
      for (int t = 0; t < count(); t++) {
        try (NDArray dense = dense(t)) {
          sum.addi(dense);
        }
      }
      sum.muli(factor);
    }
    return sum;
  }

  /** Σ τ_t τ_tᵀ, shape (m, m), or Σ τ_tᵀ τ_t, shape (n, n). */
  NDArray sumOfGrams(boolean ofRows) {
    long side = ofRows ? columns() : rows();
    NDArray sum = scope.zeros(new Shape(side, side), type);
    for (int t = 0; t < count(); t++) {
      try (NDArray dense = dense(t);
          NDArray transposed = dense.transpose();
          NDArray product = ofRows ? transposed.matMul(dense) : dense.matMul(transposed)) {
        sum.addi(product);
      }
    }
    return sum;
  }

  /** [B_1 … B_N] and [A_1; …; A_N], whose product is Σ τ_t; only if {@link #sumIsFactored}. */
  public NDArray[] factorsOfSum() {
    NDList b = new NDList();
    NDList a = new NDList();
    for (int t = 0; t < count(); t++) {
      b.add(b(t));
      a.add(a(t));
    }
    return new NDArray[] {NDArrays.concat(b, 1), NDArrays.concat(a, 0)};
  }

  /**
   * The leading part of τ_t, of at most {@code rank}; of a factored one without expanding it.
   *
   * @param rank at most min(m, n)
   */
  public PrincipalPart principalPart(int t, int rank) {
    if (!isFactored(t)) {
      try (NDArray dense = dense(t)) {
        return principalPart(dense, rank);
      }
    }
    // τ = Q (R A) with orthonormal Q: the leading part is that of the small R A, moved by Q.
    try (NDArray b = b(t);
        NDArray a = a(t)) {
      Qr qr = LinearAlgebra.qr(b);
      NDArray small = qr.r().matMul(a);
      PrincipalPart part = principalPart(small, Math.min(rank, rank(t)));
      return new PrincipalPart(
          qr.q().matMul(part.us()),
          part.s(),
          part.svt(),
          qr.q().matMul(part.left()),
          part.right(),
          part.eigenvalues());
    }
  }

  private PrincipalPart principalPart(NDArray x, int rank) {
    if (basisType == DataType.FLOAT64 || subspaces == null) {
      return LinearAlgebra.principalPart(x, rank, basisType);
    }
    Optional<PrincipalPart> part = LinearAlgebra.principalPart(x, rank, subspaces);
    if (part.isPresent()) {
      return part.get();
    }
    PrincipalPart exact = LinearAlgebra.principalPart(x, rank, DataType.FLOAT64);
    if (subspaces.isFarFromFloat32(exact.eigenvalues(), rank)) {
      basisType = DataType.FLOAT64;
    }
    return exact;
  }

  /**
   * The leading singular triplets of τ_t, of a factored one without expanding it.
   *
   * @param rank at most this many; fewer where singular values are not above rounding error
   */
  public Svd truncatedSvd(int t, int rank) {
    double tolerance = LinearAlgebra.rankTolerance(norm(t));
    if (!isFactored(t)) {
      try (NDArray dense = dense(t)) {
        return LinearAlgebra.truncatedSvd(dense, rank, tolerance);
      }
    }
    try (NDArray b = b(t);
        NDArray a = a(t)) {
      return truncatedSvd(b, a, rank, tolerance);
    }
  }

  /** As {@link #truncatedSvd(int, int)} by float32 arithmetic; empty if its error is larger. */
  Optional<Svd> truncatedSvdInFloat32(int t, int rank, double error) {
    try (NDArray dense = dense(t)) {
      return Float32Subspaces.leading(dense, rank, error);
    }
  }

  /** The leading singular triplets of B · A, without expanding it; for r &lt; min(m, n). */
  public static Svd truncatedSvd(NDArray b, NDArray a, long rank, double tolerance) {
    Qr qr = LinearAlgebra.qr(b);
    try (NDArray q = qr.q();
        NDArray r = qr.r();
        NDArray small = r.matMul(a)) {
      Svd svd = LinearAlgebra.truncatedSvd(small, rank, tolerance);
      try (NDArray u = svd.u()) {
        return new Svd(q.matMul(u), svd.s(), svd.vt());
      }
    }
  }

  /** Rows that span the row space of τ_t with its inner products: RᵀR = τᵀτ, and R as factored. */
  public NDArray rowFactor(int t) {
    if (!isFactored(t)) {
      return dense(t);
    }
    try (NDArray b = b(t);
        NDArray a = a(t)) {
      return LinearAlgebra.qr(b).r().matMul(a);
    }
  }

  /** The number of rows of all row factors. */
  public long rowFactorRows() {
    long rows = 0;
    for (int t = 0; t < count(); t++) {
      rows += rowFactorRows(t);
    }
    return rows;
  }

  /** The number of rows of {@link #rowFactor}. */
  public long rowFactorRows(int t) {
    return isFactored(t) ? rank(t) : rows();
  }

  /** Moves a result to the manager of the task vectors. */
  public TaskVector handOut(TaskVector result) {
    if (result instanceof TaskVector.LowRank factors) {
      factors.b().attach(tau.manager());
      factors.a().attach(tau.manager());
    } else {
      result.dense().attach(tau.manager());
    }
    return result;
  }

  public Shape shape() {
    return tau.shape();
  }

  public List<TaskVector> vectors() {
    return tau.vectors();
  }

  @Override
  public void close() {
    scope.close();
  }

  private double squaredNorm(TaskVector vector) {
    if (vector instanceof TaskVector.LowRank factors) {
      // ‖BA‖² = tr(BᵀB · AAᵀ)
      try (NDManager inner = scope.newSubManager()) {
        NDArray b = LinearAlgebra.toFloat64(inner, factors.b());
        NDArray a = LinearAlgebra.toFloat64(inner, factors.a());
        double product =
            b.transpose().matMul(b).mul(a.matMul(a.transpose())).sum().toDoubleArray()[0];
        return factors.scale() * factors.scale() * Math.max(0, product);
      }
    }
    return LinearAlgebra.squaredNorm(vector.dense());
  }
}
