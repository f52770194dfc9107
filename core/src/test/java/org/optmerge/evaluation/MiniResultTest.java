package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;

class MiniResultTest {
  private static MiniResult.Answer answer(
      MiniTask task, String type, boolean heldOut, String expected, boolean correct) {
    return new MiniResult.Answer(
        "id", task, type, heldOut, expected, correct ? expected : "?", correct);
  }

  private static final MiniResult RESULT =
      new MiniResult(
          "model",
          MiniSplit.TEST,
          Dialogue.Form.QUESTION,
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
    assertThat(RESULT.accuracy(MiniTask.VQA)).isEqualTo(0.75);
    assertThat(RESULT.accuracy(MiniTask.CHART)).isZero();
    assertThat(RESULT.accuracy(MiniTask.COMBINED)).isEqualTo(1);
    assertThat(RESULT.mean()).isEqualTo(0.375);
    assertThat(RESULT.accuracy(MiniTask.OCR)).isNaN();
  }

  @Test
  void a_constant_answer_is_chosen_for_each_type() {
    // Of VQA, 'yes' is right twice of three and 'no' once of one; of Chart, each answer once.
    assertThat(RESULT.constantAnswers().get(MiniTask.VQA)).isEqualTo(0.75);
    assertThat(RESULT.constantAnswers().get(MiniTask.CHART)).isEqualTo(1);
  }

  @Test
  void a_row_says_the_same_as_the_answers_it_was_made_of() {
    MiniRow row = MiniRow.of("model", RESULT);
    assertThat(row.correct()).containsEntry(MiniTask.VQA, "1011");
    assertThat(row.heldOut()).containsEntry(MiniTask.VQA, "0001");
    assertThat(row.accuracy(MiniTask.VQA)).isEqualTo(RESULT.accuracy(MiniTask.VQA));
    // Held out: one of one of VQA, none of one of Chart.
    assertThat(row.newSkills()).isCloseTo(0.5, within(1e-12));
  }
}
