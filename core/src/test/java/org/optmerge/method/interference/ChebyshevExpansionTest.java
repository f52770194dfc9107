package org.optmerge.method.interference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChebyshevExpansionTest {
  @Test
  void a_parabola_as_worked_out_by_hand() {
    // x = 2(1 + s)/2 = 1 + s, x² = 1 + 2s + s², s² = (T₀ + T₂)/2: coefficients 3/2, 2, 1/2
    ChebyshevExpansion expansion = ChebyshevExpansion.of(x -> x * x, 2, 1e-12).orElseThrow();

    assertThat(expansion.coefficients()).containsExactly(new double[] {1.5, 2, 0.5}, within(1e-14));
    assertThat(expansion.degree()).isEqualTo(2);
    assertThat(expansion.at(0.3)).isEqualTo(0.09, within(1e-14));
  }

  @ParameterizedTest
  @CsvSource({
    "1e-4, 0.02, 1e-8, 2",
    "1e-4, 5, 1e-8, 9",
    "5e-2, 0.02, 1e-6, 15",
    "5e-2, 1, 1e-6, 120"
  })
  void steps_of_descent_take_few_terms_and_stay_within_the_tolerance(
      double learningRate, double end, double tolerance, int most) {
    SpectralFilter filter = new SpectralFilter.MomentumDescent(learningRate, 0.9, 300);

    ChebyshevExpansion expansion =
        ChebyshevExpansion.of(x -> filter.psi(new double[] {x})[0], end, tolerance).orElseThrow();

    assertThat(expansion.degree()).isBetween(1, most);
    for (int i = 0; i <= 1000; i++) {
      double lambda = end * i / 1000;
      assertThat(expansion.at(lambda))
          .isEqualTo(filter.psi(new double[] {lambda})[0], within(tolerance * 1.001 + 1e-12));
    }
  }

  @Test
  void a_kink_has_no_short_expansion() {
    assertThat(ChebyshevExpansion.of(x -> Math.abs(x - 0.3), 1, 1e-8)).isEmpty();
  }
}
