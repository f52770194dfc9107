package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

class ComparisonTest {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(500, 0.95, 0);

  private static Predicted item(String task, String id, double score) {
    return new Predicted(task + id, task, "", new Prediction("x"), Reference.of("x"), score);
  }

  @Test
  void tasks_weigh_the_same_and_have_rows_of_their_own() {
    List<Predicted> first = new ArrayList<>();
    List<Predicted> second = new ArrayList<>();
    for (int i = 0; i < 90; i++) {
      first.add(item("chart", "" + i, 1));
      second.add(item("chart", "" + i, 0));
    }
    for (int i = 0; i < 10; i++) {
      first.add(item("ocr", "" + i, 0.5));
      second.add(item("ocr", "" + i, 0.5));
    }

    Comparison comparison = Comparison.of(first, second, BOOTSTRAP);

    assertThat(comparison.rows())
        .extracting(Comparison.Row::name)
        .containsExactly("Overall", "chart", "ocr");
    assertThat(comparison.overall().first()).isEqualTo(0.75);
    assertThat(comparison.overall().second()).isEqualTo(0.25);
    assertThat(comparison.overall().examples()).isEqualTo(100);
    assertThat(comparison.rows().get(1).difference().significant()).isTrue();
    assertThat(comparison.rows().get(2).difference().significant()).isFalse();
  }

  @Test
  void what_only_one_has_is_left_out_and_listed() {
    Comparison comparison =
        Comparison.of(
            List.of(item("t", "1", 1), item("t", "2", 1)),
            List.of(item("t", "3", 0), item("t", "2", 0)),
            BOOTSTRAP);

    assertThat(comparison.overall().examples()).isEqualTo(1);
    assertThat(comparison.findings())
        .containsExactly(
            new Finding("only in the first file, left out", List.of("t1")),
            new Finding("only in the second file, left out", List.of("t3")),
            new Finding("paired by id: 1 of 2 and 2 examples", List.of()));
  }

  @Test
  void the_same_id_again_is_paired_in_order() {
    Comparison comparison =
        Comparison.of(
            List.of(item("t", "1", 1), item("t", "1", 0)),
            List.of(item("t", "1", 1), item("t", "1", 1)),
            BOOTSTRAP);

    assertThat(comparison.overall().difference().ties()).isEqualTo(1);
    assertThat(comparison.overall().difference().losses()).isEqualTo(1);
  }

  @Test
  void files_of_different_benchmarks_cannot_be_compared() {
    assertThatThrownBy(
            () -> Comparison.of(List.of(item("a", "1", 1)), List.of(item("b", "1", 1)), BOOTSTRAP))
        .hasMessage("the two files have no example in common; are they of the same benchmark?");
  }

  @Test
  void an_item_without_a_score_is_an_error() {
    Predicted unscored = Predicted.of("9", "x", List.of("x"), java.util.Map.of());

    assertThatThrownBy(() -> Comparison.of(List.of(unscored), List.of(unscored), BOOTSTRAP))
        .hasMessage("the first file has no score for '9'; name the benchmark to score it");
  }
}
