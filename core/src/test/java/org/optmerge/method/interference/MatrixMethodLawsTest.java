package org.optmerge.method.interference;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.method.Arrays2d;
import org.optmerge.method.Matrices;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/** What holds for the methods for matrices whatever the task vectors. */
class MatrixMethodLawsTest {
  private static final List<int[]> SHAPES =
      List.of(new int[] {9, 9}, new int[] {7, 19}, new int[] {21, 8}, new int[] {4, 17});

  private static final OptMergeMethod PAPER_FLOW =
      with(OptMergeMethod.PAPER, Init.SUM, Descent.flow(5));

  /** Methods whose result is made of singular vectors or a quadratic's descent. */
  private static final List<MergeMethod> ROTATION_EQUIVARIANT =
      List.of(
          OptMergeMethod.LORA,
          OptMergeMethod.MODALITIES,
          OptMergeMethod.FLOW_100,
          PAPER_FLOW,
          with(OptMergeMethod.FULL_FINE_TUNING, Init.SUM, Descent.sgd(0.05, 0.9, 100)),
          new Wudi(Init.SUM, Descent.sgd(0.01, 0.9, 100)),
          Swudi.PUBLISHED,
          Aswudi.PUBLISHED,
          Iwudi.EXPONENTIAL,
          Iwudi.TIKHONOV,
          Iwudi.LANDWEBER,
          listed("tsv"),
          listed("iso-c"),
          listed("iso-cts"),
          MergeMethods.named("svc-ta").with(Map.of("inner_scaling", 1, "alpha", 1)));

  private static final List<MergeMethod> SCALE_EQUIVARIANT =
      Stream.concat(ROTATION_EQUIVARIANT.stream(), Stream.of(listed("core-space-tsv"))).toList();

  private static final List<MergeMethod> SYMMETRIC =
      Stream.concat(
              SCALE_EQUIVARIANT.stream(),
              Stream.of(
                  with(OptMergeMethod.FULL_FINE_TUNING, Init.SUM, Descent.adam(1e-3, 10)),
                  with(OptMergeMethod.PAPER, Init.SUM, Descent.relativeAdam(1e-2, 10)),
                  new Wudi(Init.SUM, Descent.adam(1e-3, 10)),
                  Arrays2d.knots(listed("weight-average")),
                  MergeMethods.named("doge-ta").with(Map.of("steps", 10))))
          .toList();

  private NDManager manager;

  private static MergeMethod listed(String name) {
    return MergeMethods.named(name).method();
  }

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  private static OptMergeMethod with(OptMergeMethod method, Init init, Descent descent) {
    return new OptMergeMethod(
        init, method.rankShare(), method.centred(), method.projector(), descent);
  }

  private static Stream<Arguments> eachShape(List<MergeMethod> methods) {
    return methods.stream()
        .flatMap(method -> SHAPES.stream().map(shape -> Arguments.of(method, shape[0], shape[1])));
  }

  static Stream<Arguments> scaleEquivariant() {
    return eachShape(SCALE_EQUIVARIANT);
  }

  static Stream<Arguments> symmetric() {
    return eachShape(SYMMETRIC);
  }

  static Stream<Arguments> rotationEquivariant() {
    return eachShape(ROTATION_EQUIVARIANT);
  }

  @ParameterizedTest
  @MethodSource("scaleEquivariant")
  void larger_task_vectors_give_a_result_as_much_larger(MergeMethod method, int rows, int columns) {
    TaskVectors tau = Arrays2d.gaussian(manager, rows, columns, 3, 1);

    NDArray scaled = method.merge(Arrays2d.map(tau, x -> x.mul(7)));

    assertThat(Arrays2d.error(scaled, method.merge(tau).mul(7))).isLessThan(1e-6);
  }

  @Test
  void a_relative_step_makes_adam_all_but_scale_equivariant() {
    // ε = 1e-8 stays what it is
    OptMergeMethod method =
        with(OptMergeMethod.FULL_FINE_TUNING, Init.SUM, Descent.relativeAdam(0.01, 50));
    TaskVectors tau = Arrays2d.gaussian(manager, 7, 19, 3, 1);

    NDArray scaled = method.merge(Arrays2d.map(tau, x -> x.mul(7)));

    assertThat(Arrays2d.error(scaled, method.merge(tau).mul(7))).isLessThan(1e-4);
  }

  @ParameterizedTest
  @MethodSource("symmetric")
  void the_order_of_the_experts_does_not_matter(MergeMethod method, int rows, int columns) {
    TaskVectors tau = Arrays2d.gaussian(manager, rows, columns, 3, 2);
    List<TaskVector> reversed = new ArrayList<>(tau.vectors());
    Collections.reverse(reversed);

    NDArray other = method.merge(new TaskVectors(tau.parameter(), reversed));

    assertThat(Arrays2d.error(other, method.merge(tau))).isLessThan(1e-6);
  }

  @ParameterizedTest
  @MethodSource("rotationEquivariant")
  void rotated_task_vectors_give_the_rotated_result(MergeMethod method, int rows, int columns) {
    TaskVectors tau = Arrays2d.gaussian(manager, rows, columns, 3, 3);
    NDArray left = orthogonal(rows, 4);
    NDArray right = orthogonal(columns, 5);

    NDArray rotated = method.merge(Arrays2d.map(tau, x -> left.matMul(x).matMul(right)));

    NDArray expected = left.matMul(method.merge(tau).toType(DataType.FLOAT64, true)).matMul(right);
    assertThat(Arrays2d.error(rotated, expected)).isLessThan(1e-6);
  }

  static Stream<MergeMethod> returnsAnOnlyExpert() {
    return Stream.of(
        OptMergeMethod.LORA,
        OptMergeMethod.FULL_FINE_TUNING,
        OptMergeMethod.PAPER,
        OptMergeMethod.FLOW_100,
        with(OptMergeMethod.MODALITIES, Init.MEAN, Descent.sgd(0, 0.9, 300)),
        Wudi.PUBLISHED,
        Aswudi.PUBLISHED,
        Swudi.PUBLISHED,
        listed("tsv"),
        Arrays2d.coreSpace(listed("task-arithmetic")),
        Arrays2d.knots(listed("task-arithmetic")));
  }

  @ParameterizedTest
  @MethodSource("returnsAnOnlyExpert")
  void an_only_expert_is_returned(MergeMethod method) {
    for (int[] shape : SHAPES) {
      TaskVectors tau = Arrays2d.gaussian(manager, shape[0], shape[1], 1, 6);

      assertThat(Arrays2d.error(method.merge(tau), tau.vectors().get(0).dense()))
          .as(Arrays.toString(shape))
          .isLessThan(1e-6);
    }
  }

  @Test
  void experts_in_orthogonal_row_spaces_add_up_at_the_minimum() {
    // rows of the three experts lie in columns 0-3, 4-7 and 8-11
    List<NDArray> arrays = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      NDArray wide = manager.zeros(new Shape(9, 12), DataType.FLOAT64);
      wide.set(
          new ai.djl.ndarray.index.NDIndex(":, {}:{}", 4 * t, 4 * t + 4),
          Arrays2d.gaussian(manager, 9, 4, new Random(t)));
      arrays.add(wide);
    }
    TaskVectors tau = Arrays2d.tau(arrays);
    Wudi toTheEnd = new Wudi(Init.ZERO, Descent.flow(1e6));

    assertThat(Arrays2d.error(toTheEnd.merge(tau), Arrays2d.sum(tau))).isLessThan(1e-10);
    assertThat(Arrays2d.error(Aswudi.of(RankRule.NONE, Init.ZERO).merge(tau), Arrays2d.sum(tau)))
        .isLessThan(1e-10);
  }

  @Test
  void no_step_leaves_the_start_and_endless_time_reaches_the_minimum() {
    TaskVectors tau = Arrays2d.gaussian(manager, 20, 9, 3, 7);
    NDArray sum = Arrays2d.sum(tau);
    NDArray minimum = normalEquations(tau);

    for (Init init : List.of(Init.MEAN, Init.SUM)) {
      NDArray start = sum.mul(init == Init.MEAN ? 1 / 3.0 : 1);
      assertThat(Arrays2d.error(new Wudi(init, Descent.sgd(0, 0.9, 300)).merge(tau), start))
          .isLessThan(1e-14);
      assertThat(Arrays2d.error(new Wudi(init, Descent.flow(1e5)).merge(tau), minimum))
          .isLessThan(1e-9);
      assertThat(Arrays2d.error(new Wudi(init, Descent.sgd(0.1, 0.9, 20_000)).merge(tau), minimum))
          .isLessThan(1e-9);
    }
  }

  @Test
  void a_rank_rule_that_keeps_all_directions_gives_the_minimum() {
    TaskVectors tau = Arrays2d.gaussian(manager, 20, 9, 3, 8);

    NDArray merged = Aswudi.of(RankRule.NONE, Init.SUM).merge(tau);

    assertThat(Arrays2d.error(merged, normalEquations(tau))).isLessThan(1e-9);
  }

  static Stream<OptMergeMethod> variants() {
    return Stream.of(
            OptMergeMethod.LORA,
            OptMergeMethod.MODALITIES,
            OptMergeMethod.FULL_FINE_TUNING,
            OptMergeMethod.PAPER)
        .flatMap(
            method ->
                Stream.of(
                    with(method, Init.MEAN, Descent.sgd(1e-4, 0.9, 300)),
                    with(method, Init.SUM, Descent.sgd(0.05, 0.9, 300)),
                    with(method, Init.SUM, Descent.sgd(0.5, 0.5, 37)),
                    with(method, Init.ZERO, Descent.sgd(0.05, 0, 40))));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void the_closed_form_is_where_the_iteration_ends(OptMergeMethod method) {
    for (int[] shape : SHAPES) {
      TaskVectors tau = Arrays2d.gaussian(manager, shape[0], shape[1], 3, 9);

      Trajectory iterated = Trajectory.of(method, tau, 300);

      assertThat(Arrays2d.error(method.merge(tau), iterated.merged()))
          .as(Arrays.toString(shape))
          .isLessThan(1e-9);
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void adam_on_the_quadratic_is_adam_on_the_residuals(OptMergeMethod variant) {
    OptMergeMethod method = with(variant, variant.init(), Descent.adam(1e-3, 50));
    for (int[] shape : SHAPES) {
      TaskVectors tau = Arrays2d.gaussian(manager, shape[0], shape[1], 3, 10);

      Trajectory iterated = Trajectory.of(method, tau, 50);

      assertThat(Arrays2d.error(method.merge(tau), iterated.merged())).isLessThan(1e-9);
    }
  }

  @Test
  void larger_matrices_are_merged_as_small_ones_are() {
    // from a side of 256 on symmetric products are made in panels
    TaskVectors tau = Arrays2d.gaussian(manager, 270, 260, 2, 14);
    for (MergeMethod method :
        List.of(
            with(OptMergeMethod.LORA, Init.MEAN, Descent.sgd(0.05, 0.9, 5)),
            with(OptMergeMethod.MODALITIES, Init.MEAN, Descent.sgd(0.05, 0.9, 5)),
            with(OptMergeMethod.FULL_FINE_TUNING, Init.SUM, Descent.sgd(0.05, 0.9, 5)),
            new Wudi(Init.SUM, Descent.sgd(0.05, 0.9, 5)))) {
      assertThat(Arrays2d.error(method.merge(tau), Trajectory.of(method, tau, 5).merged()))
          .as(method.toString())
          .isLessThan(1e-11);
    }
  }

  @Test
  void the_loss_never_rises_below_the_damping_boundary() {
    // λ ≤ N = 3 and (1 − √0.9)²/(2·1e-4) = 13.2
    Trajectory descent =
        Trajectory.of(OptMergeMethod.LORA, Arrays2d.gaussian(manager, 14, 22, 3, 11), 1);

    for (int i = 1; i < descent.points().size(); i++) {
      assertThat(descent.points().get(i).loss()).isLessThan(descent.points().get(i - 1).loss());
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void the_reduced_basis_gives_what_the_full_one_gives(OptMergeMethod method) {
    SpectralFilter filter = method.descent().filter().orElseThrow();
    for (int[] shape : SHAPES) {
      try (Matrices tau = new Matrices(Arrays2d.gaussian(manager, shape[0], shape[1], 3, 12))) {
        double start = method.init().ofSum(3);
        NDArray reduced = SpectralKernel.apply(tau, method.loss(tau, true), start, filter).dense();
        NDArray full = SpectralKernel.apply(tau, method.loss(tau, false), start, filter).dense();

        assertThat(Arrays2d.error(reduced, full)).isLessThan(1e-10);
      }
    }
  }

  @Test
  void core_space_changes_nothing_for_methods_that_ignore_rotations() {
    TaskVectors tau = Arrays2d.lowRank(manager, 30, 24, 3, 3, 13);
    for (MergeMethod method :
        List.of(
            listed("task-arithmetic"),
            new Wudi(Init.SUM, Descent.flow(3)),
            with(OptMergeMethod.LORA, Init.MEAN, Descent.flow(3)),
            new OptMergeMethod(
                Init.MEAN,
                OptionalDouble.of(1),
                false,
                OptMergeMethod.Projector.FULL,
                Descent.sgd(0.05, 0.9, 300)))) {
      assertThat(Arrays2d.error(Arrays2d.coreSpace(method).merge(tau), method.merge(tau)))
          .as(method.toString())
          .isLessThan(1e-6);
    }
  }

  private NDArray orthogonal(int size, long seed) {
    return LinearAlgebra.qr(Arrays2d.gaussian(manager, size, size, new Random(seed))).q();
  }

  /** (Σ τ τᵀτ/‖τ‖²)(Σ τᵀτ/‖τ‖²)⁻¹, the minimiser of equation 1 where the inverse exists. */
  private NDArray normalEquations(TaskVectors tau) {
    long n = tau.shape().get(1);
    NDArray g = manager.zeros(new Shape(n, n), DataType.FLOAT64);
    NDArray h = manager.zeros(tau.shape(), DataType.FLOAT64);
    for (TaskVector vector : tau.vectors()) {
      NDArray x = vector.dense();
      NDArray gram = x.transpose().matMul(x).div(LinearAlgebra.squaredNorm(x));
      g.addi(gram);
      h.addi(x.matMul(gram));
    }
    return LinearAlgebra.solve(g, h.transpose()).transpose();
  }
}
