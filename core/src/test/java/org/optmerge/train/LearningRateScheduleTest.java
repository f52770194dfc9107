package org.optmerge.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LearningRateScheduleTest {
  @Test
  void the_rate_rises_in_equal_steps_and_falls_along_half_a_cosine() {
    LearningRateSchedule schedule = new LearningRateSchedule(0.8, 4, 9, 0.25);
    // 1/4 … 4/4 of the peak; then cos(0), cos(π/4), cos(π/2), cos(3π/4), cos(π) between 1 and 1/4.
    double[] expected = {0.2, 0.4, 0.6, 0.8, 0.8, 0, 0.8 * 0.625, 0, 0.2};
    expected[5] = 0.8 * (0.25 + 0.75 * 0.5 * (1 + Math.sqrt(0.5)));
    expected[7] = 0.8 * (0.25 + 0.75 * 0.5 * (1 - Math.sqrt(0.5)));
    for (int step = 0; step < expected.length; step++) {
      assertThat(schedule.rate(step)).isCloseTo(expected[step], within(1e-15));
    }
  }

  @Test
  void a_step_outside_has_no_rate() {
    assertThatThrownBy(() -> new LearningRateSchedule(1, 0, 3, 0).rate(3))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("step 3 of 3");
  }

  @Test
  void components_are_checked() {
    assertThatThrownBy(() -> new LearningRateSchedule(0, 0, 3, 0))
        .hasMessageContaining("is positive, not 0.0");
    assertThatThrownBy(() -> new LearningRateSchedule(1, 3, 3, 0))
        .hasMessage("a warm-up of 3 steps does not fit into 3 steps");
    assertThatThrownBy(() -> new LearningRateSchedule(1, 0, 3, 1.5))
        .hasMessageContaining("in [0, 1], not 1.5");
  }
}
