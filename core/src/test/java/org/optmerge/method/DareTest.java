package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.method.DropAndRescale.Strategy;

class DareTest {
  private static final StreamingMergeMethod SUM = new TaskArithmetic();

  @Test
  void what_is_kept_is_rescaled_so_that_the_mean_stays() {
    float[] ones = new float[100_000];
    Arrays.fill(ones, 1f);

    float[] merged = InMemory.merge(DropAndRescale.random(0.75, 1).then(SUM), ones);

    // Each entry is 0 or 4; the mean of 100000 has standard deviation 4 √(0.25 · 0.75 / 100000).
    for (float value : merged) {
      assertThat(value).isIn(0f, 4f);
    }
    double mean =
        IntStream.range(0, merged.length).mapToDouble(i -> merged[i]).average().orElseThrow();
    assertThat(mean).isCloseTo(1, within(5 * 4 * Math.sqrt(0.25 * 0.75 / 100_000)));
  }

  @Test
  void without_rescaling_what_is_kept_is_kept_as_it_is() {
    MergeMethod dare = new DropAndRescale(0.5, false, Strategy.RANDOM, 1).then(SUM);

    assertThat(InMemory.merge(dare, new float[] {3, 3, 3, 3, 3, 3, 3, 3})).containsOnly(0f, 3f);
  }

  @Test
  void by_magnitude_the_smallest_are_dropped() {
    MergeMethod dare = new DropAndRescale(0.5, true, Strategy.MAGNITUDE, 0).then(SUM);

    // ⌊4 · 0.5⌋ = 2, the second smallest is 2: kept is what exceeds 2, times 2.
    assertThat(InMemory.merge(dare, new float[] {1, -3, 2, 4})).containsExactly(0, -6, 0, 8);
    // ⌊1 · 0.5⌋ = 0: nothing is dropped.
    assertThat(InMemory.merge(dare, new float[] {1})).containsExactly(2);
  }

  @Test
  void each_expert_drops_entries_of_its_own() {
    float[] ones = new float[1000];
    Arrays.fill(ones, 1f);

    float[] merged =
        InMemory.merge(new DropAndRescale(0.5, false, Strategy.RANDOM, 1).then(SUM), ones, ones);

    assertThat(merged).contains(0f, 1f, 2f);
  }

  @Test
  void before_ties_over_the_whole_model_the_model_is_seen_after_dropping() {
    float[] tau = {1, -2, 3, -4, 5, -6, 7, -8};
    MergeMethod dare =
        new DropAndRescale(0.5, false, Strategy.MAGNITUDE, 0).then(Ties.of(Ties.Scope.GLOBAL, 0.8));

    // DARE keeps 5, 6, 7, 8; then k = ⌊8 · 0.8⌋ = 6 of {0,0,0,0,5,6,7,8}: from 6 on.
    assertThat(InMemory.merge(dare, tau)).containsExactly(0, 0, 0, 0, 0, -6, 7, -8);
  }

  @Test
  void parameters_of_both_are_in_one_namespace() {
    MergeMethod method = MergeMethods.named("dare-ties").method();

    assertThat(
            MethodParameters.bind(method, Map.of("drop_rate", 0.9, "mask_rate", 0.5, "seed", 12L)))
        .isEqualTo(new Dare(DropAndRescale.random(0.9, 12), Ties.of(Ties.Scope.TENSOR, 0.5)));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, 2, Double.NaN})
  void rejects_a_drop_rate_outside_its_range(double dropRate) {
    assertThatThrownBy(() -> DropAndRescale.random(dropRate, 0))
        .hasMessage("dare: drop_rate must be in [0, 1), is " + dropRate);
  }
}
