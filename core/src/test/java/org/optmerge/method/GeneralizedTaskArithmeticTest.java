package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GeneralizedTaskArithmeticTest {
  private static final List<Long> SHAPE = List.of(1L, 4L);

  @Test
  void weights_take_part_in_the_election() {
    // x = 1·2, 3·(−1): the sum is −1, so − is elected, and −3 / 3 remains.
    assertThat(merge("ties", Map.of("weight", List.of(1, 3)), new float[] {2}, new float[] {-1}))
        .containsExactly(-1);
  }

  @Test
  void a_sum_of_zero_elects_plus() {
    assertThat(merge("ties", Map.of("weight", 1), new float[] {2, -2}, new float[] {-2, 2}))
        .containsExactly(2, 2);
  }

  @Test
  void a_divisor_of_zero_is_one() {
    // x = 2, (−1)·(−3) = 3: both +, their weights 1 − 1 cancel.
    assertThat(merge("ties", Map.of("weight", List.of(1, -1)), new float[] {2}, new float[] {-3}))
        .containsExactly(5);
    assertThat(
            merge(
                "task_arithmetic",
                Map.of("weight", List.of(1, -1), "normalize", true),
                new float[] {2},
                new float[] {-3}))
        .containsExactly(5);
  }

  @Test
  void exactly_k_are_kept_of_equals_the_first() {
    assertThat(merge("ties", density(0.5), new float[] {1, -1, 1, 1})).containsExactly(1, -1, 0, 0);
  }

  @Test
  void a_short_vector_keeps_an_entry() {
    // ⌊4 · 0.2⌋ = 0, which mergekit takes for a mistake.
    assertThat(merge("ties", density(0.2), new float[] {1, -3, 2, 1})).containsExactly(0, -3, 0, 0);
  }

  @Test
  void breadcrumbs_drops_outliers_then_the_smallest() {
    // n = 5, top ⌊0.2 · 5⌋ = 1, bottom 5 − ⌊0.4 · 5⌋ − 1 = 2: kept are 3 and 4.
    assertThat(
            merge(
                "breadcrumbs",
                Map.of("weight", 1, "density", 0.4, "gamma", 0.2),
                new float[] {5, 1, -4, 2, 3}))
        .containsExactly(0, 0, -4, 0, 3);
  }

  @Test
  void breadcrumbs_without_outliers_keeps_the_largest() {
    // ⌊0.01 · 5⌋ = 0 outliers: mergekit then drops everything.
    assertThat(
            merge("breadcrumbs", Map.of("weight", 1, "density", 0.4), new float[] {5, 1, -4, 2, 3}))
        .containsExactly(5, 0, -4, 0, 0);
  }

  @ParameterizedTest
  @MethodSource
  void breadcrumbs_keeps_density_times_n(double share, double density) {
    float[] tau = gaussian(128 * 64);

    float[] merged =
        merge(
            "breadcrumbs",
            Map.of("weight", 1, "density", density, "gamma", share * (1 - density)),
            tau);

    assertThat(nonzero(merged)).isEqualTo((int) (tau.length * density));
  }

  static Stream<Arguments> breadcrumbs_keeps_density_times_n() {
    return Stream.of(.1, .2, .5, 1.)
        .flatMap(
            share -> Stream.of(.1, .3, .5, .6, .9, 1.).map(density -> arguments(share, density)));
  }

  @Test
  void half_of_a_gaussian_tensor_is_kept_at_density_one_half() {
    assertThat(nonzero(merge("ties", density(0.5), gaussian(128 * 64)))).isEqualTo(4096);
  }

  @ParameterizedTest
  @MethodSource
  void rescaling_keeps_the_l1_norm(String name) {
    float[] tau = gaussian(64 * 64);

    float[] merged =
        InMemory.merge(
            method(name, Map.of("weight", 1, "density", 0.5, "rescale", true, "normalize", false)),
            List.of(64L, 64L),
            tau);

    assertThat(norm(merged)).isCloseTo(norm(tau), within(1e-3));
    assertThat(nonzero(merged) / 4096.0).isCloseTo(0.5, within(5 * 0.5 / 64));
  }

  static Stream<String> rescaling_keeps_the_l1_norm() {
    return Stream.of("ties", "dare_linear", "dare_ties", "breadcrumbs", "della", "della_linear");
  }

  @Test
  void della_keeps_larger_entries_more_often() {
    int row = 100;
    float[] tau = new float[row * 2000];
    for (int i = 0; i < tau.length; i++) {
      tau[i] = 1 + i % row;
    }
    float[] merged =
        InMemory.merge(
            method("della_linear", Map.of("weight", 1, "density", 0.5, "rescale", false)),
            List.of(2000L, (long) row),
            tau);

    // From 0.35 for the smallest of a row to 0.65 for the largest, in equal steps.
    for (int rank : new int[] {0, 50, 99}) {
      int place = rank;
      double kept =
          IntStream.range(0, 2000).filter(r -> merged[r * row + place] != 0).count() / 2000.0;
      assertThat(kept).isCloseTo(0.35 + 0.3 * rank / 99, within(5 * 0.5 / Math.sqrt(2000)));
    }
  }

  @Test
  void della_merges_rows_of_one_entry() {
    float[] ones = new float[1000];
    Arrays.fill(ones, 1f);

    float[] merged =
        InMemory.merge(
            method("della_linear", Map.of("weight", 1, "density", 0.5, "rescale", false)),
            List.of(1000L, 1L),
            ones);

    assertThat(nonzero(merged) / 1000.0).isCloseTo(0.5, within(5 * 0.5 / Math.sqrt(1000)));
  }

  @Test
  void density_one_leaves_a_task_vector_alone() {
    float[] tau = gaussian(1000);

    for (String name : List.of("ties", "dare_ties", "breadcrumbs", "della", "dare_linear")) {
      assertThat(merge(name, Map.of("weight", 1), tau)).containsExactly(tau);
    }
  }

  @Test
  void settings_out_of_range_are_refused_with_the_model_they_are_of() {
    assertThatThrownBy(() -> method("ties", Map.of("weight", 1, "density", List.of(0.5, 2.0))))
        .hasMessage("ties: density of model 2 must be in [0, 1], is 2.0");
    assertThatThrownBy(() -> method("dare_ties", Map.of("weight", 1, "density", -0.1)))
        .hasMessage("dare_ties: density must be in [0, 1], is -0.1");
    assertThatThrownBy(() -> method("della", Map.of("weight", Double.NaN)))
        .hasMessage("della: weight must be a finite number, is NaN");
    assertThatThrownBy(() -> method("breadcrumbs", Map.of("weight", 1, "gamma", 1.5)))
        .hasMessage("breadcrumbs: gamma must be in [0, 1], is 1.5");
  }

  @Test
  void settings_that_do_not_fit_are_refused_before_any_data_is_read() {
    assertThatThrownBy(() -> method("ties", Map.of()).check("w", SHAPE, 2))
        .hasMessage("ties: weight is required for every model and was not given");
    assertThatThrownBy(
            () ->
                method("ties", Map.of("weight", 1, "density", List.of(0.5, 0.3)))
                    .check("w", SHAPE, 3))
        .hasMessage("ties: density has 2 values for 3 models");
    MergeMethod before = MergekitMethods.before015(method("ties", density(0.001)));
    assertThatThrownBy(() -> before.check("w", SHAPE, 1))
        .hasMessage(
            "ties: density 0.001 of model 1 keeps none of the 4 entries of 'w'; raise it, exclude"
                + " the parameter, or merge as mergekit 0.1.5, which keeps one");
    assertThatThrownBy(() -> method("della", density(0.9)).check("w", SHAPE, 1))
        .hasMessageStartingWith("della: density 0.9 ± epsilon 0.15 of model 1 must lie within (0,");
  }

  private static Map<String, Object> density(double density) {
    return Map.of("weight", 1, "density", density);
  }

  private static MergeMethod method(String name, Map<String, ?> parameters) {
    return MethodParameters.bind(name, MergeMethods.named(name).method(), parameters);
  }

  private static float[] merge(String name, Map<String, ?> parameters, float[]... tau) {
    return InMemory.merge(method(name, parameters), tau);
  }

  private static float[] gaussian(int size) {
    SplittableRandom random = new SplittableRandom(5);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
      values[i] = (float) (radius * Math.cos(2 * Math.PI * random.nextDouble()));
    }
    return values;
  }

  private static int nonzero(float[] values) {
    return (int) IntStream.range(0, values.length).filter(i -> values[i] != 0).count();
  }

  private static double norm(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> Math.abs(values[i])).sum();
  }
}
