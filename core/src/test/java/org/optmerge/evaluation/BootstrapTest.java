package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.optmerge.base.CounterRandom;

class BootstrapTest {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(4_000, 0.95, 7);

  @Test
  void equal_scores_have_an_interval_of_no_width() {
    assertThat(BOOTSTRAP.mean(new double[] {0.5, 0.5, 0.5}))
        .isEqualTo(new Interval(0.5, 0.5, 0.5, 0.95));
  }

  @Test
  void two_examples_give_the_three_means_that_they_can() {
    // 00, 01, 10, 11: the means 0, 0.5, 1 with chances 1/4, 1/2, 1/4
    Interval interval = BOOTSTRAP.mean(new double[] {0, 1});

    assertThat(interval).isEqualTo(new Interval(0.5, 0, 1, 0.95));
    assertThat(new Bootstrap(4_000, 0.4, 7).mean(new double[] {0, 1}))
        .isEqualTo(new Interval(0.5, 0.5, 0.5, 0.4));
  }

  @Test
  void the_interval_is_that_of_the_normal_distribution_for_many_examples() {
    double[] scores = new double[1_000];
    Arrays.fill(scores, 0, 300, 1);

    Interval interval = BOOTSTRAP.mean(scores);

    double halfWidth = 1.96 * Math.sqrt(0.3 * 0.7 / 1_000);
    assertThat(interval.lower()).isCloseTo(0.3 - halfWidth, within(0.003));
    assertThat(interval.upper()).isCloseTo(0.3 + halfWidth, within(0.003));
  }

  @Test
  void covers_the_true_mean_about_as_often_as_it_says() {
    CounterRandom random = CounterRandom.of(1, "samples");
    Bootstrap bootstrap = new Bootstrap(400, 0.9, 3);
    int covered = 0;
    int samples = 300;
    for (int s = 0; s < samples; s++) {
      double[] scores = new double[100];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = random.uniform(s * 100L + i) < 0.6 ? 1 : 0;
      }
      Interval interval = bootstrap.mean(scores);
      covered += interval.lower() <= 0.6 && 0.6 <= interval.upper() ? 1 : 0;
    }
    assertThat(covered / (double) samples).isBetween(0.83, 0.96);
  }

  @Test
  void tasks_weigh_the_same_whatever_their_size() {
    Interval interval = BOOTSTRAP.mean(List.of(new double[] {1, 1, 1, 1}, new double[] {0}));

    assertThat(interval).isEqualTo(new Interval(0.5, 0.5, 0.5, 0.95));
  }

  @Test
  void the_same_seed_gives_the_same_interval_and_another_seed_another() {
    double[] scores = {0, 0.25, 0.3, 0.9, 1, 0.1, 0.77};

    assertThat(BOOTSTRAP.mean(scores)).isEqualTo(BOOTSTRAP.mean(scores));
    assertThat(BOOTSTRAP.mean(scores)).isNotEqualTo(new Bootstrap(4_000, 0.95, 8).mean(scores));
  }

  @Test
  void a_paired_comparison_sees_what_two_intervals_hide() {
    double[] first = new double[200];
    double[] second = new double[200];
    for (int i = 0; i < 200; i++) {
      first[i] = i % 2;
      second[i] = i < 20 ? 0 : i % 2;
    }
    Difference difference = BOOTSTRAP.difference(first, second);

    // The intervals of the means overlap: half a width is 0.07, the difference 0.05.
    assertThat(BOOTSTRAP.mean(second).upper()).isGreaterThan(BOOTSTRAP.mean(first).lower());
    assertThat(difference.interval().mean()).isCloseTo(0.05, within(1e-12));
    assertThat(difference.significant()).isTrue();
    assertThat(difference.pValue()).isLessThan(0.01);
    assertThat(difference.wins()).isEqualTo(10);
    assertThat(difference.losses()).isZero();
    assertThat(difference.ties()).isEqualTo(190);
  }

  @Test
  void equal_systems_do_not_differ() {
    double[] scores = {0, 1, 1, 0};

    Difference difference = BOOTSTRAP.difference(scores, scores);

    assertThat(difference.significant()).isFalse();
    assertThat(difference.pValue()).isEqualTo(1);
  }

  @Test
  void exchanging_the_systems_changes_the_sign() {
    double[] first = {1, 1, 0, 1, 0.5, 0, 1};
    double[] second = {0, 1, 0, 0.2, 0.5, 1, 0};

    Interval forth = BOOTSTRAP.difference(first, second).interval();
    Interval back = BOOTSTRAP.difference(second, first).interval();

    assertThat(forth.mean()).isEqualTo(-back.mean());
    assertThat(forth.lower()).isCloseTo(-back.upper(), within(1e-12));
    assertThat(forth.upper()).isCloseTo(-back.lower(), within(1e-12));
  }

  @Test
  void refuses_what_has_no_mean() {
    assertThatThrownBy(() -> BOOTSTRAP.mean(new double[0]))
        .hasMessage("Bootstrap: a task without scores has no mean");
    assertThatThrownBy(() -> BOOTSTRAP.mean(List.of())).hasMessage("Bootstrap: no scores");
    assertThatThrownBy(() -> BOOTSTRAP.mean(new double[] {0, Double.NaN}))
        .hasMessage("Bootstrap: a score is NaN");
    assertThatThrownBy(() -> BOOTSTRAP.difference(new double[2], new double[3]))
        .hasMessage("Bootstrap: task 0 has 2 scores of one system, 3 of the other");
    assertThatThrownBy(() -> new Bootstrap(0, 0.95, 0))
        .hasMessage("Bootstrap: resamples must be positive, is 0");
    assertThatThrownBy(() -> new Bootstrap(10, 1, 0))
        .hasMessage("Bootstrap: level must be in (0, 1), is 1.0");
  }
}
