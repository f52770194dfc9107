package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.method.interference.Descent;
import org.optmerge.method.interference.Init;
import org.optmerge.method.interference.OptMergeMethod;
import org.optmerge.method.interference.Swudi;
import org.optmerge.method.interference.Wudi;
import org.optmerge.taskvector.TaskVectors;

/** Large float32 matrices take another path, in float32 and without an eigendecomposition. */
class Float32DescentTest {
  /** Of the recorded cases against the published iteration. */
  private static final double PUBLISHED_TOLERANCE = 2e-6;

  /** What a cut through the spectrum may add. */
  private static final double CUT_TOLERANCE = 1e-5;

  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  /**
   * @param peak singular values of a part of rank 20 on top of noise, falling as 1/i; with a large
   *     one float32 does not determine the rest's leading subspace
   */
  @Tag("slow")
  @ParameterizedTest
  @CsvSource({"520,540,0", "540,520,0", "700,515,0", "515,700,1", "700,515,1", "520,520,30"})
  void short_descents_in_float32_equal_those_in_float64(int rows, int columns, double peak) {
    TaskVectors wide = experts(rows, columns, peak);
    TaskVectors narrow = Arrays2d.map(wide, x -> x.toType(DataType.FLOAT32, true));
    // What was rounded is what both are given.
    TaskVectors widened = Arrays2d.map(narrow, x -> x.toType(DataType.FLOAT64, true));
    for (MergeMethod method :
        List.of(
            OptMergeMethod.LORA,
            new OptMergeMethod(
                Init.SUM,
                OptMergeMethod.LORA.rankShare(),
                true,
                OptMergeMethod.Projector.TRUNCATED,
                flow(1)),
            new Wudi(Init.SUM, flow(1)))) {
      NDArray merged = method.merge(narrow);

      assertThat(merged.getDataType()).isEqualTo(DataType.FLOAT32);
      assertThat(Arrays2d.error(merged, method.merge(widened)))
          .as(method.toString())
          .isLessThan(PUBLISHED_TOLERANCE / 4);
    }
  }

  /** Cuts through a flat spectrum: what float32 leaks across them is refined or refused. */
  @Tag("slow")
  @ParameterizedTest
  @CsvSource({"530,530,0", "1100,520,0", "520,1100,0", "530,530,1", "1100,520,30"})
  void cut_spectra_in_float32_equal_those_in_float64(int rows, int columns, double peak) {
    TaskVectors narrow =
        Arrays2d.map(experts(rows, columns, peak), x -> x.toType(DataType.FLOAT32, true));
    TaskVectors widened = Arrays2d.map(narrow, x -> x.toType(DataType.FLOAT64, true));
    for (MergeMethod method :
        List.of(
            new Tsv(), new IsoC(NonMatrixRule.MEAN), Swudi.PUBLISHED, OptMergeMethod.MODALITIES)) {
      assertThat(Arrays2d.error(method.merge(narrow), method.merge(widened)))
          .as(method.toString())
          .isLessThan(CUT_TOLERANCE);
    }
  }

  @Test
  void flat_spectra_are_cut_in_float32() {
    TaskVectors tau = Arrays2d.map(experts(1100, 520, 0), x -> x.toType(DataType.FLOAT32, true));

    assertThat(new Tsv().merge(tau).getDataType()).isEqualTo(DataType.FLOAT32);
    assertThat(new IsoC(NonMatrixRule.MEAN).merge(tau).getDataType()).isEqualTo(DataType.FLOAT32);
    assertThat(Swudi.PUBLISHED.merge(tau).getDataType()).isEqualTo(DataType.FLOAT32);
  }

  @Test
  void descents_that_go_far_stay_float64() {
    TaskVectors flat = Arrays2d.map(experts(515, 520, 0), x -> x.toType(DataType.FLOAT32, true));
    TaskVectors peaked = Arrays2d.map(experts(515, 520, 30), x -> x.toType(DataType.FLOAT32, true));

    assertThat(wudi(flat, 1000)).isEqualTo(DataType.FLOAT64);
    assertThat(wudi(peaked, 100)).isEqualTo(DataType.FLOAT64);
    assertThat(wudi(flat, 100)).isEqualTo(DataType.FLOAT32);
  }

  @Test
  void repeated_experts_are_merged_in_float64() {
    TaskVectors one = Arrays2d.map(experts(1100, 520, 0), x -> x.toType(DataType.FLOAT32, true));
    NDArray first = one.vectors().get(0).dense();
    TaskVectors tau = Arrays2d.tau(List.of(first, first.duplicate()));

    assertThat(new Tsv().merge(tau).getDataType()).isEqualTo(DataType.FLOAT64);
  }

  private static DataType wudi(TaskVectors tau, double time) {
    return new Wudi(Init.SUM, flow(time)).merge(tau).getDataType();
  }

  private static Descent flow(double time) {
    return Descent.flow(time);
  }

  private TaskVectors experts(int rows, int columns, double peak) {
    Random random = new Random(7);
    List<NDArray> experts = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      NDArray x = Arrays2d.gaussian(manager, rows, columns, random).mul(1e-3);
      double[] values = new double[20];
      for (int i = 0; i < values.length; i++) {
        values[i] = 1e-3 * peak / (1 + i);
      }
      NDArray left =
          LinearAlgebra.scaleColumns(Arrays2d.gaussian(manager, rows, 20, random), values);
      x.addi(left.matMul(Arrays2d.gaussian(manager, 20, columns, random)));
      experts.add(x);
    }
    return Arrays2d.tau(experts);
  }
}
