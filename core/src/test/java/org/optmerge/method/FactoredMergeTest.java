package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.linalg.LowRankApproximation;
import org.optmerge.method.interference.Aswudi;
import org.optmerge.method.interference.Descent;
import org.optmerge.method.interference.Init;
import org.optmerge.method.interference.Iwudi;
import org.optmerge.method.interference.OptMergeMethod;
import org.optmerge.method.interference.Swudi;
import org.optmerge.method.interference.Wudi;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/** Experts given as adapters merge as when written out, and stay factors where that is possible. */
class FactoredMergeTest {
  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  static Stream<MergeMethod> staysFactored() {
    return Stream.of(
        new TaskArithmetic(),
        new WeightAverage(),
        OptMergeMethod.LORA,
        OptMergeMethod.MODALITIES,
        OptMergeMethod.FLOW_100,
        new Wudi(Init.SUM, Descent.sgd(0.05, 0.9, 300)),
        Swudi.PUBLISHED,
        Swudi.QWEN2_VL,
        Aswudi.PUBLISHED,
        Iwudi.TIKHONOV,
        new Tsv(),
        new IsoC(NonMatrixRule.MEAN),
        Knots.around(new WeightAverage()),
        new CoreSpace(new Tsv()),
        new DcMerge(DcMerge.Smoothing.LINEAR, 5, 1),
        new ActMerge());
  }

  @ParameterizedTest
  @MethodSource("staysFactored")
  void factors_merge_into_factors_as_their_products_merge(MergeMethod method) {
    for (int[] shape : List.of(new int[] {40, 31}, new int[] {23, 50})) {
      TaskVectors tau = Arrays2d.lowRank(manager, shape[0], shape[1], 4, 3, 1);

      TaskVector merged = method.mergeFactored(tau);

      assertThat(merged).isInstanceOf(TaskVector.LowRank.class);
      assertThat(((TaskVector.LowRank) merged).rank()).isLessThanOrEqualTo(12);
      assertThat(Arrays2d.error(merged.dense(), method.merge(Arrays2d.expanded(manager, tau))))
          .isLessThan(5e-6);
      assertThat(LowRankApproximation.of(merged, 12).relativeError()).isLessThan(1e-7);
    }
  }

  static Stream<MergeMethod> expands() {
    return Stream.of(
        OptMergeMethod.FULL_FINE_TUNING,
        OptMergeMethod.PAPER,
        Wudi.PUBLISHED,
        IsoCts.PUBLISHED,
        new SingularValueCalibration(new TaskArithmetic(), 0.4, 1));
  }

  @ParameterizedTest
  @MethodSource("expands")
  void methods_that_need_whole_matrices_take_factors_too(MergeMethod method) {
    TaskVectors tau = Arrays2d.lowRank(manager, 20, 33, 4, 3, 2);

    assertThat(Arrays2d.error(method.merge(tau), method.merge(Arrays2d.expanded(manager, tau))))
        .isLessThan(5e-6);
  }

  @ParameterizedTest
  @MethodSource("staysFactored")
  void adapters_and_whole_matrices_merge_together(MergeMethod method) {
    TaskVectors factors = Arrays2d.lowRank(manager, 18, 25, 3, 2, 3);
    TaskVectors dense = Arrays2d.gaussian(manager, 18, 25, 1, 4);
    TaskVectors mixed =
        new TaskVectors(
            "layer.weight",
            List.of(factors.vectors().get(0), dense.vectors().get(0), factors.vectors().get(1)));

    assertThat(Arrays2d.error(method.merge(mixed), method.merge(Arrays2d.expanded(manager, mixed))))
        .isLessThan(5e-6);
  }

  @Test
  void factors_of_full_rank_merge_too() {
    TaskVectors tau = Arrays2d.lowRank(manager, 6, 5, 8, 2, 5);

    assertThat(
            Arrays2d.error(
                OptMergeMethod.LORA.merge(tau),
                OptMergeMethod.LORA.merge(Arrays2d.expanded(manager, tau))))
        .isLessThan(1e-6);
  }
}
