package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.method.MagnitudeSelection.Largest;
import org.optmerge.method.MagnitudeSelection.Rank;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVectorStream;

class MagnitudeSelectionTest {
  @ParameterizedTest
  @ValueSource(ints = {0, 16, 23})
  void finds_what_sorting_finds(int zeroedBits) {
    float[] values = random(5000, zeroedBits);
    float[] sorted = values.clone();
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = Math.abs(sorted[i]);
    }
    Arrays.sort(sorted);

    for (int k : new int[] {1, 2, 777, 2500, 4999, 5000}) {
      Rank rank = ranks(stream(values, 64), new long[][] {{k}})[0][0];

      assertThat(rank.magnitude()).isEqualTo(sorted[k - 1]);
      assertThat(rank.below())
          .isEqualTo(count(values, value -> Math.abs(value) < rank.magnitude()));
      assertThat(rank.equal())
          .isEqualTo(count(values, value -> Math.abs(value) == rank.magnitude()));
    }
  }

  @ParameterizedTest
  @CsvSource({"0,5000", "0,3", "12,5000", "12,0", "14,5000", "16,5000", "23,0"})
  void keeps_exactly_k_and_of_equals_the_first(int zeroedBits, long mostCollected) {
    float[] values = random(5000, zeroedBits);
    List<Integer> order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted((a, b) -> Float.compare(Math.abs(values[b]), Math.abs(values[a])))
            .toList();

    for (int k : new int[] {0, 1, 2, 777, 2500, 4999, 5000}) {
      Largest largest =
          MagnitudeSelection.largest(
              stream(values, 100),
              MagnitudeSelection.Source::taskVectors,
              new long[][] {{k}},
              mostCollected)[0][0];
      List<Integer> kept =
          IntStream.range(0, values.length)
              .filter(
                  i ->
                      Math.abs(values[i]) > largest.magnitude()
                          || (Math.abs(values[i]) == largest.magnitude() && i <= largest.last()))
              .boxed()
              .toList();

      // The sort is stable, so equals are in the order of their indices.
      assertThat(kept).isEqualTo(order.subList(0, k).stream().sorted().toList());
    }
  }

  @Test
  void two_ranks_of_one_bin_and_bins_of_several_rows_are_cut_together() {
    float[][] rows = {random(5000, 8), random(5000, 14)};
    for (int i = 0; i < 5000; i++) {
      rows[1][i] *= (i & 1) == 0 ? 1 : 3;
    }
    ArrayTaskVectorStream tau = new ArrayTaskVectorStream("w", List.of(5000L), rows, 100);
    long[][] counts = {{2500, 2490, 5000}, {0, 3000, 10}};

    assertThat(
            MagnitudeSelection.largest(tau, MagnitudeSelection.Source::taskVectors, counts, 5000))
        .isEqualTo(
            MagnitudeSelection.largest(tau, MagnitudeSelection.Source::taskVectors, counts, 0));
  }

  @Test
  void which_of_the_numbers_that_are_none_are_kept_makes_no_difference() {
    float[] values = random(5000, 16);
    Arrays.fill(values, 1000, 3000, Float.NaN);

    Largest largest =
        MagnitudeSelection.largest(
            stream(values, 100), MagnitudeSelection.Source::taskVectors, new long[][] {{500}})[0][
            0];

    assertThat(largest.magnitude()).isNaN();
  }

  @Test
  void several_ranks_and_rows_are_found_together() {
    ArrayTaskVectorStream tau =
        new ArrayTaskVectorStream(
            "w", List.of(4L), new float[][] {{4, -1, 3, 2}, {0, -5, 0.5f, 0}});

    Rank[][] ranks = ranks(tau, new long[][] {{1, 4}, {2, 3}});

    assertThat(ranks[0]).containsExactly(new Rank(1, 0, 1), new Rank(4, 3, 1));
    assertThat(ranks[1]).containsExactly(new Rank(0, 0, 2), new Rank(0.5f, 2, 1));
  }

  private static ArrayTaskVectorStream stream(float[] values, int block) {
    return new ArrayTaskVectorStream(
        "w", List.of((long) values.length), new float[][] {values}, block);
  }

  private static float[] random(int size, int zeroedBits) {
    SplittableRandom random = new SplittableRandom(1);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      int bits = Float.floatToRawIntBits((float) (random.nextDouble() - 0.5));
      values[i] = Float.intBitsToFloat(bits >> zeroedBits << zeroedBits);
    }
    return values;
  }

  private static long count(float[] values, java.util.function.DoublePredicate holds) {
    return IntStream.range(0, values.length).filter(i -> holds.test(values[i])).count();
  }

  private static Rank[][] ranks(TaskVectorStream tau, long[][] ranks) {
    return MagnitudeSelection.kthSmallest(
        List.of(tau), MagnitudeSelection.Source::taskVectors, 1, ranks);
  }
}
