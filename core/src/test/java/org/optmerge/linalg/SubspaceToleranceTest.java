package org.optmerge.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SubspaceToleranceTest {
  private final SubspaceTolerance tolerance = new SubspaceTolerance(1, 1e-6);

  @Test
  void a_wide_gap_is_enough_and_a_narrow_one_is_not() {
    // angle 16 · 2⁻²⁴ · 4/gap, weight (1/6)^1.5 = 0.068, √2: 3.7e-7/gap
    assertThat(tolerance.isMetInFloat32(new double[] {4, 1, 0.5, 0.5}, 2)).isTrue();
    assertThat(tolerance.isMetInFloat32(new double[] {4, 1, 0.9, 0.1}, 2)).isFalse();
    assertThat(tolerance.isMetInFloat32(new double[] {4, 1, 1, 0}, 2)).isFalse();
  }

  @Test
  void directions_that_weigh_nothing_may_be_uncertain() {
    // rank 1 kept as 2: λ₂ = λ₃ = 0, and negative by rounding
    assertThat(tolerance.isMetInFloat32(new double[] {4, 1e-9, -1e-9}, 2)).isTrue();
    assertThat(tolerance.isMetInFloat32(new double[] {0, 0, 0}, 2)).isTrue();
    assertThat(tolerance.isMetInFloat32(new double[] {4, 1, 1}, 3)).isTrue();
    assertThat(tolerance.isMetInFloat32(new double[] {4, 4, 1}, 0)).isTrue();
  }
}
