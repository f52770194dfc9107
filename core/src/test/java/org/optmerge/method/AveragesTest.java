package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AveragesTest {
  private static final float[] A = {3, -1, 2};
  private static final float[] B = {1, -4, -3};
  private static final float[] C = {5, 2, 4};

  @Test
  void weight_average_is_the_mean() {
    assertThat(InMemory.merge(new WeightAverage(), A, B, C)).containsExactly(3, -1, 1);
  }

  @Test
  void task_arithmetic_is_the_sum() {
    assertThat(InMemory.merge(new TaskArithmetic(), A, B, C)).containsExactly(9, -3, 3);
  }

  @Test
  void linear_weights_and_divides_by_the_sum_of_the_weights() {
    // (1·3 + 3·1) / 4, (−1 − 12) / 4, (2 − 9) / 4
    assertThat(InMemory.merge(new Linear(PerModel.of(1, 3), true), A, B))
        .containsExactly(1.5f, -3.25f, -1.75f);
  }

  @Test
  void linear_without_normalization_only_weights() {
    assertThat(InMemory.merge(new Linear(PerModel.of(1, 3), false), A, B))
        .containsExactly(6, -13, -7);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void linear_refuses_a_weight_that_is_not_finite(double weight) {
    assertThatThrownBy(() -> new Linear(PerModel.of(1, weight), true))
        .hasMessage("linear: weight of model 2 must be a finite number, is " + weight);
  }

  @Test
  void linear_refuses_weights_that_cancel_or_do_not_fit_before_any_data_is_read() {
    List<Long> shape = List.of(3L);

    assertThatThrownBy(() -> new Linear(PerModel.of(1, -1), true).check("w", shape, 2))
        .hasMessage(
            "linear: the weights [1.0, -1.0] of 'w' sum to 0 and cannot be normalized; change one,"
                + " or set normalize: false");
    assertThatThrownBy(() -> new Linear(PerModel.of(1, 1), true).check("w", shape, 3))
        .hasMessage("linear: weight has 2 values for 3 models");
    assertThatThrownBy(() -> new Linear(null, true).check("w", shape, 3))
        .hasMessage("linear: weight is required for every model and was not given");
  }
}
