package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.CapabilityModel;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.model.InternVL;

/** With models that know nothing: their answers are noise, but always the same noise. */
class MiniEvaluatorTest {
  private static final List<MiniTask> TASKS = List.of(MiniTask.VQA, MiniTask.GROUNDING);

  private static MiniEvaluator evaluator() {
    return new MiniEvaluator(MiniSplit.VALIDATION, TASKS, 30, Dialogue.Form.QUESTION);
  }

  @Test
  void every_question_is_answered_once_and_in_order() {
    try (InternVL model = CapabilityModel.initialise(1)) {
      int[] answered = {0};
      MiniResult result = evaluator().evaluate("noise", model, more -> answered[0] += more);
      assertThat(answered[0]).isEqualTo(60);
      assertThat(result.answers())
          .hasSize(60)
          .extracting(MiniResult.Answer::id)
          .doesNotHaveDuplicates()
          .startsWith("val/vqa/0", "val/vqa/1")
          .endsWith("val/grounding/29");
      assertThat(result.answers()).anyMatch(answer -> !answer.given().isEmpty());
    }
  }

  @Test
  void features_are_kept_for_the_same_tower_and_made_anew_for_another() {
    try (InternVL one = CapabilityModel.initialise(1);
        InternVL other = CapabilityModel.initialise(2)) {
      MiniEvaluator kept = evaluator();
      MiniResult first = kept.evaluate("one", one, more -> {});
      MiniResult second = kept.evaluate("other", other, more -> {});
      assertThat(second.answers())
          .isEqualTo(evaluator().evaluate("other", other, more -> {}).answers())
          .isNotEqualTo(first.answers());
      assertThat(kept.evaluate("one", one, more -> {}).answers()).isEqualTo(first.answers());
    }
  }
}
