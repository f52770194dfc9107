package org.optmerge.merge.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.merge.recipe.ParameterSetting.Choice;
import org.optmerge.merge.recipe.ParameterSetting.Gradient;

class ParameterSettingTest {
  private static final Position AT = new Position(1, 1);

  @ParameterizedTest
  @CsvSource({"0, 1", "0.25, 1.5", "0.5, 2", "0.75, 3", "1, 4"})
  void a_gradient_is_interpolated_between_its_values(double layerFraction, double expected) {
    // Three values span two intervals: 0.25 is the middle of the first, 0.75 of the second.
    assertThat(new Gradient(List.of(1.0, 2.0, 4.0)).at(layerFraction)).isEqualTo(expected);
  }

  @Test
  void a_single_number_is_the_same_everywhere() {
    assertThat(new Gradient(List.of(0.3)).at(0.7)).isEqualTo(0.3);
  }

  @Test
  void the_first_filter_that_is_part_of_the_name_decides() {
    ParameterSetting setting =
        new ParameterSetting(
            "weight",
            List.of(
                new Choice("self_attn", new Gradient(List.of(1.0)), AT),
                new Choice("layers.1", new Gradient(List.of(2.0)), AT)),
            AT);

    assertThat(setting.resolve("layers.1.self_attn.q", 0)).get().extracting("value").isEqualTo(1.0);
    assertThat(setting.resolve("layers.12.mlp", 0)).get().extracting("value").isEqualTo(2.0);
    assertThat(setting.resolve("layers.2.mlp", 0)).isEmpty();
  }

  @Test
  void refuses_a_gradient_without_finite_values() {
    assertThatThrownBy(() -> new Gradient(List.of()))
        .hasMessage("Gradient: needs one or more finite numbers, has []");
    assertThatThrownBy(() -> new Gradient(List.of(1.0, Double.NaN)))
        .hasMessage("Gradient: needs one or more finite numbers, has [1.0, NaN]");
  }
}
