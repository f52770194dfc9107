package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.CapabilityMetric;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.ModelEvaluation;
import tech.tablesaw.api.Table;

class CapabilityTest {
  private static final Capability CHART = Capability.of(MiniTask.CHART);

  @Test
  void rows_are_the_recorded_ones_of_a_thousand_questions() {
    Table table = CHART.table();

    assertThat(table.name()).isEqualTo("Chart: 1,000 questions, percent");
    assertThat(table.stringColumn("model or method").asList())
        .startsWith("Base", "Expert Chart", "Weight Average");
    assertThat(table.doubleColumn("accuracy").asList().subList(0, 2))
        .containsExactly(22.0, 67.0); // as core/MINIATURE.md has them
    assertThat(table.doubleColumn("gain kept").asList().subList(0, 2)).containsExactly(0.0, 100.0);
  }

  @Test
  void kinds_of_questions_add_up_to_all_of_them() {
    Table kinds = CHART.kinds("base");

    double right = 0;
    int questions = 0;
    for (int i = 0; i < kinds.rowCount(); i++) {
      right += kinds.doubleColumn("Base").get(i) / 100 * kinds.intColumn("questions").get(i);
      questions += kinds.intColumn("questions").get(i);
    }
    assertThat(questions).isEqualTo(1000);
    assertThat(right).isCloseTo(220, within(1e-9));
  }

  @Test
  void every_kind_of_question_is_shown_once_or_those_asked_for() {
    assertThat(CHART.kindsShown().cards())
        .extracting(card -> card.question().type())
        .containsExactlyElementsOf(CHART.kinds().stringColumn("kind").asList());
    assertThat(CHART.kindsShown("value", "count").cards())
        .extracting(card -> card.question().type())
        .containsExactly("value", "count");
    assertThatThrownBy(() -> CHART.kindsShown("slope"))
        .hasMessageStartingWith(
            "Chart has no questions of kind 'slope'; it has [count, difference");
  }

  @Test
  void published_numbers_are_means_of_the_data_sets_of_the_capability() {
    Table published = Capability.of(MiniTask.VQA).published("table2", "table3");

    int row = published.stringColumn("model or method").asList().indexOf("Individual VQA");
    assertThat(published.doubleColumn("table2").get(row))
        .isCloseTo((30.58 + 60.91) / 2, within(1e-9));
    assertThat(published.stringColumn("model or method").asList())
        .doesNotContain("Individual OCR")
        .contains("OptMerge");
  }

  private static Evaluator questions(int number) {
    return new Evaluator(
        CapabilityBenchmark.of("mini:chart").withPerTask(number), new CapabilityMetric());
  }

  @Test
  void a_model_asked_again_answers_as_recorded() {
    List<Integer> told = new ArrayList<>();
    Map<String, ModelEvaluation> answers =
        CHART.ask(questions(12), told::add, "base", "task-arithmetic");

    assertThat(told.stream().mapToInt(more -> more).sum()).isEqualTo(2 * 12);
    answers.forEach(
        (key, result) -> {
          double[] recorded = CHART.study().row(CHART.family(), key).scores("Chart");
          for (int i = 0; i < 12; i++) {
            assertThat(result.items().get(i).isRight()).as(key).isEqualTo(recorded[i] == 1);
          }
        });
  }

  @Test
  void an_unknown_model_is_named_with_those_there_are() {
    assertThatThrownBy(() -> CHART.ask("nobody", questions(1), more -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no model or merge 'nobody'")
        .hasMessageContaining("task-arithmetic");
  }
}
