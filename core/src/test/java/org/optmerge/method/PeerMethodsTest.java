package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.optmerge.method.MergeMethod.Operand;

/** The smaller methods, each worked out by hand. */
class PeerMethodsTest {
  private static final List<Long> VECTOR = List.of(3L);

  @Test
  void magmax_takes_the_largest_and_of_equals_the_last() {
    assertThat(
            InMemory.merge(
                new MagMax(),
                new float[] {1, -2, 3, 1},
                new float[] {-4, 0.5f, 2, -1},
                new float[] {0, -2.5f, 3, 0.5f}))
        .containsExactly(-4, -2.5f, 3, -1);
  }

  @Test
  void model_stock_shrinks_the_mean_by_the_angle() {
    // cos = 3/5; t = 2 · 0.6 / 1.6 = 0.75; mean (8, 4) / 2
    assertThat(
            InMemory.merge(
                new ModelStock(ModelStock.Average.COSINES, false),
                new float[] {5, 0},
                new float[] {3, 4}))
        .containsExactly(new float[] {3, 1.5f}, within(1e-6f));
  }

  @Test
  void model_stock_averages_angles_or_cosines() {
    // Pairs at 90°, 0°, 90°: mean angle 60°, mean cosine 1/3. t = 1.5/2 or 1/(5/3) = 0.6.
    // fusion_bench divides by 1 + 1e-8 for the second, of which the arccos is 1.4e-4.
    float[][] tau = {{1, 0}, {0, 1}, {1, 0}};

    assertThat(InMemory.merge(new ModelStock(ModelStock.Average.ANGLES, false), tau))
        .containsExactly(new float[] {0.5f, 0.25f}, within(5e-5f));
    assertThat(InMemory.merge(new ModelStock(ModelStock.Average.COSINES, false), tau))
        .containsExactly(new float[] {0.4f, 0.2f}, within(1e-6f));
  }

  @Test
  void model_stock_of_task_vectors_that_cancel_is_the_base() {
    assertThat(
            InMemory.merge(
                new ModelStock(ModelStock.Average.COSINES, false),
                new float[] {2, 0},
                new float[] {-1, 0}))
        .containsExactly(0, 0);
  }

  @Test
  void model_stock_needs_two_experts() {
    assertThatThrownBy(
            () -> new ModelStock(ModelStock.Average.COSINES, false).check("w", VECTOR, 1))
        .hasMessage("model_stock: merges at least two models besides the base, got 1");
  }

  @Test
  void emr_unifies_by_the_elected_sign_and_recovers_a_task() {
    float[][] tau = {{1, -2, 3}, {2, 1, -4}};

    // Sums 3, −1, −1: largest of the elected signs 2, −2, −4.
    assertThat(InMemory.merge(ElectMaskRescale.UNIFIED, tau)).containsExactly(2, -2, -4);
    // Task 1 agrees in the first two: own 6/3, recovered 4/3, so ρ = 1.5.
    assertThat(InMemory.merge(ElectMaskRescale.of(1), tau)).containsExactly(3, -3, 0);
    assertThat(InMemory.merge(new ElectMaskRescale(OptionalInt.of(1), OptionalDouble.of(0.5)), tau))
        .containsExactly(1, -1, 0);
  }

  @Test
  void tall_mask_keeps_what_matters_to_a_task_and_consensus_what_matters_to_several() {
    float[][] tau = {{4, 1, 1}, {1, 4, 1}, {0, 1, 1}};

    // Sums 5, 6, 3. Task 1 at λ = 0.4: 4 > 0.4, 1 < 2, 1 > 0.8.
    assertThat(InMemory.merge(new TallMask(0.4, 1), tau)).containsExactly(5, 0, 3);
    // Tasks: first entry only task 1 (1 < 1.6, 0 < 2); second only task 2; third all.
    assertThat(InMemory.merge(new ConsensusTaskArithmetic(0.4, 2), tau)).containsExactly(0, 0, 3);
    assertThat(InMemory.merge(new ConsensusTaskArithmetic(0.4, 1), tau)).containsExactly(5, 6, 3);
  }

  @Test
  void a_task_that_is_not_there_is_refused() {
    assertThatThrownBy(() -> new TallMask(0.4, 4).check("w", VECTOR, 3))
        .hasMessage("tall-mask: task must be in 1 to 3, the number of experts, is 4");
    assertThatThrownBy(() -> ElectMaskRescale.of(0)).hasMessageStartingWith("emr: task must be at");
  }

  @Test
  void slerp_goes_along_the_arc() {
    // Right angle, halfway: both times sin 45° / sin 90°.
    float half = (float) Math.sqrt(0.5);
    assertThat(InMemory.merge(Slerp.of(0.5), new float[] {2, 0}, new float[] {0, 4}))
        .containsExactly(new float[] {2 * half, 4 * half}, within(1e-6f));
  }

  @Test
  void slerp_of_parallel_and_of_opposite_models_goes_straight() {
    assertThat(InMemory.merge(Slerp.of(0.25), new float[] {4, 0}, new float[] {8, 0}))
        .containsExactly(5, 0);
    assertThat(InMemory.merge(Slerp.of(0.25), new float[] {4, 0}, new float[] {-4, 0}))
        .containsExactly(2, 0);
  }

  @Test
  void slerp_needs_t_and_two_models() {
    assertThatThrownBy(() -> Slerp.of(null).check("w", VECTOR, 2))
        .hasMessage("slerp: t is required and was not given");
    assertThatThrownBy(() -> Slerp.of(0.5).check("w", VECTOR, 3))
        .hasMessage("slerp: merges exactly two models, the base and another, got 3");
  }

  @Test
  void nuslerp_interpolates_rows_or_columns() {
    float half = (float) Math.sqrt(0.5);
    float[] a = {2, 0, 3, 0};
    float[] b = {0, 4, 5, 0};
    PerModel equal = PerModel.each(1);
    List<Long> square = List.of(2L, 2L);

    // Rows: a right angle, then parallel. Columns: (2,3) and (0,5), then (0,0) and (4,0).
    assertThat(InMemory.merge(new NuSlerp(equal, false, false, Operand.WEIGHTS), square, a, b))
        .containsExactly(new float[] {2 * half, 4 * half, 4, 0}, within(1e-6f));
    double angle = Math.acos(3 / Math.sqrt(13));
    float c = (float) (Math.sin(angle / 2) / Math.sin(angle));
    assertThat(InMemory.merge(new NuSlerp(equal, false, true, Operand.WEIGHTS), square, a, b))
        .containsExactly(new float[] {2 * c, 4 * half, 8 * c, 0}, within(1e-5f));
  }

  @Test
  void multislerp_of_models_that_cancel_is_refused_but_for_two() {
    PerModel equal = PerModel.each(1);
    MultiSlerp method = new MultiSlerp(equal, true, 1e-8, Operand.WEIGHTS);

    assertThat(InMemory.merge(method, new float[] {1, 0}, new float[] {-3, 0}))
        .containsExactly(-1, 0);
    float h = (float) Math.sqrt(3) / 2;
    assertThatThrownBy(
            () ->
                InMemory.merge(
                    method, new float[] {1, 0}, new float[] {-.5f, h}, new float[] {-.5f, -h}))
        .hasMessage(
            "multislerp: the 3 models cancel in 'weight', so their mean has no direction; change"
                + " the weights");
  }

  @Test
  void karcher_of_two_models_lies_halfway_on_the_arc() {
    float half = (float) Math.sqrt(0.5);
    // Lengths 2 and 4: mean 3.
    assertThat(InMemory.merge(Karcher.DEFAULT, new float[] {2, 0}, new float[] {0, 4}))
        .containsExactly(new float[] {3 * half, 3 * half}, within(1e-5f));
  }

  @Test
  void karcher_counts_a_model_without_direction_in_the_length_only() {
    assertThat(InMemory.merge(Karcher.DEFAULT, new float[] {2, 0}, new float[] {0, 0}))
        .containsExactly(1, 0);
  }

  @Test
  void nearswap_moves_by_at_most_t() {
    assertThat(InMemory.merge(new NearSwap(0.5), new float[] {0.25f, -2, 0}))
        .containsExactly(0.25f, -0.5f, 0);
    assertThatThrownBy(() -> new NearSwap(0.5).check("w", VECTOR, 2))
        .hasMessage("nearswap: merges exactly one model besides the base, got 2");
  }

  @Test
  void ram_averages_what_several_changed() {
    float[][] tau = {{2, 2, 0.1f, 4}, {4, 0, 0.1f, -2}};

    assertThat(InMemory.merge(new Ram(0.5), tau)).containsExactly(3, 2, 0, 1);
    // Model 1: 2 shared, 1 alone, ρ = 2, at most 0.2: its own entry times 1.02.
    assertThat(InMemory.merge(new RamPlus(0.5, 0.1, 0.2), tau))
        .containsExactly(new float[] {3, 2.04f, 0, 1}, within(1e-6f));
  }

  @Test
  void sce_keeps_the_entries_on_which_models_differ() {
    // Variances 1, 0, 4, 0.25; ⌊0.7 · 3⌋ = 2 are kept: the first and the third.
    // Energies (1 + 25)/4 and (9 + 81)/4: q = 26/116, 90/116; both agree everywhere.
    float[][] tau = {{1, 1, 5, 1}, {3, 1, 9, 2}};
    double first = (26 * 1 + 90 * 3) / 116.0;
    double third = (26 * 5 + 90 * 9) / 116.0;

    assertThat(InMemory.merge(new Sce(0.7, false), tau))
        .containsExactly(new float[] {(float) first, 0, (float) third, 0}, within(1e-6f));
  }

  @Test
  void sce_of_models_that_agree_entirely_is_the_base_in_the_right_shape() {
    assertThat(
            InMemory.merge(
                new Sce(0.5, false),
                List.of(2L, 2L),
                new float[] {1, 2, 3, 4},
                new float[] {1, 2, 3, 4}))
        .containsExactly(0, 0, 0, 0);
  }

  @Test
  void arcee_fusion_takes_over_what_stands_out() {
    float[] base = new float[8];
    float[] other = {0.01f, 0.01f, 0.01f, 0.01f, 0.01f, 0.01f, 0.01f, 1};

    // One row: importance is proportional to the difference; quartiles are equal, so the threshold
    // is the median itself, and all are taken over.
    assertThat(InMemory.merge(new ArceeFusion(), List.of(1L, 8L), base, other))
        .containsExactly(other);
    // Differences 1 to 8 of one row: Q1 = 2, median 4, Q3 = 6, threshold 10: none.
    float[] rising = {1, 2, 3, 4, 5, 6, 7, 8};
    assertThat(InMemory.merge(new ArceeFusion(), List.of(1L, 8L), base, rising))
        .containsExactly(base);
    // With 100 for 8 the last exceeds it.
    float[] outlier = {1, 2, 3, 4, 5, 6, 7, 100};
    assertThat(InMemory.merge(new ArceeFusion(), List.of(1L, 8L), base, outlier))
        .containsExactly(0, 0, 0, 0, 0, 0, 0, 100);
  }

  @Test
  void passthrough_scales_one_model() {
    assertThat(InMemory.merge(new Passthrough(PerModel.each(0.5)), new float[] {2, -4}))
        .containsExactly(1, -2);
    assertThatThrownBy(() -> new Passthrough(PerModel.each(1)).check("w", VECTOR, 2))
        .hasMessage("passthrough: merges exactly one model, got 2");
  }
}
