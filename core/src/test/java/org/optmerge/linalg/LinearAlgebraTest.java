package org.optmerge.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.ojalgo.matrix.decomposition.Eigenvalue;
import org.ojalgo.matrix.decomposition.SingularValue;
import org.ojalgo.matrix.store.R064Store;

class LinearAlgebraTest {
  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  @ParameterizedTest
  @CsvSource({"5,5", "12,7", "7,12", "1,9", "9,1", "128,96"})
  void singular_values_equal_those_of_a_pure_java_implementation(int rows, int columns) {
    double[][] values = gaussian(rows, columns, 3);
    SingularValue<Double> oracle = SingularValue.R064.make(rows, columns);
    oracle.decompose(R064Store.FACTORY.rows(values));
    int rank = Math.min(rows, columns);
    double[] expected = new double[rank];
    oracle.getSingularValues(expected);

    NDArray x = manager.create(values);
    Svd svd = LinearAlgebra.svd(x);

    assertThat(svd.s()).containsExactly(expected, within(1e-12));
    assertThat(LinearAlgebra.truncatedSvd(x, rank, 0).s()).containsExactly(expected, within(1e-9));
    assertThat(distance(svd.with(svd.s()), x)).isLessThan(1e-12);
    assertThat(distance(svd.u().transpose().matMul(svd.u()), manager.eye(rank))).isLessThan(1e-12);
    assertThat(distance(svd.vt().matMul(svd.vt().transpose()), manager.eye(rank)))
        .isLessThan(1e-12);
  }

  @ParameterizedTest
  @CsvSource({"2", "17", "100"})
  void eigenvalues_equal_those_of_a_pure_java_implementation(int n) {
    NDArray x = manager.create(gaussian(n, n + 3, 4));
    NDArray symmetric = x.matMul(x.transpose());
    Eigenvalue<Double> oracle = Eigenvalue.R064.make(n, true);
    oracle.decompose(R064Store.FACTORY.rows(rows(symmetric)));
    double[] expected =
        oracle.getEigenvalues().stream().mapToDouble(value -> value.getReal()).toArray();
    java.util.Arrays.sort(expected);

    SymmetricEigen eigen = LinearAlgebra.eigh(symmetric);

    double largest = expected[n - 1];
    for (int i = 0; i < n; i++) {
      assertThat(eigen.values()[i]).isEqualTo(expected[n - 1 - i], within(1e-13 * largest));
    }
    NDArray q = eigen.vectors();
    assertThat(
            distance(
                LinearAlgebra.scaleColumns(q, eigen.values()).matMul(q.transpose()), symmetric))
        .isLessThan(1e-11 * largest);
  }

  @Test
  void a_diagonal_matrix_has_the_decompositions_one_sees() {
    // X = diag(2, −3) turned upside down: singular values 3 and 2; u₁ = e₂, v₁ = −e₂, as the
    // entry of largest magnitude of u is positive
    NDArray x = manager.create(new double[][] {{2, 0}, {0, -3}});

    Svd svd = LinearAlgebra.svd(x);

    assertThat(svd.s()).containsExactly(new double[] {3, 2}, within(1e-15));
    assertThat(svd.u().toDoubleArray()).containsExactly(new double[] {0, 1, 1, 0}, within(1e-15));
    assertThat(svd.vt().toDoubleArray()).containsExactly(new double[] {0, -1, 1, 0}, within(1e-15));
    assertThat(InverseRoot.of(x, 0).isometry(x).toDoubleArray())
        .containsExactly(new double[] {1, 0, 0, -1}, within(1e-15));
    // eigenvalues descending: 2 and −3
    assertThat(LinearAlgebra.eigh(x).values()).containsExactly(new double[] {2, -3}, within(1e-15));
  }

  @Test
  void qr_has_a_positive_diagonal() {
    // the first column (3, 4) has norm 5; the second, (1, −7), has 0.6 − 5.6 = −5 along (0.6, 0.8)
    // and 5 along (0.8, −0.6)
    Qr qr = LinearAlgebra.qr(manager.create(new double[][] {{3, 1}, {4, -7}}));

    assertThat(qr.r().toDoubleArray()).containsExactly(new double[] {5, -5, 0, 5}, within(1e-14));
    assertThat(qr.q().toDoubleArray())
        .containsExactly(new double[] {0.6, 0.8, 0.8, -0.6}, within(1e-15));
  }

  @Test
  void a_linear_system_is_solved_as_worked_out_by_hand() {
    NDArray a = manager.create(new double[][] {{4, 2}, {2, 5}});

    // 4·1 + 2·(−1) = 2 and 2·1 + 5·(−1) = −3
    assertThat(LinearAlgebra.solve(a, manager.create(new double[][] {{2}, {-3}})).toDoubleArray())
        .containsExactly(new double[] {1, -1}, within(1e-15));
  }

  @ParameterizedTest
  @CsvSource({"30,20", "20,30", "25,25"})
  void the_gram_matrix_gives_the_leading_singular_triplets(int rows, int columns) {
    NDArray x = manager.create(gaussian(rows, columns, 5));
    Svd full = LinearAlgebra.svd(x).leading(6);

    Svd truncated = LinearAlgebra.truncatedSvd(x, 6, 0);
    PrincipalPart part = LinearAlgebra.principalPart(x, 6, DataType.FLOAT64);

    NDArray expected = full.with(full.s());
    assertThat(distance(truncated.with(truncated.s()), expected)).isLessThan(1e-12);
    assertThat(distance(truncated.u(), full.u())).isLessThan(1e-11);
    assertThat(distance(part.left().matMul(part.right()), expected)).isLessThan(1e-12);
    assertThat(distance(part.us().transpose().matMul(part.us()).diagonal().sqrt(), s(part)))
        .isLessThan(1e-12);
    assertThat(distance(part.us().matMul(part.svt()), full.with(squares(full.s()))))
        .isLessThan(1e-11);
  }

  @ParameterizedTest
  @CsvSource({"300,290", "257,300", "310,258"})
  void gram_matrices_of_panels_equal_plain_products(int rows, int columns) {
    NDArray x = manager.create(gaussian(rows, columns, 10));

    NDArray smaller = rows < columns ? x.matMul(x.transpose()) : x.transpose().matMul(x);
    assertThat(distance(LinearAlgebra.gram(x), smaller)).isLessThan(1e-10);
    assertThat(distance(LinearAlgebra.gramOfRows(x), x.matMul(x.transpose()))).isLessThan(1e-10);
  }

  @Test
  void a_polynomial_of_a_matrix_is_that_of_its_eigenvalues() {
    NDArray symmetric = LinearAlgebra.gram(manager.create(gaussian(12, 9, 11)));
    SymmetricEigen eigen = LinearAlgebra.eigh(symmetric);
    NDArray x = manager.create(gaussian(4, 9, 12));
    double end = eigen.values()[0] * 1.1;
    double[] coefficients = {0.5, -1, 0.25, 2};
    double[] expected = new double[9];
    for (int i = 0; i < 9; i++) {
      // T₂ = 2s² − 1, T₃ = 4s³ − 3s
      double s = 2 * eigen.values()[i] / end - 1;
      expected[i] = 0.5 - s + 0.25 * (2 * s * s - 1) + 2 * (4 * s * s * s - 3 * s);
    }
    NDArray q = eigen.vectors();
    NDArray product = LinearAlgebra.scaleColumns(x.matMul(q), expected).matMul(q.transpose());

    assertThat(distance(LinearAlgebra.chebyshev(x, symmetric, end, coefficients), product))
        .isLessThan(1e-11);
    assertThat(distance(LinearAlgebra.chebyshev(x, symmetric, end, new double[] {3}), x.mul(3)))
        .isLessThan(1e-14);
  }

  @ParameterizedTest
  @CsvSource({"1e-30", "1e-4", "1", "1e10"})
  void the_bound_on_eigenvalues_holds_and_is_not_far_off(double scale) {
    for (DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      NDArray gram = LinearAlgebra.gram(manager.create(gaussian(40, 30, 13))).mul(scale);
      double largest = LinearAlgebra.eigh(gram).values()[0];

      double bound = LinearAlgebra.largestEigenvalueAtMost(gram.toType(type, true));

      assertThat(bound).isBetween(largest * (1 - 1e-6), largest * Math.pow(30, 0.125));
    }
    assertThat(LinearAlgebra.largestEigenvalueAtMost(manager.zeros(new Shape(3, 3)))).isZero();
  }

  @Test
  void small_singular_values_fall_back_to_the_thin_decomposition() {
    // singular values 1, 1e-3, 1e-9: a Gram matrix would lose the last
    Svd basis = LinearAlgebra.svd(manager.create(gaussian(10, 3, 6)));
    NDArray x = basis.with(new double[] {1, 1e-3, 1e-9});

    Svd svd = LinearAlgebra.truncatedSvd(x, 3, 0);

    assertThat(svd.s()[2]).isEqualTo(1e-9, within(1e-15));
    assertThat(distance(svd.u().transpose().matMul(svd.u()), manager.eye(3))).isLessThan(1e-12);
    assertThat(LinearAlgebra.truncatedSvd(x, 3, 1e-6).s()).hasSize(2);
    assertThat(LinearAlgebra.truncatedSvd(x, 0, 0).s()).isEmpty();
  }

  @Test
  void the_polar_factor_leaves_out_what_nothing_determines() {
    // X = u vᵀ has rank one; its polar factor is u vᵀ / (‖u‖‖v‖): 3·(1, 2, 2)/3 and (3, 4)/5
    NDArray x = manager.create(new double[][] {{3, 4}, {6, 8}, {6, 8}});

    NDArray polar = InverseRoot.of(x, 1e-9).isometry(x);

    assertThat(polar.toDoubleArray())
        .containsExactly(new double[] {0.2, 4 / 15.0, 0.4, 8 / 15.0, 0.4, 8 / 15.0}, within(1e-14));
  }

  @Test
  void float32_matrices_stay_float32_in_the_plain_decompositions() {
    NDArray x = manager.create(gaussian(20, 8, 7)).toType(DataType.FLOAT32, true);

    Svd svd = LinearAlgebra.svd(x);

    assertThat(svd.u().getDataType()).isEqualTo(DataType.FLOAT32);
    assertThat(distance(svd.with(svd.s()), x)).isLessThan(1e-5);
    assertThat(LinearAlgebra.gram(x).getDataType()).isEqualTo(DataType.FLOAT64);
    assertThat(LinearAlgebra.gram(x).getShape()).isEqualTo(new Shape(8, 8));
  }

  @ParameterizedTest
  @CsvSource({"NaN", "Infinity", "-Infinity"})
  void a_matrix_that_is_not_finite_is_an_error(double bad) {
    NDArray x = manager.create(new double[][] {{1, 2}, {bad, 4}});

    assertThatThrownBy(() -> LinearAlgebra.svd(x))
        .isInstanceOf(LinearAlgebraException.class)
        .hasMessage("svd: the matrix holds NaN or infinity");
    assertThatThrownBy(() -> LinearAlgebra.eigh(x)).hasMessageContaining("NaN or infinity");
    assertThatThrownBy(() -> LinearAlgebra.qr(x)).hasMessageContaining("NaN or infinity");
    assertThatThrownBy(() -> LinearAlgebra.truncatedSvd(x, 1, 0))
        .hasMessageContaining("NaN or infinity");
  }

  @Test
  void matrices_without_the_decomposition_are_errors() {
    NDArray regular = manager.create(new double[][] {{1, 2}, {2, 1}});
    NDArray singular = manager.create(new double[][] {{1, 2}, {2, 4}});
    NDArray skew = manager.create(new double[][] {{0, 5}, {-5, 0}});

    assertThatThrownBy(() -> LinearAlgebra.solve(singular, regular))
        .isInstanceOf(LinearAlgebraException.class)
        .hasMessageContaining("singular");
    assertThatThrownBy(() -> LinearAlgebra.eigh(skew))
        .hasMessageContaining("the factors miss the (2, 2) matrix");
    assertThatThrownBy(() -> LinearAlgebra.svd(manager.zeros(new Shape(2, 2, 2))))
        .hasMessage("svd needs a matrix, the array has shape (2, 2, 2)");
    assertThatThrownBy(() -> LinearAlgebra.eigh(manager.zeros(new Shape(2, 3))))
        .hasMessage("eigh needs a square matrix, the array has shape (2, 3)");
    assertThatThrownBy(() -> LinearAlgebra.svd(manager.zeros(new Shape(2, 3), DataType.INT32)))
        .hasMessage("svd needs float32 or float64, the array has type int32");
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT32", "FLOAT64"})
  void nothing_but_the_results_is_left_in_the_manager(DataType type) {
    NDArray x = manager.create(gaussian(6, 4, 8)).toType(type, true);
    int before = manager.getManagedArrays().size();

    LinearAlgebra.svd(x);
    LinearAlgebra.qr(x);
    LinearAlgebra.truncatedSvd(x, 2, 0);
    InverseRoot.of(x, 0).isometry(x);
    LinearAlgebra.squaredNorm(x);
    NDArray gram = LinearAlgebra.gram(x);
    LinearAlgebra.eigh(gram);
    LinearAlgebra.solve(gram, gram);

    // u, vt · q, r · u, vt · root, polar · gram · vectors · z
    assertThat(manager.getManagedArrays()).hasSize(before + 11);
  }

  @Test
  void results_may_be_changed_in_place() {
    NDArray x = manager.create(gaussian(300, 290, 11));

    LinearAlgebra.svd(x).u().muli(2);
    LinearAlgebra.qr(x).r().addi(1);
    NDArray gram = LinearAlgebra.gram(x).muli(2);
    LinearAlgebra.eigh(gram).vectors().muli(2);

    assertThat(distance(gram, x.transpose().matMul(x).mul(2))).isLessThan(1e-9);
  }

  @Test
  void the_same_matrix_gives_the_same_bytes() {
    NDArray x = manager.create(gaussian(40, 33, 9));

    assertThat(LinearAlgebra.svd(x).u().toByteArray())
        .isEqualTo(LinearAlgebra.svd(x.duplicate()).u().toByteArray());
  }

  private static double[] squares(double[] values) {
    return java.util.Arrays.stream(values).map(value -> value * value).toArray();
  }

  private NDArray s(PrincipalPart part) {
    return manager.create(part.s());
  }

  private static double distance(NDArray a, NDArray b) {
    return Math.sqrt(
        LinearAlgebra.squaredNorm(
            a.toType(DataType.FLOAT64, true).sub(b.toType(DataType.FLOAT64, true))));
  }

  private static double[][] rows(NDArray x) {
    int rows = (int) x.getShape().get(0);
    double[][] values = new double[rows][];
    for (int i = 0; i < rows; i++) {
      values[i] = x.get(i).toDoubleArray();
    }
    return values;
  }

  private static double[][] gaussian(int rows, int columns, long seed) {
    Random random = new Random(seed);
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      java.util.Arrays.setAll(row, j -> random.nextGaussian());
    }
    return values;
  }
}
