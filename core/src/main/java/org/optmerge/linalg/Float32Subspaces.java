package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Leading singular subspaces from float32 arithmetic, and how far it turns them.
 *
 * <p>An eigendecomposition in float32 takes half the time of one in float64. Where the spectrum is
 * flat, a Krylov subspace of so many leading directions converges too slowly to be cheaper; one
 * step of refinement in float64 is a tenth of the decomposition and removes what the float32
 * eigenvectors leak into each other across the cut. What is left is the rounding of the Gram
 * matrix.
 */
public final class Float32Subspaces {
  /**
   * Entries of the error of a float32 Gram matrix in a basis of eigenvectors, in ulps of λ₁/√n: 1.1
   * to 1.2 were measured at n = 896.
   */
  private static final double GRAM_NOISE = 1.5;

  /** The same of its float32 eigendecomposition: 8 to 9 were measured at n = 896. */
  private static final double EIGEN_NOISE = 16;

  /** Refinement is of first order: it needs a turn whose square is no more than rounding. */
  private static final double LARGEST_TURN = 1e-3;

  /** Below this share of the largest, float32 does not tell an eigenvalue from its neighbours. */
  private static final double RANGE = 1e-2;

  private static final int POWER_STEPS = 8;

  private static final double ULP = 0x1p-24;

  private Float32Subspaces() {}

  /**
   * The angle, as a Frobenius norm, by which a float32 eigendecomposition turns the leading
   * subspace: to first order the entries of the error, in a basis of eigenvectors, over the gaps of
   * all pairs across the cut.
   *
   * @param eigenvalues of a positive semidefinite matrix, descending
   * @param rank of the subspace; nothing is cut at 0 and at all
   */
  public static double turn(double[] eigenvalues, int rank) {
    return EIGEN_NOISE * turnOfOneUlp(eigenvalues, rank);
  }

  /** The angle of {@link #turn} for an exact decomposition of a float32 Gram matrix. */
  public static double turnOfGram(double[] eigenvalues, int rank) {
    return GRAM_NOISE * turnOfOneUlp(eigenvalues, rank);
  }

  private static double turnOfOneUlp(double[] eigenvalues, int rank) {
    double sum = 0;
    for (int i = 0; i < rank; i++) {
      for (int j = rank; j < eigenvalues.length; j++) {
        double gap = Math.max(eigenvalues[i] - eigenvalues[j], Double.MIN_NORMAL);
        sum += 1 / (gap * gap);
      }
    }
    double size = eigenvalues.length == 0 ? 0 : Math.max(0, eigenvalues[0]);
    return ULP * size * Math.sqrt(2 * sum / Math.max(1, eigenvalues.length));
  }

  /**
   * The eigenvectors of the largest eigenvalues of a float32 Gram matrix, refined in float64;
   * orthonormal columns, shape (n, rank), in the matrix's manager. Empty if float32 separates the
   * subspace too badly for that.
   *
   * @param gram shape (n, n), float32
   * @param eigen its float32 eigendecomposition
   */
  static Optional<NDArray> refined(NDArray gram, SymmetricEigen eigen, int rank) {
    double[] values = eigen.values();
    if (rank == 0 || rank == values.length || !(turn(values, rank) < LARGEST_TURN)) {
      return Optional.empty();
    }
    NDManager manager = gram.getManager();
    double[] others = Arrays.copyOfRange(values, rank, values.length);
    try (NDArray leading = LinearAlgebra.columns(eigen.vectors(), 0, rank);
        NDArray rest = LinearAlgebra.columns(eigen.vectors(), rank, values.length);
        NDArray ofRest = manager.create(others)) {
      NDArray[] results = TorchModule.call(manager, "refined", gram, leading, rest, ofRest);
      try (NDArray moved = results[1]) {
        if (moved.toDoubleArray()[0] < LARGEST_TURN) {
          return Optional.of(results[0]);
        }
      }
      results[0].close();
      return Optional.empty();
    }
  }

  /**
   * The leading singular triplets by a float32 Gram matrix; empty if that moves their product by
   * more than a share of its norm.
   *
   * @param x float32
   * @param rank less than min(m, n)
   * @param error the share
   */
  public static Optional<Svd> leading(NDArray x, int rank, double error) {
    try (NDManager scope = x.getManager().newSubManager()) {
      NDArray gram = LinearAlgebra.attached(scope, LinearAlgebra.gram(x, DataType.FLOAT32));
      SymmetricEigen eigen = LinearAlgebra.eigh(gram);
      LinearAlgebra.attached(scope, eigen.vectors());
      double[] values = eigen.values();
      if (rank == 0 || !(values[rank - 1] > RANGE * values[0])) {
        return Optional.empty();
      }
      double kept = Arrays.stream(values).limit(rank).sum();
      if (turnOfGram(values, rank) * Math.sqrt(values[rank - 1] / kept) > error) {
        return Optional.empty();
      }
      Optional<NDArray> refined = refined(gram, eigen, rank);
      if (refined.isEmpty()) {
        return Optional.empty();
      }
      NDArray wide = LinearAlgebra.attached(scope, refined.get());
      NDArray basis = LinearAlgebra.toType(scope, wide, DataType.FLOAT32);
      boolean tall = LinearAlgebra.isTall(x);
      NDArray transposed = LinearAlgebra.attached(scope, basis.transpose());
      NDArray scaled = LinearAlgebra.attached(scope, tall ? x.matMul(basis) : transposed.matMul(x));
      double[] s = norms(scope, scaled, tall ? 0 : 1);
      double[] reciprocals = Arrays.stream(s).map(value -> 1 / value).toArray();
      Svd svd =
          tall
              ? new Svd(LinearAlgebra.scaleColumns(scaled, reciprocals), s, transposed.duplicate())
              : new Svd(basis.duplicate(), s, LinearAlgebra.scaleRows(scaled, reciprocals));
      svd.u().attach(x.getManager());
      svd.vt().attach(x.getManager());
      return Optional.of(svd);
    }
  }

  /**
   * About the square of the largest singular value, by power iteration: from below, close where one
   * direction stands out, and within a fifth where none does.
   */
  public static double largestSquare(NDArray x) {
    long columns = x.getShape().get(1);
    double[] start = new double[Math.toIntExact(columns)];
    SplittableRandom random = new SplittableRandom(columns);
    Arrays.setAll(start, i -> random.nextDouble() - 0.5);
    try (NDManager scope = x.getManager().newSubManager()) {
      NDArray wide = LinearAlgebra.attached(scope, x.getManager().create(start));
      NDArray v = LinearAlgebra.toType(scope, wide, x.getDataType());
      NDArray counter = scope.zeros(new Shape(POWER_STEPS));
      return LinearAlgebra.attached(scope, TorchModule.call(scope, "stretch", x, v, counter)[0])
          .toDoubleArray()[0];
    }
  }

  /** The lengths of columns (along axis 0) or rows (1). */
  private static double[] norms(NDManager scope, NDArray x, int axis) {
    NDArray squares = LinearAlgebra.attached(scope, x.mul(x));
    NDArray sums = LinearAlgebra.attached(scope, squares.sum(new int[] {axis}));
    double[] norms = LinearAlgebra.doubles(sums);
    Arrays.setAll(norms, i -> Math.sqrt(norms[i]));
    return norms;
  }
}
