package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.method.interference.OptMergeMethod;
import org.optmerge.method.interference.Swudi;
import org.optmerge.method.interference.Wudi;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/** Inputs at which the published codes divide by zero, fill up with noise, or crash. */
class MatrixMethodGuardsTest {
  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  static Stream<MergeMethod> all() {
    return MergeMethods.ALL.stream()
        .map(NamedMethod::method)
        .filter(method -> method instanceof MatrixMethod || method instanceof DogeTa);
  }

  @ParameterizedTest
  @MethodSource("all")
  void experts_that_learned_nothing_give_nothing(MergeMethod method) {
    TaskVectors tau = Arrays2d.tau(manager, new double[4][7], new double[4][7], new double[4][7]);

    assertThat(method.merge(tau).toType(DataType.FLOAT64, true).toDoubleArray()).containsOnly(0);
  }

  @ParameterizedTest
  @MethodSource("all")
  void an_expert_equal_to_the_base_gives_a_finite_result(MergeMethod method) {
    TaskVectors tau = Arrays2d.gaussian(manager, 8, 11, 2, 1);
    List<TaskVector> vectors = new ArrayList<>(tau.vectors());
    vectors.add(new TaskVector.Dense(manager.zeros(new Shape(8, 11), DataType.FLOAT64)));

    requireFinite(method.merge(new TaskVectors("layer.weight", vectors)));
  }

  @ParameterizedTest
  @MethodSource("all")
  void more_experts_than_rows_give_a_finite_result(MergeMethod method) {
    requireFinite(method.merge(Arrays2d.gaussian(manager, 2, 9, 4, 2)));
    requireFinite(method.merge(Arrays2d.gaussian(manager, 9, 2, 4, 2)));
    requireFinite(method.merge(Arrays2d.gaussian(manager, 1, 1, 3, 2)));
  }

  @ParameterizedTest
  @MethodSource("all")
  void the_same_expert_twice_gives_a_finite_result(MergeMethod method) {
    NDArray x = Arrays2d.gaussian(manager, 10, 12, new Random(3));

    requireFinite(method.merge(Arrays2d.tau(List.of(x, x.duplicate(), x.duplicate()))));
  }

  @ParameterizedTest
  @MethodSource("all")
  void a_nan_is_an_error_that_names_the_parameter(MergeMethod method) {
    TaskVectors tau =
        Arrays2d.tau(
            manager, new double[][] {{1, 2}, {3, 4}}, new double[][] {{1, Double.NaN}, {0, 1}});

    assertThatThrownBy(() -> method.merge(tau))
        .isInstanceOf(LinearAlgebraException.class)
        .hasMessage("parameter 'layer.weight': task vector 2 holds NaN or infinity");
  }

  @ParameterizedTest
  @MethodSource("all")
  void nothing_but_the_result_is_left_behind(MergeMethod method) {
    for (TaskVectors tau :
        List.of(
            Arrays2d.gaussian(manager, 9, 14, 3, 4),
            Arrays2d.gaussian(manager, 14, 9, 3, 4),
            Arrays2d.lowRank(manager, 14, 9, 2, 3, 4))) {
      int before = manager.getManagedArrays().size();
      NDArray merged = method.merge(tau);

      assertThat(merged.getManager()).isSameAs(manager);
      assertThat(manager.getManagedArrays()).hasSize(before + 1);
    }
  }

  @Test
  void a_rank_of_zero_does_what_the_published_variants_do() {
    TaskVectors tau = Arrays2d.gaussian(manager, 2, 9, 4, 5);
    NDArray sum = Arrays2d.sum(tau);

    assertThat(Arrays2d.error(OptMergeMethod.LORA.merge(tau), sum.div(4))).isLessThan(1e-15);
    assertThat(Arrays2d.error(OptMergeMethod.FULL_FINE_TUNING.merge(tau), sum)).isLessThan(1e-15);
    assertThat(OptMergeMethod.MODALITIES.merge(tau).norm().toDoubleArray()[0])
        .isLessThan(0.9 * sum.div(4).norm().toDoubleArray()[0]);
    assertThat(new Tsv().merge(tau).toDoubleArray()).containsOnly(0);
  }

  @Test
  void noise_does_not_turn_the_result_on_experts_of_low_rank() {
    // five experts of rank 4, k = 12: published TSV and Iso-C fill up with directions of the noise
    TaskVectors tau = Arrays2d.expanded(manager, Arrays2d.lowRank(manager, 60, 80, 4, 5, 6));
    Random random = new Random(7);
    TaskVectors noisy =
        Arrays2d.map(tau, x -> x.add(Arrays2d.gaussian(manager, 60, 80, random).mul(1e-13)));
    NDArray sum = Arrays2d.sum(tau);

    for (MergeMethod method :
        List.of(new Tsv(), new IsoC(NonMatrixRule.MEAN), IsoCts.PUBLISHED, OptMergeMethod.LORA)) {
      assertThat(Arrays2d.error(method.merge(noisy), method.merge(tau)))
          .as(method.toString())
          .isLessThan(1e-9);
    }
    // 20 directions of 60 have the mean singular value, the others none
    double[] values = LinearAlgebra.svd(new IsoC(NonMatrixRule.MEAN).merge(tau)).s();
    double mean = java.util.Arrays.stream(LinearAlgebra.svd(sum).s()).sum() / 60;
    assertThat(values[19]).isEqualTo(mean, within(1e-8 * mean));
    assertThat(values[20]).isLessThan(1e-9 * mean);
  }

  @Test
  void a_repeated_expert_counts_once_for_tsv() {
    NDArray x = Arrays2d.gaussian(manager, 8, 8, new Random(8));

    NDArray merged = new Tsv().merge(Arrays2d.tau(List.of(x, x.duplicate())));

    // each contributes its four leading directions; together they are these four
    var leading = LinearAlgebra.truncatedSvd(x, 4, 0);
    assertThat(Arrays2d.error(merged, leading.with(leading.s()))).isLessThan(1e-10);
  }

  @Test
  void what_is_no_matrix_becomes_the_mean_or_the_sum() {
    TaskVectors tau =
        Arrays2d.tau(
            List.of(manager.create(new float[] {1, 2}), manager.create(new float[] {5, -2})));

    assertThat(OptMergeMethod.LORA.merge(tau).toDoubleArray()).containsExactly(3, 0);
    assertThat(new IsoC(NonMatrixRule.MEAN).merge(tau).toDoubleArray()).containsExactly(3, 0);
    assertThat(new IsoC(NonMatrixRule.SUM).merge(tau).toDoubleArray()).containsExactly(6, 0);
  }

  @Test
  void the_output_layer_is_averaged_as_published() {
    TaskVectors tau = Arrays2d.gaussian(manager, 6, 5, 2, 9);
    for (String head : List.of("lm_head.weight", "language_model.output.weight")) {
      TaskVectors output = new TaskVectors(head, tau.vectors());

      for (MergeMethod method :
          List.of(Wudi.PUBLISHED, OptMergeMethod.LORA, Swudi.PUBLISHED, new Tsv())) {
        assertThat(Arrays2d.error(method.merge(output), Arrays2d.sum(tau).div(2)))
            .isLessThan(1e-15);
      }
    }
  }

  @Test
  void memory_does_not_grow_with_the_number_of_layers() {
    List<MergeMethod> methods =
        List.of(OptMergeMethod.LORA, new Tsv(), Swudi.PUBLISHED, Wudi.PUBLISHED);
    try (NDManager layers = manager.newSubManager()) {
      TaskVectors tau = Arrays2d.gaussian(layers, 24, 24, 3, 10);
      int before = layers.getManagedArrays().size();
      for (int layer = 0; layer < 200; layer++) {
        methods.get(layer % methods.size()).merge(tau).close();
      }

      assertThat(layers.getManagedArrays()).hasSize(before);
    }
    assertThat(manager.getManagedArrays()).isEmpty();
  }

  private static void requireFinite(NDArray merged) {
    double norm = LinearAlgebra.squaredNorm(merged);
    assertThat(norm).isBetween(0.0, Double.MAX_VALUE);
  }
}
