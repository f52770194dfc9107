package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

class ModelEvaluationTest {
  private static Predicted answer(
      MiniTask task, String type, boolean heldOut, String expected, boolean correct) {
    return new Predicted(
        "id",
        task.label(),
        type,
        new Prediction(correct ? expected : "?"),
        new Reference(List.of(expected), Map.of("heldOut", String.valueOf(heldOut))),
        correct ? 1.0 : 0.0);
  }

  private static final ModelEvaluation RESULT =
      new ModelEvaluation(
          "model",
          Presentation.DEFAULT,
          List.of(
              answer(MiniTask.VQA, "exists", false, "yes", true),
              answer(MiniTask.VQA, "exists", false, "no", false),
              answer(MiniTask.VQA, "exists", false, "yes", true),
              answer(MiniTask.VQA, "relation", true, "no", true),
              answer(MiniTask.CHART, "value", false, "7", false),
              answer(MiniTask.CHART, "difference", true, "3", false),
              answer(MiniTask.COMBINED, "value of the bar that is read", true, "9", true)));

  @Test
  void the_mean_is_over_tasks_and_leaves_out_the_questions_that_need_two_abilities() {
    assertThat(RESULT.accuracy("VQA")).isEqualTo(0.75);
    assertThat(RESULT.accuracy("Chart")).isZero();
    assertThat(RESULT.accuracy("Combined")).isEqualTo(1);
    assertThat(RESULT.mean(Grouping.CAPABILITIES)).isEqualTo(0.375);
    assertThat(RESULT.accuracy("OCR")).isNaN();
  }

  @Test
  void a_constant_answer_is_chosen_for_each_type() {
    // Of VQA, 'yes' is right twice of three and 'no' once of one; of Chart, each answer once.
    assertThat(RESULT.constantAnswers(Grouping.GROUPS).get("VQA")).isEqualTo(0.75);
    assertThat(RESULT.constantAnswers(Grouping.GROUPS).get("Chart")).isEqualTo(1);
  }

  @Test
  void a_row_says_the_same_as_the_answers_it_was_made_of() {
    AnswerSheet row = AnswerSheet.of(RESULT, Grouping.CAPABILITIES);
    assertThat(row.right()).containsEntry("VQA", "1011");
    assertThat(row.heldOut()).containsEntry("VQA", "0001");
    assertThat(row.accuracy("VQA")).isEqualTo(RESULT.accuracy("VQA"));
    // Held out: one of one of VQA, none of one of Chart.
    assertThat(row.newSkills()).isCloseTo(0.5, within(1e-12));
  }
}
