package org.optmerge.method.scaling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScalingRuleTest {
  /** τ_1 = ((1, 1), (0, 0)), τ_2 = ((1, 0), (0, 0)), Δ their sum. */
  private static Energies worked() {
    return energies(
        List.of(2L, 2L), new float[] {2, 1, 0, 0}, new float[][] {{1, 1, 0, 0}, {1, 0, 0, 0}});
  }

  @Test
  void a_case_worked_by_hand() {
    Energies energies = worked();

    // C = ((3/4, 1/4), (1/4, 1/4)); tr(τ_1 C τ_1ᵀ) = 3/2, tr(τ_2 C τ_2ᵀ) = 3/4
    assertThat(energies.expert()).isCloseTo(1.125, within(1e-12));
    assertThat(energies.merged()).isCloseTo(4.25, within(1e-12));
    // Δτ_1ᵀ = 3, τ_1τ_1ᵀ = 2, ‖τ_1‖² = 2; Δτ_2ᵀ = 2, τ_2τ_2ᵀ = 1, ‖τ_2‖² = 1
    assertThat(energies.agreement()).isCloseTo(2.5, within(1e-12));
    assertThat(energies.expertSquares()).isEqualTo(1.5);
    assertThat(energies.allSquares()).isEqualTo(3);
    assertThat(energies.mergedSquares()).isEqualTo(5);
    // All have rank 1.
    assertThat(energies.spectral()).isCloseTo(1.5 / 5, within(1e-9));

    MeasuredScaling auto = scaling(ScalingRule.AUTO, energies);
    assertThat(auto.energy()).isCloseTo(Math.sqrt(1.125 / 4.25), within(1e-12));
    assertThat(auto.norm()).isCloseTo(Math.sqrt(0.3), within(1e-12));
    assertThat(auto.cap()).isCloseTo(Math.sqrt(0.6), within(1e-12));
    assertThat(auto.scaling()).isEqualTo(auto.energy());
    assertThat(auto)
        .hasToString("λ = 0.5145 by auto: E = 0.5145, F = 0.5477, √N·F = 0.7746; E is the smaller");
    assertThat(scaling(ScalingRule.INTERFERENCE, energies).scaling())
        .isCloseTo(2.5 / 4.25, within(1e-12));
    assertThat(scaling(ScalingRule.FROBENIUS, energies).scaling())
        .isCloseTo(Math.sqrt(0.3), within(1e-12));
    assertThat(scaling(ScalingRule.SPECTRAL, energies).scaling())
        .isCloseTo(Math.sqrt(0.3), within(1e-9));
  }

  @Test
  void what_the_inputs_hardly_see_is_capped() {
    // Δ is nearly orthogonal to what the experts read.
    Energies energies =
        energies(
            List.of(2L, 2L),
            new float[] {0.01f, 1, 0, 0},
            new float[][] {{2, 0, 0, 0}, {0, 0, 2, 0}});

    MeasuredScaling auto = scaling(ScalingRule.AUTO, energies);

    assertThat(auto.energy()).isGreaterThan(100);
    assertThat(auto.scaling()).isEqualTo(auto.cap()).isCloseTo(Math.sqrt(8), within(1e-3));
    assertThat(auto.toString()).endsWith("√N·F is the smaller");
  }

  @Test
  void a_merge_against_the_experts_has_no_line_search() {
    Energies energies =
        energies(List.of(2L, 2L), new float[] {-1, 0, 0, -1}, new float[][] {{1, 0, 0, 1}});

    assertThatThrownBy(() -> scaling(ScalingRule.INTERFERENCE, energies))
        .hasMessage(
            "scaling: interference finds λ = -1.0, since the merge does not go the experts' way;"
                + " give a number");
  }

  @Test
  void where_nothing_changes_any_scaling_will_do() {
    MeasuredScaling auto = scaling(ScalingRule.AUTO, Energies.NONE);

    assertThat(auto.scaling()).isEqualTo(1);
    assertThat(auto.bound()).isEqualTo("the merge changes nothing");
  }

  @ParameterizedTest
  @EnumSource
  void a_sum_of_orthogonal_experts_of_one_size_and_of_copies(ScalingRule rule) {
    float[][] orthogonal = new float[4][16];
    for (int t = 0; t < 4; t++) {
      orthogonal[t][5 * t] = 3;
    }
    float[][] copies = Collections.nCopies(4, random(16, 1)).toArray(float[][]::new);
    List<Long> shape = List.of(4L, 4L);

    double apart = scaling(rule, energies(shape, sum(orthogonal), orthogonal)).scaling();
    double together = scaling(rule, energies(shape, sum(copies), copies)).scaling();

    // Copies are one expert, counted N times.
    assertThat(together).isCloseTo(0.25, within(1e-6));
    double expected =
        switch (rule) {
          case INTERFERENCE, SPECTRAL -> 1;
          case AUTO, FROBENIUS -> 0.5;
        };
    assertThat(apart).isCloseTo(expected, within(1e-6));
  }

  /** 40 rows are exact, 300 are sketched. */
  @ParameterizedTest
  @ValueSource(longs = {40, 300})
  void laws(long rows) {
    List<Long> shape = List.of(rows, 30L);
    float[][] tau = new float[3][];
    for (int t = 0; t < 3; t++) {
      tau[t] = random((int) rows * 30, t + 1);
    }
    float[] merged = sum(tau);
    for (int i = 0; i < merged.length; i += 3) {
      merged[i] *= 0.3f;
    }
    for (ScalingRule rule : ScalingRule.values()) {
      double lambda = scaling(rule, energies(shape, merged, tau)).scaling();

      float[][] large = {times(tau[0], 8), times(tau[1], 8), times(tau[2], 8)};
      assertThat(scaling(rule, energies(shape, times(merged, 8), large)).scaling())
          .as("%s: all τ times 8", rule)
          .isCloseTo(lambda, within(1e-6 * lambda));
      assertThat(scaling(rule, energies(shape, times(merged, 4), tau)).scaling())
          .as("%s: Δ times 4", rule)
          .isCloseTo(lambda / 4, within(1e-6 * lambda));
      assertThat(
              scaling(rule, energies(shape, merged, new float[][] {tau[2], tau[0], tau[1]}))
                  .scaling())
          .as("%s: experts in another order", rule)
          .isCloseTo(lambda, within(1e-6 * lambda));
    }
  }

  @Test
  void a_sketch_is_near_what_it_stands_for() {
    int rows = 400;
    int columns = 48;
    float[][] tau = new float[3][];
    for (int t = 0; t < 3; t++) {
      tau[t] = random(rows * columns, t + 1);
      // A spectrum that falls, as task vectors have it.
      for (int i = 0; i < tau[t].length; i++) {
        tau[t][i] /= 1 + (i + 7 * t) % columns;
      }
    }
    float[] merged = sum(tau);

    Energies sketched = energies(List.of((long) rows, (long) columns), merged, tau);

    double[] exact = exact(rows, columns, merged, tau);
    double lambda = Math.sqrt(exact[0] / exact[1]);
    assertThat(scaling(ScalingRule.AUTO, sketched).energy())
        .isCloseTo(lambda, within(0.05 * lambda));
    assertThat(scaling(ScalingRule.INTERFERENCE, sketched).scaling())
        .isCloseTo(exact[2] / exact[1], within(0.05 * exact[2] / exact[1]));
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 200})
  void factors_are_as_good_as_their_product(int rows) {
    int columns = 17;
    int rank = 3;
    float[][] b = {random(rows * rank, 1), random(rows * rank, 2)};
    float[][] a = {random(rank * columns, 3), random(rank * columns, 4)};
    float[][] tau = {
      product(b[0], a[0], rows, rank, columns), product(b[1], a[1], rows, rank, columns)
    };
    float[] merged = sum(tau);
    List<Long> shape = List.of((long) rows, (long) columns);
    EnergyMeter meter = new EnergyMeter("w", shape, 2, true);
    for (int t = 0; t < 2; t++) {
      meter.addFactors(t, b[t], a[t], 0.5);
    }
    // Half of the sum, in factors: [B_1 B_2] and [A_1; A_2].
    float[] wide = new float[rows * 2 * rank];
    for (int row = 0; row < rows; row++) {
      for (int r = 0; r < rank; r++) {
        wide[row * 2 * rank + r] = b[0][row * rank + r];
        wide[row * 2 * rank + rank + r] = b[1][row * rank + r];
      }
    }
    float[] tall = new float[2 * rank * columns];
    System.arraycopy(a[0], 0, tall, 0, rank * columns);
    System.arraycopy(a[1], 0, tall, rank * columns, rank * columns);
    meter.addFactors(2, wide, tall, 0.5);

    MeasuredScaling dense = scaling(ScalingRule.AUTO, energies(shape, merged, tau));
    MeasuredScaling factored = scaling(ScalingRule.AUTO, meter.energies());

    assertThat(factored.energy()).isCloseTo(dense.energy(), within(1e-5));
    assertThat(factored.cap()).isCloseTo(dense.cap(), within(1e-5));
    assertThat(scaling(ScalingRule.SPECTRAL, meter.energies()).scaling())
        .isCloseTo(
            scaling(ScalingRule.SPECTRAL, energies(shape, merged, tau)).scaling(), within(1e-5));
  }

  @Test
  void blocks_may_be_cut_anywhere() {
    float[][] tau = {random(300 * 7, 1), random(300 * 7, 2)};
    float[] merged = sum(tau);
    EnergyMeter meter = new EnergyMeter("w", List.of(300L, 7L), 2, true);
    for (int at = 0; at < merged.length; at += 13) {
      int length = Math.min(13, merged.length - at);
      meter.add(
          at,
          length,
          new float[][] {part(tau[0], at, length), part(tau[1], at, length)},
          part(merged, at, length));
    }

    Energies whole = energies(List.of(300L, 7L), merged, tau);
    assertThat(meter.energies().expert()).isCloseTo(whole.expert(), within(1e-6 * whole.expert()));
    assertThat(meter.energies().merged()).isCloseTo(whole.merged(), within(1e-6 * whole.merged()));
    assertThat(meter.energies().agreement())
        .isCloseTo(whole.agreement(), within(1e-6 * whole.agreement()));
  }

  @Test
  void a_vector_is_a_bias_whose_input_is_constant() {
    Energies energies =
        energies(List.of(3L), new float[] {1, 2, 2}, new float[][] {{1, 0, 0}, {0, 2, 2}});

    assertThat(energies.expert()).isEqualTo((1 + 8) / 2.0);
    assertThat(energies.merged()).isEqualTo(9);
    assertThat(energies.agreement()).isEqualTo((1 + 8) / 2.0);
    // Of which one changes nothing: half of the inputs' second moment is gone.
    Energies half =
        energies(List.of(3L), new float[] {1, 0, 0}, new float[][] {{1, 0, 0}, {0, 0, 0}});
    assertThat(half.expert()).isEqualTo(0.25);
    assertThat(half.merged()).isEqualTo(0.5);
  }

  @Test
  void tensors_add_up() {
    Energies one = worked();
    Energies other =
        energies(
            List.of(2L, 2L), new float[] {6, 0, 0, 0}, new float[][] {{3, 0, 0, 0}, {3, 0, 0, 0}});

    MeasuredScaling both = ScalingRule.AUTO.scaling(List.of(one, Energies.NONE, other), false);

    assertThat(both.energy())
        .isCloseTo(
            Math.sqrt((one.expert() + other.expert()) / (one.merged() + other.merged())),
            within(1e-12));
    assertThat(both.tensors()).isEqualTo(3);
  }

  private static MeasuredScaling scaling(ScalingRule rule, Energies energies) {
    return rule.scaling(List.of(energies), false);
  }

  private static Energies energies(List<Long> shape, float[] merged, float[][] tau) {
    EnergyMeter meter = new EnergyMeter("w", shape, tau.length, true);
    meter.add(0, merged.length, tau, merged);
    return meter.energies();
  }

  /** By the definitions, in double: E's two sums and the line search's. */
  private static double[] exact(int rows, int columns, float[] merged, float[][] tau) {
    double[] sums = new double[3];
    for (float[] input : tau) {
      double weight = 1 / (dot(input, input) * tau.length);
      double[] ofMerged = outer(merged, input, rows, columns);
      for (double x : ofMerged) {
        sums[1] += weight * x * x;
      }
      double[] own = outer(input, input, rows, columns);
      for (int i = 0; i < own.length; i++) {
        sums[2] += weight * own[i] * ofMerged[i];
      }
      for (float[] expert : tau) {
        for (double x : outer(expert, input, rows, columns)) {
          sums[0] += weight / tau.length * x * x;
        }
      }
    }
    return sums;
  }

  private static double[] outer(float[] x, float[] y, int rows, int columns) {
    double[] product = new double[rows * rows];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < rows; j++) {
        for (int c = 0; c < columns; c++) {
          product[i * rows + j] += (double) x[i * columns + c] * y[j * columns + c];
        }
      }
    }
    return product;
  }

  private static double dot(float[] x, float[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += (double) x[i] * y[i];
    }
    return sum;
  }

  private static float[] product(float[] b, float[] a, int rows, int rank, int columns) {
    float[] product = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      for (int r = 0; r < rank; r++) {
        for (int c = 0; c < columns; c++) {
          product[row * columns + c] += 0.5f * b[row * rank + r] * a[r * columns + c];
        }
      }
    }
    return product;
  }

  private static float[] part(float[] values, int from, int length) {
    float[] part = new float[length];
    System.arraycopy(values, from, part, 0, length);
    return part;
  }

  private static float[] times(float[] values, float factor) {
    float[] product = values.clone();
    for (int i = 0; i < product.length; i++) {
      product[i] *= factor;
    }
    return product;
  }

  private static float[] sum(float[][] tau) {
    float[] sum = new float[tau[0].length];
    for (float[] one : tau) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += one[i];
      }
    }
    return sum;
  }

  private static float[] random(int size, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return values;
  }
}
