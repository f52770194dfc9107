package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import org.junit.jupiter.api.Test;

class ConfidenceTest {
  private static final Bootstrap FEW = new Bootstrap(200, 0.95, 0);

  @Test
  void three_right_answers_are_not_certain() {
    Interval interval = Confidence.mean(new double[] {1, 1, 1}, FEW);

    assertThat(interval.mean()).isOne();
    assertThat(interval.lower()).isCloseTo(0.4385, offset(1e-4));
    assertThat(interval.upper()).isOne();
    assertThat(Confidence.wilson(0, 10, 0.95).upper()).isCloseTo(0.2775, offset(1e-4));
    assertThat(Confidence.wilson(5, 10, 0.90).lower()).isCloseTo(0.2693, offset(1e-4));
  }

  @Test
  void graded_scores_are_resampled() {
    double[] graded = {0.3, 0.6, 1, 0};

    assertThat(Confidence.mean(graded, FEW)).isEqualTo(FEW.mean(graded));
  }

  @Test
  void differing_examples_decide_exactly() {
    assertThat(Confidence.mcNemar(5, 0)).isCloseTo(0.0625, offset(1e-12));
    assertThat(Confidence.mcNemar(10, 2)).isCloseTo(0.038574, offset(1e-6));
    assertThat(Confidence.mcNemar(3, 3)).isOne();
    assertThat(Confidence.mcNemar(0, 0)).isOne();
  }

  @Test
  void a_difference_turns_its_sign_with_its_systems() {
    double[] one = {1, 1, 1, 1, 1, 1, 0, 0};
    double[] other = {1, 1, 0, 0, 0, 0, 0, 1};
    Difference there = Confidence.difference(one, other, FEW);
    Difference back = Confidence.difference(other, one, FEW);

    assertThat(there.interval().mean()).isEqualTo(0.375);
    assertThat(there.interval().lower()).isCloseTo(-back.interval().upper(), offset(1e-12));
    assertThat(there.pValue()).isEqualTo(back.pValue()).isCloseTo(0.375, offset(1e-12));
    assertThat(there.significant()).isFalse();
  }

  @Test
  void several_comparisons_are_corrected() {
    assertThat(Confidence.holm(new double[] {0.01, 0.04, 0.03}))
        .containsExactly(new double[] {0.03, 0.06, 0.06}, offset(1e-12));
  }
}
