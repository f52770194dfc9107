package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.QuestionFile;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.CapabilityMetric;
import org.optmerge.benchmark.mini.CapabilityModel;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

/** With models that know nothing: their answers are noise, but always the same noise. */
class EvaluatorTest {
  private static final CapabilityBenchmark QUESTIONS =
      new CapabilityBenchmark(
          "mini",
          MiniGenerator.SEED,
          MiniSplit.VALIDATION,
          List.of(MiniTask.VQA, MiniTask.GROUNDING),
          30);

  @TempDir private Path folder;

  private static Evaluator evaluator() {
    return new Evaluator(QUESTIONS, new CapabilityMetric());
  }

  @Test
  void every_question_is_answered_once_and_in_order() {
    try (MultimodalModel model = CapabilityModel.initialise(1)) {
      int[] answered = {0};
      ModelEvaluation result = evaluator().evaluate("noise", model, more -> answered[0] += more);
      assertThat(answered[0]).isEqualTo(60);
      assertThat(result.items())
          .hasSize(60)
          .extracting(Predicted::id)
          .doesNotHaveDuplicates()
          .startsWith("vqa-0", "vqa-1")
          .endsWith("grounding-29");
      assertThat(result.items()).anyMatch(answer -> !answer.given().isEmpty());
    }
  }

  @Test
  void features_are_kept_for_the_same_encoder_and_made_anew_for_another() {
    try (MultimodalModel one = CapabilityModel.initialise(1);
        MultimodalModel other = CapabilityModel.initialise(2)) {
      Evaluator kept = evaluator();
      ModelEvaluation first = kept.evaluate("one", one, more -> {});
      ModelEvaluation second = kept.evaluate("other", other, more -> {});
      assertThat(second.items())
          .isEqualTo(evaluator().evaluate("other", other, more -> {}).items())
          .isNotEqualTo(first.items());
      assertThat(kept.evaluate("one", one, more -> {}).items()).isEqualTo(first.items());
    }
  }

  private ModelEvaluation resume(Evaluator evaluator, boolean anew, List<Integer> told) {
    String base = ShippedFamilies.MODELS.resolve("base").toString();
    try (MultimodalModel model = MultimodalModel.open(base)) {
      return new EvaluationFolder(folder).evaluate(evaluator, base, model, anew, told::add);
    }
  }

  @Test
  void an_interrupted_evaluation_goes_on_where_it_stopped() throws IOException {
    List<Predicted> whole = resume(evaluator(), false, new ArrayList<>()).items();
    Path file = folder.resolve("predictions.jsonl");
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(60);
    // Killed in the middle of the eleventh line.
    Files.writeString(
        file, String.join("\n", lines.subList(0, 10)) + "\n" + lines.get(10).substring(0, 20));

    List<Integer> told = new ArrayList<>();
    assertThat(resume(evaluator(), false, told).items()).isEqualTo(whole);
    assertThat(told.get(0)).isEqualTo(10);
    assertThat(told.subList(1, told.size())).hasSize(50);
    assertThat(Files.readAllLines(file)).isEqualTo(lines);
  }

  @Test
  void answers_of_another_evaluation_are_refused_unless_they_are_to_be_replaced() {
    resume(evaluator(), false, new ArrayList<>());
    Evaluator statements =
        new Evaluator(
            QUESTIONS, new CapabilityMetric(), new Presentation(Presentation.Form.STATEMENT));

    assertThatThrownBy(() -> resume(statements, false, new ArrayList<>()))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("answers of another evaluation (other ")
        .hasMessageContaining("--force");
    assertThat(resume(statements, true, new ArrayList<>()).items()).hasSize(60);
  }

  @Test
  void a_question_that_cannot_be_put_as_a_statement_is_named() throws IOException {
    Path picture = folder.resolve("1.png");
    Files.write(
        picture,
        ImageFiles.png((Image) QUESTIONS.questions().findFirst().orElseThrow().media().get(0)));
    Path list =
        Files.writeString(
            folder.resolve("mine.jsonl"),
            "{\"image\": \"1.png\", \"question\": \"is there a circle ?\", \"answer\": \"yes\"}");
    try (MultimodalModel model = CapabilityModel.initialise(1)) {
      Evaluator evaluator = new Evaluator(QuestionFile.open(list), Metrics.named("exact"));
      assertThat(evaluator.evaluate("mine", model, more -> {}).items()).hasSize(1);
      Evaluator statements = evaluator.put(new Presentation(Presentation.Form.STATEMENT));
      assertThatThrownBy(() -> statements.evaluate("mine", model, more -> {}))
          .isInstanceOf(BenchmarkException.class)
          .hasMessageContaining("question '1' has no form of a statement");
    }
  }
}
