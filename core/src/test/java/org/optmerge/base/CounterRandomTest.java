package org.optmerge.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bounds are 5 standard deviations, so a good generator fails one in two million. */
class CounterRandomTest {
  private static final int SIZE = 100_000;
  private static final CounterRandom RANDOM = new CounterRandom(42, 1, "model.layers.0.weight");

  @Test
  void numbers_are_a_function_of_seed_expert_parameter_and_entry() {
    assertThat(new CounterRandom(42, 1, "model.layers.0.weight").bits(7)).isEqualTo(RANDOM.bits(7));
    assertThat(RANDOM.bits(8)).isNotEqualTo(RANDOM.bits(7));
    assertThat(new CounterRandom(43, 1, "model.layers.0.weight").bits(7))
        .isNotEqualTo(RANDOM.bits(7));
    assertThat(new CounterRandom(42, 2, "model.layers.0.weight").bits(7))
        .isNotEqualTo(RANDOM.bits(7));
    assertThat(new CounterRandom(42, 1, "model.layers.1.weight").bits(7))
        .isNotEqualTo(RANDOM.bits(7));
  }

  @Test
  void numbers_stay_the_same_from_version_to_version() {
    // Computed apart in Python: a recipe with a seed must give the same bytes with the next
    // release.
    CounterRandom zero = new CounterRandom(0, 0, "w");

    assertThat(zero.bits(0)).isEqualTo(-3992142935615286023L);
    assertThat(zero.bits(1)).isEqualTo(1415010557277609692L);
  }

  @Test
  void numbers_are_uniform() {
    int[] cells = new int[100];
    for (int i = 0; i < SIZE; i++) {
      cells[(int) (RANDOM.uniform(i) * cells.length)]++;
    }
    double expected = (double) SIZE / cells.length;
    double chiSquared = 0;
    for (int cell : cells) {
      chiSquared += (cell - expected) * (cell - expected) / expected;
    }

    // 99 degrees of freedom: mean 99, standard deviation √198 = 14.1.
    assertThat(chiSquared).isBetween(99 - 5 * 14.1, 99 + 5 * 14.1);
  }

  @Test
  void every_bit_is_set_half_of_the_time() {
    int[] ones = new int[64];
    for (int i = 0; i < SIZE; i++) {
      long bits = RANDOM.bits(i);
      for (int bit = 0; bit < 64; bit++) {
        ones[bit] += (int) (bits >>> bit & 1);
      }
    }

    // Standard deviation √(100000 / 4) = 158.
    for (int count : ones) {
      assertThat(count).isBetween(50_000 - 5 * 158, 50_000 + 5 * 158);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 896, 1 << 14})
  void entries_some_distance_apart_are_uncorrelated(int distance) {
    double sum = 0;
    for (int i = 0; i < SIZE; i++) {
      sum += (RANDOM.uniform(i) - 0.5) * (RANDOM.uniform(i + distance) - 0.5);
    }

    // A product of two has mean 0 and standard deviation 1/12.
    assertThat(sum / SIZE).isCloseTo(0, within(5 / 12.0 / Math.sqrt(SIZE)));
  }

  @Test
  void neighbouring_seeds_experts_and_parameters_are_uncorrelated() {
    CounterRandom[] others = {
      new CounterRandom(43, 1, "model.layers.0.weight"),
      new CounterRandom(42, 2, "model.layers.0.weight"),
      new CounterRandom(42, 1, "model.layers.1.weight")
    };
    for (CounterRandom other : others) {
      double sum = 0;
      for (int i = 0; i < SIZE; i++) {
        sum += (RANDOM.uniform(i) - 0.5) * (other.uniform(i) - 0.5);
      }

      assertThat(sum / SIZE).isCloseTo(0, within(5 / 12.0 / Math.sqrt(SIZE)));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, 0.5, 0.9, 1})
  void entries_are_kept_with_their_probability(double probability) {
    long limit = CounterRandom.limit(probability);
    float[] ones = new float[SIZE];
    Arrays.fill(ones, 1);
    float[] target = new float[SIZE];
    long[] bits = new long[SIZE];
    RANDOM.keep(0, limit, ones, 2, target, SIZE);
    RANDOM.uniformBits(0, bits, SIZE);
    int kept = 0;
    for (int i = 0; i < SIZE; i++) {
      boolean expected = RANDOM.uniform(i) < probability;
      assertThat(target[i]).isEqualTo(expected ? 2 : 0);
      assertThat(bits[i] < limit).isEqualTo(expected);
      kept += expected ? 1 : 0;
    }

    double deviation = Math.sqrt(probability * (1 - probability) / SIZE);
    assertThat((double) kept / SIZE).isCloseTo(probability, within(5 * deviation + 1e-12));
  }

  @Test
  void whole_numbers_are_below_their_bound_and_equally_likely() {
    int[] counts = new int[6];
    for (int i = 0; i < 60_000; i++) {
      counts[RANDOM.integer(i, 6)]++;
    }
    for (int count : counts) {
      assertThat(count).isBetween(9_600, 10_400);
    }
  }

  @Test
  void normal_numbers_have_mean_zero_variance_one_and_the_fourth_moment_three() {
    double[] moments = new double[5];
    int n = 200_000;
    for (int i = 0; i < n; i++) {
      double x = RANDOM.gaussian(i);
      for (int k = 1; k <= 4; k++) {
        moments[k] += Math.pow(x, k) / n;
      }
    }
    assertThat(moments[1]).isCloseTo(0, within(0.01));
    assertThat(moments[2]).isCloseTo(1, within(0.02));
    assertThat(moments[3]).isCloseTo(0, within(0.04));
    assertThat(moments[4]).isCloseTo(3, within(0.1));
  }
}
