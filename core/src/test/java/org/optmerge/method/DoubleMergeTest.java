package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.taskvector.TaskVectors;

/** The second body of a method gives what the first gives, in more digits. */
class DoubleMergeTest {
  private static List<MergeMethod> methods() {
    return List.of(
        new Sce(1, false),
        new Sce(0.4, false),
        new Sce(0, false),
        new RamPlus(0.2, 0.1, 0.2),
        new RamPlus(0.15, 0.7, 5),
        new RamPlus(0, 0.1, 0.2),
        new ArceeFusion());
  }

  @ParameterizedTest
  @MethodSource("methods")
  void both_bodies_agree_to_the_digits_of_the_first(MergeMethod method) {
    try (NDManager manager = NDManager.newBaseManager()) {
      int count = method instanceof ArceeFusion ? 2 : 3;
      TaskVectors tau =
          Arrays2d.tau(
              Arrays2d.gaussian(manager, 6, 5, count, 9).vectors().stream()
                  .map(vector -> vector.dense().toType(DataType.FLOAT32, true))
                  .toList());
      double[][] wide = new double[count][];
      for (int t = 0; t < count; t++) {
        wide[t] = doubles(tau.vectors().get(t).dense().toFloatArray());
      }
      assertThat(DoubleMerge.has(method)).isTrue();

      double[] merged = DoubleMerge.merge(method, wide, List.of(6L, 5L), "w");

      double[] narrow = doubles(method.merge(tau).toFloatArray());
      assertThat(merged).containsExactly(narrow, within(1e-5));
    }
  }

  private static double[] doubles(float[] values) {
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    return wide;
  }
}
