package org.optmerge.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class Float32SubspacesTest {
  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  private NDArray gaussian(int rows, int columns, double[] scales) {
    Random random = new Random(3);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * scales[i % columns]);
    }
    return manager.create(values, new Shape(rows, columns));
  }

  private static double[] ones(int count) {
    double[] ones = new double[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private double distance(NDArray x, NDArray y) {
    return Math.sqrt(LinearAlgebra.squaredNorm(x.sub(y)) / LinearAlgebra.squaredNorm(y));
  }

  @Test
  void the_turn_is_the_noise_over_the_gaps_across_the_cut() {
    // 16 · 2⁻²⁴ · 4 · √(2 (1/3² + 1/4²) / 3)
    double expected = 16 * 0x1p-24 * 4 * Math.sqrt(2 * (1 / 9.0 + 1 / 16.0) / 3);

    assertThat(Float32Subspaces.turn(new double[] {4, 1, 0}, 1)).isCloseTo(expected, within(1e-15));
    assertThat(Float32Subspaces.turn(new double[] {4, 1, 0}, 3)).isZero();
    assertThat(Float32Subspaces.turn(new double[] {4, 1, 1}, 2)).isGreaterThan(1);
  }

  @Test
  void refined_vectors_span_what_float64_does() {
    for (NDArray x : new NDArray[] {gaussian(300, 200, ones(200)), gaussian(150, 400, ones(400))}) {
      Svd svd = Float32Subspaces.leading(x, 40, 3e-6).orElseThrow();
      Svd exact = LinearAlgebra.truncatedSvd(x, 40, 0);
      NDArray product = svd.with(svd.s()).toType(DataType.FLOAT64, true);

      assertThat(svd.u().getDataType()).isEqualTo(DataType.FLOAT32);
      assertThat(distance(product, exact.with(exact.s()))).isLessThan(3e-6);
      assertThat(svd.s()).containsExactly(exact.s(), within(1e-4));
    }
  }

  @Test
  void refinement_beats_float32() {
    NDArray x = gaussian(300, 200, ones(200));
    NDArray gram = LinearAlgebra.gram(x, DataType.FLOAT32);
    SymmetricEigen eigen = LinearAlgebra.eigh(gram);
    NDArray exact =
        projector(LinearAlgebra.eigh(gram.toType(DataType.FLOAT64, true)).vectors(), 40);

    Optional<NDArray> refined = Float32Subspaces.refined(gram, eigen, 40);

    double before = distance(projector(eigen.vectors().toType(DataType.FLOAT64, true), 40), exact);
    assertThat(distance(projector(refined.orElseThrow(), 40), exact)).isLessThan(before / 10);
  }

  private static NDArray projector(NDArray vectors, int rank) {
    NDArray basis = LinearAlgebra.columns(vectors, 0, rank);
    return basis.matMul(basis.transpose());
  }

  @Test
  void steep_spectra_and_cuts_between_equal_values_are_refused() {
    double[] scales = ones(200);
    scales[0] = 1e4;
    NDArray repeated = manager.eye(64);

    assertThat(Float32Subspaces.leading(gaussian(300, 200, scales), 40, 3e-6)).isEmpty();
    assertThat(Float32Subspaces.leading(repeated, 10, 3e-6)).isEmpty();
    assertThat(Float32Subspaces.leading(manager.zeros(new Shape(64, 64)), 10, 3e-6)).isEmpty();
  }

  @Test
  void the_largest_square_is_found_from_below() {
    NDArray x = manager.create(new float[] {3, 0, 0, 1, 0, 0}, new Shape(3, 2));

    assertThat(Float32Subspaces.largestSquare(x)).isCloseTo(9, within(1e-5));
    NDArray flat = gaussian(300, 200, ones(200));
    double largest = Math.pow(LinearAlgebra.svd(flat).s()[0], 2);
    assertThat(Float32Subspaces.largestSquare(flat)).isBetween(0.8 * largest, 1.0001 * largest);
  }

  @Test
  void inverse_roots_in_float32_make_long_matrices_orthonormal() {
    NDArray x = gaussian(1300, 600, ones(600));
    InverseRoot root = InverseRoot.inFloat32(x, 0).orElseThrow();
    NDArray exact = InverseRoot.of(x, 0).isometry(x);

    assertThat(distance(root.isometry(x).toType(DataType.FLOAT64, true), exact)).isLessThan(3e-6);
    assertThat(InverseRoot.inFloat32(gaussian(600, 600, ones(600)), 0)).isEmpty();
    double[] scales = ones(600);
    scales[0] = 100;
    assertThat(InverseRoot.inFloat32(gaussian(1300, 600, scales), 0)).isEmpty();
  }
}
