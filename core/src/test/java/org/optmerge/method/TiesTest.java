package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.method.Ties.MergeFunction;
import org.optmerge.method.Ties.Rounding;
import org.optmerge.method.Ties.Scope;
import org.optmerge.taskvector.ArrayTaskVectorStream;

class TiesTest {
  private static final float[] A = {3, -1, 2};
  private static final float[] B = {1, -4, -3};
  private static final float[] C = {5, 2, 0};

  @Test
  void merges_three_tasks_as_worked_out_by_hand() {
    // k = ⌊3 · 0.67⌋ = 2, so entries from the second smallest on stay:
    // {3,0,2} {0,-4,-3} {5,2,0}; sums 8,-2,-1; elected +,-,-; means of those that agree
    assertThat(InMemory.merge(Ties.of(Scope.TENSOR, 0.67), A, B, C)).containsExactly(4, -4, -3);
  }

  @Test
  void sum_and_max_differ_from_the_mean_where_several_agree() {
    assertThat(InMemory.merge(merging(MergeFunction.SUM), A, B, C)).containsExactly(8, -4, -3);
    assertThat(InMemory.merge(merging(MergeFunction.MAX), A, B, C)).containsExactly(5, -4, -3);
  }

  @Test
  void entries_equal_to_the_threshold_are_all_kept() {
    // k = ⌊4 · 0.5⌋ = 2, the second smallest is 1: all stay.
    assertThat(InMemory.merge(Ties.of(Scope.TENSOR, 0.5), new float[] {1, 1, -1, 2}))
        .containsExactly(1, 1, -1, 2);
  }

  @Test
  void an_undecided_entry_takes_the_sign_of_the_majority() {
    // Nothing is trimmed; sums 0,-3,-5,2: two elected - and one +, so the first becomes -.
    assertThat(
            InMemory.merge(
                Ties.of(Scope.TENSOR, 0), new float[] {1, -1, -2, 1}, new float[] {-1, -2, -3, 1}))
        .containsExactly(-1, -1.5f, -2.5f, 1);
  }

  @Test
  void a_tie_among_the_majority_leaves_an_undecided_entry_zero() {
    assertThat(InMemory.merge(Ties.of(Scope.TENSOR, 0), new float[] {1}, new float[] {-1}))
        .containsExactly(0);
  }

  @Test
  void global_scope_trims_and_votes_over_the_whole_model() {
    ArrayTaskVectorStream small =
        new ArrayTaskVectorStream("a", List.of(2L), new float[][] {{1, 2}, {1, -2}});
    ArrayTaskVectorStream large =
        new ArrayTaskVectorStream("b", List.of(3L), new float[][] {{-5, -6, -7}, {-8, -9, -3}});
    // n = 5, k = ⌊5 · 0.4⌋ = 2: kept from 2 on. In a {0,2} {0,-2}: sums 0, 0. In b all negative.
    MergeMethod fitted = Ties.of(Scope.GLOBAL, 0.4).fit(List.of(small, large));

    assertThat(((StreamingMergeMethod) fitted).merge(small)).containsExactly(0, -2);
    assertThat(((StreamingMergeMethod) fitted).merge(large)).containsExactly(-6.5f, -7.5f, -5);
  }

  @Test
  void the_kept_share_may_be_rounded_down_instead_of_the_dropped_one() {
    // n = 7: ⌊7 · 0.8⌋ = 5, but 7 − ⌊7 · 0.2⌋ = 6; where 5 divides n both are the same.
    assertThat(Ties.of(Scope.TENSOR, 0.8).rank(7)).isEqualTo(5);
    assertThat(keptDown(0.8).rank(7)).isEqualTo(6);
    assertThat(keptDown(0.8).rank(10)).isEqualTo(8);
    assertThat(keptDown(0).rank(10)).isZero();
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, 2, Double.NaN})
  void rejects_a_mask_rate_outside_its_range(double maskRate) {
    assertThatThrownBy(() -> Ties.of(Scope.TENSOR, maskRate))
        .hasMessage("ties: mask_rate must be in [0, 1), is " + maskRate);
  }

  private static Ties merging(MergeFunction function) {
    return new Ties(Scope.TENSOR, 0.67, Rounding.DROPPED_DOWN, function);
  }

  private static Ties keptDown(double maskRate) {
    return new Ties(Scope.TENSOR, maskRate, Rounding.KEPT_DOWN, MergeFunction.MEAN);
  }
}
