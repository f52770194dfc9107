package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Factorisations of real matrices, float32 or float64, by libtorch (LAPACK).
 *
 * <p>Signs are deterministic: of each left singular vector and each eigenvector the entry of
 * largest magnitude is positive (the first such entry), and the diagonal of R is not negative.
 * Singular values and eigenvalues are descending. Every result is in the manager of the first
 * argument and is checked to reproduce the matrix; NaN, infinity and lack of convergence throw
 * {@link LinearAlgebraException}.
 *
 * <p>The engine uses all cores for one call, so callers make one call at a time.
 */
public final class LinearAlgebra {
  /**
   * Singular vectors come from a Gram matrix while the smallest value is at least this share of the
   * largest: the Gram matrix squares values, 1e-4² = 1e-8, which leaves half of float64's digits.
   */
  static final double GRAM_RANGE = 1e-4;

  /** The size that float32 entries cannot tell from zero, as a share of the Frobenius norm. */
  private static final double FLOAT32_RANK_TOLERANCE = 0x1p-21;

  /** Panels of a symmetric product: four compute 10 of its 16 blocks. */
  private static final int PANELS = 4;

  /** Below this side, a symmetric product is one call. */
  private static final int PANEL_SIDE = 256;

  /** A factorisation may miss its matrix by this many units in the last place of its norm. */
  private static final double RESIDUAL_ULPS = 1000;

  private LinearAlgebra() {}

  /** The thin singular value decomposition. */
  public static Svd svd(NDArray x) {
    requireMatrix("svd", x);
    requireFinite("svd", x);
    NDArray[] parts = TorchModule.call(x.getManager(), "svd", x);
    try (NDArray values = parts[1]) {
      Svd svd = new Svd(parts[0], doubles(values), parts[2]);
      requireReproduced(
          "svd",
          x,
          List.of(svd.u(), svd.vt()),
          probe -> svd.u().matMul(scaleRows(svd.vt().matMul(probe), svd.s())));
      return svd;
    }
  }

  /**
   * The eigendecomposition of a symmetric matrix.
   *
   * @throws LinearAlgebraException also if the matrix is not symmetric
   */
  public static SymmetricEigen eigh(NDArray symmetric) {
    requireSquare("eigh", symmetric);
    requireFinite("eigh", symmetric);
    NDArray[] parts = TorchModule.call(symmetric.getManager(), "eigh", symmetric);
    try (NDArray ascending = parts[0];
        NDArray vectors = parts[1]) {
      SymmetricEigen eigen = new SymmetricEigen(reversed(doubles(ascending)), vectors.flip(1));
      requireReproduced(
          "eigh",
          symmetric,
          List.of(eigen.vectors()),
          probe ->
              eigen
                  .vectors()
                  .matMul(scaleRows(eigen.vectors().transpose().matMul(probe), eigen.values())));
      return eigen;
    }
  }

  /** The thin QR decomposition. */
  public static Qr qr(NDArray x) {
    requireMatrix("qr", x);
    requireFinite("qr", x);
    NDArray[] parts = TorchModule.call(x.getManager(), "qr", x);
    Qr qr = new Qr(parts[0], parts[1]);
    requireReproduced(
        "qr", x, List.of(qr.q(), qr.r()), probe -> qr.q().matMul(qr.r().matMul(probe)));
    return qr;
  }

  /**
   * The Z with A · Z = B.
   *
   * @param a square, shape (n, n)
   * @param b shape (n, k)
   * @throws LinearAlgebraException also if A is singular
   */
  public static NDArray solve(NDArray a, NDArray b) {
    requireSquare("solve", a);
    requireMatrix("solve", b);
    requireFinite("solve", a);
    requireFinite("solve", b);
    NDArray z = TorchModule.call(a.getManager(), "solve", a, b)[0];
    requireFinite("solve (singular matrix?)", z);
    return z;
  }

  /**
   * The smaller Gram matrix in float64: XᵀX, shape (n, n), if m ≥ n, else XXᵀ, shape (m, m).
   *
   * @param x shape (m, n)
   */
  public static NDArray gram(NDArray x) {
    return gram(x, DataType.FLOAT64);
  }

  static NDArray gram(NDArray x, DataType type) {
    requireMatrix("gram", x);
    return isTall(x) ? gramOfColumns(x, type) : gramOfRows(x, type);
  }

  /** XᵀX in the given type, shape (n, n). */
  public static NDArray gramOfColumns(NDArray x, DataType type) {
    requireMatrix("gram", x);
    try (NDManager scope = x.getManager().newSubManager()) {
      return scope.ret(symmetricProduct(scope, toType(scope, x, type)));
    }
  }

  /** XXᵀ in float64, shape (m, m). */
  public static NDArray gramOfRows(NDArray x) {
    return gramOfRows(x, DataType.FLOAT64);
  }

  /** XXᵀ in the given type, shape (m, m). */
  public static NDArray gramOfRows(NDArray x, DataType type) {
    requireMatrix("gram", x);
    try (NDManager scope = x.getManager().newSubManager()) {
      return scope.ret(symmetricProduct(scope, toType(scope, x, type).transpose()));
    }
  }

  /**
   * A number that no eigenvalue of a positive semidefinite matrix exceeds: the Frobenius norm of
   * its fourth power, to the power of 1/4. It is too large by the factor n^⅛ at most, that is 2.4
   * for n = 1000.
   */
  public static double largestEigenvalueAtMost(NDArray positiveSemidefinite) {
    requireSquare("eigenvalue bound", positiveSemidefinite);
    try (NDManager scope = positiveSemidefinite.getManager().newSubManager()) {
      double size = Math.sqrt(squaredNorm(positiveSemidefinite));
      if (size == 0) {
        return 0;
      }
      // Scaled, so that the powers do not underflow.
      NDArray power = attached(scope, positiveSemidefinite.div(size));
      for (int squaring = 0; squaring < 2; squaring++) {
        power = attached(scope, power.matMul(power));
      }
      return size * Math.pow(squaredNorm(power), 0.125);
    }
  }

  /**
   * X · p(S) for the polynomial p of which the coefficients in Chebyshev polynomials of 2S/end − 1
   * are given, by Clenshaw's recurrence: one product of X's shape for each degree.
   *
   * @param x shape (m, n), float32 or float64
   * @param symmetric S, shape (n, n), of the type of X, eigenvalues in [0, end]
   * @param coefficients c₀ … c_d, at least one
   */
  public static NDArray chebyshev(NDArray x, NDArray symmetric, double end, double[] coefficients) {
    requireSquare("chebyshev", symmetric);
    requireMatrix("chebyshev", x);
    if (coefficients.length == 1) {
      return x.mul(coefficients[0]);
    }
    try (NDManager scope = x.getManager().newSubManager()) {
      NDArray shifted = attached(scope, symmetric.mul(2 / end));
      NDArray identity = scope.eye(Math.toIntExact(symmetric.getShape().get(0)));
      shifted.subi(identity.toType(x.getDataType(), false));
      NDArray c = attached(scope, vector(x, coefficients, new Shape(coefficients.length)));
      return TorchModule.call(x.getManager(), "chebyshev", x, shifted, c)[0];
    }
  }

  /** XᵀX of which little more than the lower half is computed. */
  private static NDArray symmetricProduct(NDManager scope, NDArray x) {
    long side = x.getShape().get(1);
    NDArray transposed = x.transpose();
    if (side < PANEL_SIDE) {
      return transposed.matMul(x);
    }
    NDArray product = scope.zeros(new Shape(side, side), x.getDataType());
    for (int panel = 0; panel < PANELS; panel++) {
      long from = side * panel / PANELS;
      long to = side * (panel + 1) / PANELS;
      try (NDArray rows = transposed.get(new NDIndex("{}:{}", from, to));
          NDArray columns = x.get(new NDIndex(":, 0:{}", to));
          NDArray block = rows.matMul(columns)) {
        product.set(new NDIndex("{}:{}, 0:{}", from, to, to), block);
      }
    }
    return TorchModule.call(scope, "mirrored", product)[0];
  }

  /**
   * The singular triplets with values above a tolerance, at most {@code rank} of them, float64.
   *
   * <p>By an eigendecomposition of the smaller Gram matrix, several times as fast as a singular
   * value decomposition, where that is accurate: the smallest value kept is at least 1e-4 of the
   * largest. Otherwise by the thin decomposition.
   *
   * @param rank at most this many; may exceed min(m, n)
   * @param tolerance not negative; see {@link #rankTolerance}
   */
  public static Svd truncatedSvd(NDArray x, long rank, double tolerance) {
    requireMatrix("truncated svd", x);
    requireFinite("truncated svd", x);
    try (NDManager scope = x.getManager().newSubManager()) {
      NDArray wide = toFloat64(scope, x);
      SymmetricEigen eigen = eigh(gram(wide));
      double[] s = above(roots(eigen.values()), rank, tolerance);
      int kept = s.length;
      NDArray basis = columns(eigen.vectors(), 0, kept);
      Svd svd;
      if (kept > 0 && s[kept - 1] < GRAM_RANGE * s[0]) {
        Svd thin = svd(wide);
        svd = thin.leading(above(thin.s(), rank, tolerance).length);
      } else if (isTall(x)) {
        NDArray u = scaleColumns(wide.matMul(basis), reciprocals(s));
        NDArray sign = TorchModule.call(scope, "orientation", u)[0];
        svd = new Svd(u.mul(sign), s, basis.mul(sign).transpose());
      } else {
        svd = new Svd(basis, s, scaleRows(basis.transpose().matMul(wide), reciprocals(s)));
      }
      svd.u().attach(x.getManager());
      svd.vt().attach(x.getManager());
      return svd;
    }
  }

  /**
   * The best approximation of the given rank, by the smaller Gram matrix, in factors that need no
   * division by small singular values; of the type of X.
   *
   * <p>Singular values below 1e-8 of the largest are noise, and so are their vectors; the factors
   * carry the values and are correspondingly small.
   *
   * @param rank at most min(m, n); 0 gives empty factors
   * @param basisType what the Gram matrix and its eigenvectors are computed in
   */
  public static PrincipalPart principalPart(NDArray x, int rank, DataType basisType) {
    return principalPart(x, rank, basisType, eigenvalues -> SubspaceTolerance.Answer.AS_IT_IS)
        .orElseThrow();
  }

  /**
   * The same in float32, refined where that is needed; empty if float32 is not enough at all.
   *
   * @param tolerance what is enough
   */
  public static Optional<PrincipalPart> principalPart(
      NDArray x, int rank, SubspaceTolerance tolerance) {
    return principalPart(x, rank, DataType.FLOAT32, values -> tolerance.inFloat32(values, rank));
  }

  private static Optional<PrincipalPart> principalPart(
      NDArray x,
      int rank,
      DataType basisType,
      Function<double[], SubspaceTolerance.Answer> question) {
    requireMatrix("principal part", x);
    requireFinite("principal part", x);
    try (NDManager scope = x.getManager().newSubManager()) {
      NDArray gram = attached(scope, gram(x, basisType));
      SymmetricEigen eigen = eigh(gram);
      attached(scope, eigen.vectors());
      double[] s = Arrays.copyOf(roots(eigen.values()), rank);
      SubspaceTolerance.Answer answer = question.apply(eigen.values());
      Optional<NDArray> leading =
          switch (answer) {
            case AS_IT_IS -> Optional.of(columns(eigen.vectors(), 0, rank));
            case REFINED -> Float32Subspaces.refined(gram, eigen, rank);
            case NO -> Optional.empty();
          };
      if (leading.isEmpty()) {
        return Optional.empty();
      }
      NDArray basis = toType(scope, attached(scope, leading.get()), x.getDataType());
      PrincipalPart part;
      if (isTall(x)) {
        NDArray us = x.matMul(basis);
        NDArray vt = basis.transpose();
        part = new PrincipalPart(us, s, scaleRows(vt, s), us, vt, eigen.values());
      } else {
        NDArray svt = attached(scope, basis.transpose()).matMul(x);
        part = new PrincipalPart(scaleColumns(basis, s), s, svt, basis, svt, eigen.values());
      }
      part.us().attach(x.getManager());
      part.svt().attach(x.getManager());
      part.left().attach(x.getManager());
      part.right().attach(x.getManager());
      return Optional.of(part);
    }
  }

  /**
   * The singular value below which a matrix that was stored or subtracted in float32 tells nothing:
   * 2⁻²¹ · ‖X‖_F, some four times what rounding each entry once leaves.
   *
   * @param frobeniusNorm ‖X‖_F
   */
  public static double rankTolerance(double frobeniusNorm) {
    return FLOAT32_RANK_TOLERANCE * frobeniusNorm;
  }

  /** ‖X‖_F² of an array of any shape, summed in float64. */
  public static double squaredNorm(NDArray x) {
    try (NDArray norm = TorchModule.call(x.getManager(), "norm", x)[0]) {
      double size = norm.toDoubleArray()[0];
      return size * size;
    }
  }

  /** Columns {@code from} to {@code to} (exclusive), copied. */
  public static NDArray columns(NDArray x, long from, long to) {
    try (NDArray view = x.get(new NDIndex(":, {}:{}", from, to))) {
      return view.duplicate();
    }
  }

  /** Rows {@code from} to {@code to} (exclusive), copied. */
  public static NDArray rows(NDArray x, long from, long to) {
    try (NDArray view = x.get(new NDIndex("{}:{}", from, to))) {
      return view.duplicate();
    }
  }

  /** X · diag(factors). */
  public static NDArray scaleColumns(NDArray x, double[] factors) {
    try (NDArray row = vector(x, factors, new Shape(1, factors.length))) {
      return x.mul(row);
    }
  }

  /** diag(factors) · X. */
  public static NDArray scaleRows(NDArray x, double[] factors) {
    try (NDArray column = vector(x, factors, new Shape(factors.length, 1))) {
      return x.mul(column);
    }
  }

  /** A float64 array in {@code manager} with the values of {@code x}, which stays as it is. */
  public static NDArray toFloat64(NDManager manager, NDArray x) {
    return toType(manager, x, DataType.FLOAT64);
  }

  /** An array of a type in {@code manager} with the values of {@code x}, which stays as it is. */
  public static NDArray toType(NDManager manager, NDArray x, DataType type) {
    return attached(
        manager, x.getDataType() == type ? x.reshape(x.getShape()) : x.toType(type, true));
  }

  /** True if the matrix has at least as many rows as columns. */
  static boolean isTall(NDArray x) {
    return x.getShape().get(0) >= x.getShape().get(1);
  }

  /** The array, from now on in {@code scope}. */
  public static NDArray attached(NDManager scope, NDArray array) {
    array.attach(scope);
    return array;
  }

  private static NDArray vector(NDArray like, double[] values, Shape shape) {
    NDArray wide = like.getManager().create(values, shape);
    if (like.getDataType() == DataType.FLOAT64) {
      return wide;
    }
    try (wide) {
      return wide.toType(like.getDataType(), true);
    }
  }

  static double[] doubles(NDArray values) {
    if (values.getDataType() == DataType.FLOAT64) {
      return values.toDoubleArray();
    }
    try (NDArray wide = values.toType(DataType.FLOAT64, true)) {
      return wide.toDoubleArray();
    }
  }

  private static double[] reversed(double[] ascending) {
    double[] descending = new double[ascending.length];
    for (int i = 0; i < descending.length; i++) {
      descending[i] = ascending[ascending.length - 1 - i];
    }
    return descending;
  }

  /** Singular values from the eigenvalues of a Gram matrix; rounding can make those negative. */
  static double[] roots(double[] eigenvalues) {
    return Arrays.stream(eigenvalues).map(value -> Math.sqrt(Math.max(0, value))).toArray();
  }

  private static double[] reciprocals(double[] values) {
    return Arrays.stream(values).map(value -> 1 / value).toArray();
  }

  /** The values above a tolerance. */
  static double[] above(double[] descending, double tolerance) {
    return above(descending, Long.MAX_VALUE, tolerance);
  }

  private static double[] above(double[] descending, long rank, double tolerance) {
    return Arrays.stream(descending).limit(rank).takeWhile(value -> value > tolerance).toArray();
  }

  private static void requireMatrix(String what, NDArray x) {
    if (x.getShape().dimension() != 2) {
      throw new LinearAlgebraException(
          "%s needs a matrix, the array has shape %s".formatted(what, x.getShape()));
    }
    if (x.getDataType() != DataType.FLOAT32 && x.getDataType() != DataType.FLOAT64) {
      throw new LinearAlgebraException(
          "%s needs float32 or float64, the array has type %s".formatted(what, x.getDataType()));
    }
  }

  private static void requireSquare(String what, NDArray x) {
    requireMatrix(what, x);
    if (x.getShape().get(0) != x.getShape().get(1)) {
      throw new LinearAlgebraException(
          "%s needs a square matrix, the array has shape %s".formatted(what, x.getShape()));
    }
  }

  /** A sum is NaN or infinite if an entry is. */
  private static void requireFinite(String what, NDArray x) {
    try (NDArray sum = x.sum()) {
      double total = doubles(sum)[0];
      if (Double.isNaN(total) || Double.isInfinite(total)) {
        throw new LinearAlgebraException("%s: the matrix holds NaN or infinity".formatted(what));
      }
    }
  }

  /**
   * Compares X · p with the product of the factors and p for one fixed vector p of signs: a wrong
   * factorisation of X passes with vanishing probability, at the cost of a matrix-vector product.
   */
  private static void requireReproduced(
      String what, NDArray x, List<NDArray> parts, UnaryOperator<NDArray> product) {
    long columns = x.getShape().get(1);
    if (columns == 0 || x.getShape().get(0) == 0) {
      return;
    }
    SplittableRandom random = new SplittableRandom(columns);
    double[] signs = new double[Math.toIntExact(columns)];
    Arrays.setAll(signs, i -> random.nextBoolean() ? 1 : -1);
    try (NDManager scope = x.getManager().newSubManager()) {
      x.tempAttach(scope);
      parts.forEach(part -> part.tempAttach(scope));
      NDArray probe = vector(x, signs, new Shape(columns, 1));
      double residual = doubles(x.matMul(probe).sub(product.apply(probe)).norm())[0];
      double epsilon = x.getDataType() == DataType.FLOAT64 ? 0x1p-52 : 0x1p-23;
      double limit = RESIDUAL_ULPS * epsilon * doubles(x.norm())[0];
      if (!(residual <= limit)) {
        throw new LinearAlgebraException(
            String.format(
                Locale.ROOT,
                "%s: the factors miss the %s matrix by %.3g, more than %.3g",
                what,
                x.getShape(),
                residual,
                limit));
      }
    }
  }
}
