package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.method.data.Fisher;
import org.optmerge.method.data.RegMean;
import org.optmerge.method.data.Statistics;
import org.optmerge.method.interference.Aswudi;
import org.optmerge.method.interference.Init;
import org.optmerge.method.interference.RankRule;
import org.optmerge.method.interference.Swudi;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/** Small matrices worked out by hand, one method each. */
class SpectralPeersTest {
  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  private TaskVectors diagonal(double[]... diagonals) {
    double[][][] matrices = new double[diagonals.length][][];
    for (int t = 0; t < diagonals.length; t++) {
      int n = diagonals[t].length;
      matrices[t] = new double[n][n];
      for (int i = 0; i < n; i++) {
        matrices[t][i][i] = diagonals[t][i];
      }
    }
    return Arrays2d.tau(manager, matrices);
  }

  private void assertDiagonal(NDArray merged, double... expected) {
    int n = expected.length;
    double[] whole = new double[n * n];
    for (int i = 0; i < n; i++) {
      whole[i * (n + 1)] = expected[i];
    }
    assertThat(merged.toDoubleArray()).containsExactly(whole, within(1e-12));
  }

  @Test
  void tsv_keeps_the_leading_directions_of_each_task() {
    // k = 1: e₁ with 5 of the first, e₂ with 4 of the second; they are orthogonal already
    assertDiagonal(new Tsv().merge(diagonal(new double[] {5, 1}, new double[] {2, 4})), 5, 4);
  }

  @Test
  void tsv_makes_directions_orthonormal() {
    // τ₁ = 2 e₁e₁ᵀ, τ₂ = 2 vvᵀ, v = (1, 1)/√2: the polar factor of [e₁ v] is the nearest orthogonal
    // matrix, a rotation by 22.5° backwards: columns (c, −s), (s, c); Δ = 2 P Pᵀ = 2 I
    TaskVectors tau =
        Arrays2d.tau(manager, new double[][] {{2, 0}, {0, 0}}, new double[][] {{1, 1}, {1, 1}});

    assertDiagonal(new Tsv().merge(tau), 2, 2);
  }

  @Test
  void iso_c_gives_all_directions_the_mean_singular_value() {
    // sum diag(7, −1, 4): singular values 7, 4, 1, mean 4, signs stay
    assertDiagonal(
        new IsoC(NonMatrixRule.MEAN)
            .merge(diagonal(new double[] {5, -1, 4}, new double[] {2, 0, 0})),
        4,
        -4,
        4);
  }

  @Test
  void iso_cts_takes_common_and_then_specific_directions() {
    // side 4, half common: e₁ with 8 and e₂ with 6 of the sum diag(8, 6, 3, 2.5); what is left of
    // the
    // tasks: diag(0, 0, 3, 0) and diag(0, 0, 0, 2.5), one direction each; mean (8 + 6 + 3 + 2.5)/4
    double mean = 19.5 / 4;
    assertDiagonal(
        new IsoCts(0.5).merge(diagonal(new double[] {4, 3, 3, 0}, new double[] {4, 3, 0, 2.5})),
        mean,
        mean,
        mean,
        mean);
    // round((10 − 8)/4) = round(0.5) = 0 and round((16 − 12)/3) = round(1.33) = 1
    assertThat(IsoCts.PUBLISHED.perTask(10, 4)).isZero();
    assertThat(IsoCts.PUBLISHED.perTask(16, 3)).isEqualTo(1);
    assertThat(new IsoCts(0).perTask(2, 3)).isZero();
  }

  @Test
  void swudi_goes_down_in_the_leading_directions_only() {
    // norms 20 and 20; C = diag(16 + 4, 4 + 16)/20 = diag(1, 1) would tie; with diag(4, 2), diag(4,
    // 0):
    // w = 1/20, 1/16; C = diag(0.8 + 1, 0.2), D = diag(3.2 + 4, 0.4); start sum diag(8, 2)
    // K = ⌊2·0.5 + 0.999⌋ = 1: entry 11: 8(1 − f) + 7.2/1.8 f with f = 1 − e^{−1.8}; 22: as it was
    double f = 1 - Math.exp(-1.8);
    Swudi method = new Swudi(1, 0.5, Swudi.Filter.EXPONENTIAL, Init.SUM, 1e-8);

    assertDiagonal(
        method.merge(diagonal(new double[] {4, 2}, new double[] {4, 0})), 8 * (1 - f) + 4 * f, 2);
  }

  @Test
  void aswudi_goes_to_the_minimum_in_as_many_directions_as_the_rule_says() {
    // as above: C = diag(1.8, 0.2); stable rank ⌈(3.24 + 0.04)/3.24⌉ = 2 with limits 1 and 0.5 · 2
    TaskVectors tau = diagonal(new double[] {4, 2}, new double[] {4, 0});
    Aswudi limited =
        new Aswudi(RankRule.STABLE_RANK, 0.95, 1, 0.5, 1, Swudi.Filter.NONE, 1e6, Init.MEAN, 1e-8);

    assertDiagonal(limited.merge(tau), 4, 1);
    assertDiagonal(Aswudi.of(RankRule.STABLE_RANK, Init.MEAN).merge(tau), 4, 2);
  }

  @Test
  void aswudi_goes_down_for_a_time_with_the_exponential_filter() {
    // as for swudi: one direction, from the sum, f = 1 − e^{−1.8}
    double f = 1 - Math.exp(-1.8);
    Aswudi method =
        new Aswudi(
            RankRule.STABLE_RANK, 0.95, 1, 0.5, 1, Swudi.Filter.EXPONENTIAL, 1, Init.SUM, 1e-8);

    assertDiagonal(
        method.merge(diagonal(new double[] {4, 2}, new double[] {4, 0})), 8 * (1 - f) + 4 * f, 2);
  }

  @Test
  void aswudi_keeps_the_start_if_no_direction_may_be_merged() {
    // ⌊0.1 · 2⌉ = 0 directions, and none is asked for
    Aswudi none =
        new Aswudi(RankRule.NONE, 0.95, 0, 0.1, 1, Swudi.Filter.NONE, 1e6, Init.SUM, 1e-8);

    assertDiagonal(none.merge(diagonal(new double[] {4, 2}, new double[] {4, 0})), 8, 2);
  }

  @ParameterizedTest
  @CsvSource({
    // spectrum 4, 4, 1, 1: Σ 10, Σλ² 34, Σ√λ 6
    "NONE, 4", // all
    "STABLE_RANK, 3", // 34/16 = 2.1
    "PARTICIPATION, 3", // 100/34 = 2.9
    "PARTICIPATION_SQRT, 4", // 36/10 = 3.6
    "ENTROPY, 4", // exp(0.8 ln 2.5 + 0.2 ln 10) = 3.3
    // on a square √(4 + 8/(2 + 4))/√(2 + √3) = 1.195 of the lower median, 1: both √λ = 2 exceed it
    "GAVISH_DONOHO, 2",
    "CUMULATIVE_VARIANCE, 4" // shares 0.4, 0.8, 0.9, 1 against 0.95
  })
  void rank_rules_as_worked_out_by_hand(RankRule rule, int rank) {
    double[] spectrum = {4, 4, 1, 1};
    assertThat(rule.rank(spectrum, 4, 4, 0.95)).isEqualTo(rank);
  }

  @Test
  void svc_shrinks_what_is_counted_twice() {
    // sum diag(6, 2): direction 1 holds 6 of 3 and 3: s = 2, 2, γ = 2/4; direction 2 holds 2 of 2
    // and
    // of nothing: s = 1, and α = 1 in place of the second: γ = 1
    assertDiagonal(
        new SingularValueCalibration(new TaskArithmetic(), 1, 1)
            .merge(diagonal(new double[] {3, 2}, new double[] {3, 0})),
        3,
        2);
  }

  @Test
  void knots_merges_in_the_common_left_basis() {
    // basis e₁, e₂ (the largest first); the mean there is the mean
    TaskVectors tau = diagonal(new double[] {3, 2}, new double[] {1, 0});

    assertDiagonal(Knots.around(new WeightAverage()).merge(tau), 2, 1);
    // a tolerance above the second singular value, 2, drops it
    assertDiagonal(new Knots(new WeightAverage(), 2.5).merge(tau), 2, 0);
  }

  @Test
  void regmean_weighs_inputs_by_their_energy() {
    // G₁ = diag(3, 1), G₂ = diag(1, 1): column 1 is (3 · 4 + 1 · 8)/4, column 2 the mean
    Statistics grams =
        (owner, parameter, expert) ->
            Optional.of(
                owner.create(
                    expert == 0
                        ? new double[][] {{3, 0}, {0, 1}}
                        : new double[][] {{1, 0}, {0, 1}}));
    TaskVectors tau = Arrays2d.tau(manager, new double[][] {{4, 2}}, new double[][] {{8, 6}});

    assertThat(new RegMean(grams, 0.9).merge(tau).toDoubleArray())
        .containsExactly(new double[] {5, 4}, within(1e-14));
    assertThat(
            new RegMean((owner, parameter, expert) -> Optional.empty(), 1)
                .merge(tau)
                .toDoubleArray())
        .containsExactly(new double[] {6, 4}, within(1e-14));
  }

  @Test
  void regmean_shrinks_what_is_off_the_diagonal() {
    // ΣG = (2 1; 1 2) twice halved off the diagonal: (4 1; 1 4); both experts alike give the expert
    Statistics grams =
        (owner, parameter, expert) -> Optional.of(owner.create(new double[][] {{2, 1}, {1, 2}}));
    TaskVectors tau = Arrays2d.tau(manager, new double[][] {{4, 2}}, new double[][] {{4, 2}});

    assertThat(new RegMean(grams, 0.5).merge(tau).toDoubleArray())
        .containsExactly(new double[] {4, 2}, within(1e-14));
    Statistics wrong =
        (owner, parameter, expert) -> Optional.of(owner.create(new double[][] {{2}}));
    assertThatThrownBy(() -> new RegMean(wrong, 0.5).merge(tau))
        .hasMessage(
            "regmean: parameter 'layer.weight': the Gram matrix of expert 1 must have shape (2, 2), has (1, 1)");
  }

  @Test
  void fisher_weighs_entries_by_their_squared_gradients() {
    // F₁ = (3, 0), F₂ = (1, 0), ε = 1: weights 4:2 and 1:1
    Statistics squares =
        (owner, parameter, expert) ->
            Optional.of(owner.create(expert == 0 ? new double[] {3, 0} : new double[] {1, 0}));
    TaskVectors tau =
        Arrays2d.tau(
            List.of(manager.create(new double[] {6, 2}), manager.create(new double[] {3, 4})));
    Fisher plain = new Fisher(squares, PerModel.each(1), false, 1);

    assertThat(plain.merge(tau).toDoubleArray())
        .containsExactly(new double[] {5, 3}, within(1e-14));

    // normalised by 1/(3 + 1) and 1/(1 + 1), that is 1:2: weights 4·1 : 2·2 and 1:2
    MergeMethod normalised = new Fisher(squares, PerModel.each(1), true, 1);
    assertThatThrownBy(() -> normalised.merge(tau)).hasMessageContaining("call fit first");
    NDArray merged = normalised.fit(List.of(ArrayTaskVectorStream.of(tau))).merge(tau);
    assertThat(merged.toDoubleArray()).containsExactly(new double[] {4.5, 10 / 3.0}, within(1e-14));
  }

  @Test
  void doge_ta_without_steps_is_masked_task_arithmetic() {
    // norms 5 and 5, λ = 0.1/5: entries 3, 4 of the first and 5 of the second are the largest two
    TaskVectors tau =
        Arrays2d.tau(manager, new double[][] {{3, 4}, {0, 0}}, new double[][] {{0, 0}, {0, 5}});
    DogeTa method = new DogeTa(6, 50, 0.1, 0, 1e-4);

    // k = 4 − 2 = 2: the second smallest magnitude is 0 for the first and 0 for the second: all
    // stay
    assertThat(method.merge(tau).toDoubleArray())
        .containsExactly(new double[] {0.06, 0.08, 0, 0.1}, within(1e-14));
    // a quarter: rank 3, magnitudes 3 and 0
    assertThat(new DogeTa(6, 25, 0.1, 0, 1e-4).merge(tau).toDoubleArray())
        .containsExactly(new double[] {0.06, 0.08, 0, 0.1}, within(1e-14));
    // one in a hundred rounds to none kept: rank 4, the largest alone
    assertThat(new DogeTa(6, 1, 0.1, 0, 1e-4).merge(tau).toDoubleArray())
        .containsExactly(new double[] {0, 0.08, 0, 0.1}, within(1e-14));
  }

  @Test
  void settings_out_of_range_are_errors() {
    assertThatThrownBy(() -> new IsoCts(1.5))
        .hasMessage("iso-cts: common_space_fraction must be in [0, 1], is 1.5");
    assertThatThrownBy(() -> new Swudi(300, 0, Swudi.Filter.NONE, Init.SUM, 1e-8))
        .hasMessage("swudi: rank_share must be in (0, 1], is 0.0");
    assertThatThrownBy(() -> new Swudi(300, 1, Swudi.Filter.NONE, Init.SUM, 0))
        .hasMessage("swudi: min_eigenvalue must be positive, is 0.0");
    assertThatThrownBy(() -> MethodParameters.bind(Aswudi.PUBLISHED, Map.of("min_rank", -1)))
        .hasMessage("aswudi: min_rank must be at least 0, is -1.0");
    assertThatThrownBy(() -> MethodParameters.bind(Aswudi.PUBLISHED, Map.of("time", -1)))
        .hasMessage("aswudi: time must be at least 0, is -1.0");
    assertThatThrownBy(() -> new DogeTa(0, 30, 0.07, 400, 1e-4))
        .hasMessage("doge-ta: subspace must be at least 1, is 0");
    assertThatThrownBy(() -> new SingularValueCalibration(new TaskArithmetic(), 1, 0))
        .hasMessage("svc: alpha must be positive, is 0.0");
    assertThatThrownBy(() -> new Knots(new TaskArithmetic(), -1))
        .hasMessage("knots: tolerance must be at least 0, is -1.0");
  }
}
