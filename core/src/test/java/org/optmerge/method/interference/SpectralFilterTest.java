package org.optmerge.method.interference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpectralFilterTest {
  @Test
  void two_steps_with_momentum_as_worked_out_by_hand() {
    // η = 0.1, μ = 0.5, λ = 2, minimum at 1, start at 0; the gradient is 2λ(τ − 1):
    // g = −4, buffer −4, τ = 0.4; g = −2.4, buffer −2 − 2.4 = −4.4, τ = 0.84 = f = λψ
    SpectralFilter filter = new SpectralFilter.MomentumDescent(0.1, 0.5, 2);

    assertThat(filter.share(new double[] {2})).containsExactly(new double[] {0.84}, within(1e-15));
  }

  @ParameterizedTest
  @CsvSource({
    "1e-4, 1e-5, 5.82e-6", "1e-4, 0.01, 0.0058", "1e-4, 0.1, 0.05664", "1e-4, 1, 0.44729",
    "1e-4, 5, 0.96067", "5e-2, 1e-5, 0.0029", "5e-2, 1e-3, 0.2545", "5e-2, 0.01, 0.9607",
    "5e-2, 1, 1"
  })
  void the_published_settings_move_as_far_as_published(
      double learningRate, double eigenvalue, double share) {
    SpectralFilter filter = new SpectralFilter.MomentumDescent(learningRate, 0.9, 300);

    assertThat(filter.share(new double[] {eigenvalue})[0])
        .isEqualTo(share, within(share < 1e-4 ? 5e-9 : 5e-5));
  }

  @Test
  void effective_times_are_0_58_and_291() {
    // (2η/(1 − μ)) · (K − μ(1 − μ^K)/(1 − μ)) = 0.002 · (300 − 9) for η = 1e-4
    assertThat(OptMergeMethod.LORA.descent().effectiveTime().orElseThrow())
        .isEqualTo(0.582, within(1e-12));
    assertThat(OptMergeMethod.MODALITIES.descent().effectiveTime().orElseThrow())
        .isEqualTo(291, within(1e-9));
    assertThat(OptMergeMethod.FULL_FINE_TUNING.descent().effectiveTime()).isEmpty();
  }

  @Test
  void the_other_filters_as_worked_out_by_hand() {
    double[] spectrum = {2, 0.5, 0};

    // (1 − e^{−6})/2, (1 − e^{−1.5})/0.5, 3
    assertThat(new SpectralFilter.GradientFlow(3).psi(spectrum))
        .containsExactly(
            new double[] {(1 - Math.exp(-6)) / 2, (1 - Math.exp(-1.5)) / 0.5, 3}, within(1e-14));
    // η = 0.5/2: (1 − 0.5²)/2, (1 − 0.875²)/0.5, 2 · 0.25
    assertThat(new SpectralFilter.Landweber(0.5, 2).psi(spectrum))
        .containsExactly(new double[] {0.375, 0.46875, 0.5}, within(1e-14));
    assertThat(new SpectralFilter.Tikhonov(0.5).psi(spectrum))
        .containsExactly(new double[] {0.4, 1, 2}, within(1e-15));
    assertThat(new SpectralFilter.Minimiser(1e-12).psi(spectrum)).containsExactly(0.5, 2, 0);
    assertThat(new SpectralFilter.Landweber(0.5, 2).psi(new double[2])).containsOnly(0);
    // η = 1.5/2: 1 − 1.5 < 0, so that the first arrives; (1 − 0.625²)/0.5, 2 · 0.75
    assertThat(new SpectralFilter.Landweber(1.5, 2).psi(spectrum))
        .containsExactly(new double[] {0.5, 1.21875, 1.5}, within(1e-14));
    assertThat(new SpectralFilter.Landweber(1, 0).psi(spectrum)).containsOnly(0);
  }

  @Test
  void settings_out_of_range_are_errors() {
    assertThatThrownBy(() -> new SpectralFilter.Landweber(2, 3))
        .hasMessage("Landweber: stepShare must be in (0, 2), is 2.0");
    assertThatThrownBy(() -> new SpectralFilter.Tikhonov(0))
        .hasMessage("Tikhonov: alpha must be positive, is 0.0");
    assertThatThrownBy(() -> new SpectralFilter.GradientFlow(Double.NaN))
        .hasMessage("GradientFlow: time must be at least 0, is NaN");
    assertThatThrownBy(() -> Descent.sgd(0.1, 1, 3))
        .hasMessage("descent: momentum must be in [0, 1), is 1.0");
    assertThatThrownBy(() -> Descent.adam(-1, 3))
        .hasMessage("descent: learning_rate must be at least 0, is -1.0");
    assertThatThrownBy(() -> Descent.adam(1, -3))
        .hasMessage("descent: steps must be at least 0, is -3");
    assertThatThrownBy(() -> Descent.flow(-1))
        .hasMessage("descent: time must be at least 0, is -1.0");
  }
}
