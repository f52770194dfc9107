package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class PerModelTest {
  @Test
  void one_value_serves_every_model() {
    PerModel weight = PerModel.each(0.5);

    assertThat(weight.values(3)).containsExactly(0.5, 0.5, 0.5);
    assertThat(weight.count()).isEmpty();
    assertThat(weight).hasToString("0.5");
  }

  @Test
  void each_model_has_its_own_value() {
    PerModel weight = PerModel.of(0.5, 0.3);

    assertThat(weight.get(1)).isEqualTo(0.3);
    assertThat(weight.count()).contains(2);
    assertThat(weight).hasToString("[0.5, 0.3]");
    assertThatThrownBy(() -> weight.get(2)).hasMessage("no value for model 3, there are 2");
  }

  @Test
  void equal_values_are_equal() {
    assertThat(PerModel.of(0.5, 0.3))
        .isEqualTo(PerModel.of(List.of(0.5, 0.3)))
        .hasSameHashCodeAs(PerModel.of(0.5, 0.3));
    assertThat(PerModel.of(0.5)).isNotEqualTo(PerModel.each(0.5));
  }

  @Test
  void no_value_at_all_is_refused() {
    assertThatThrownBy(() -> PerModel.of(List.of()))
        .hasMessage("a per-model parameter needs at least one value");
  }
}
