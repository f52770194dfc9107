package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

class EvaluateCommandTest {
  private static final Path MODELS = Path.of("../data-manifests/mini");
  private static final Path BASE = MODELS.resolve("base");

  @TempDir private Path folder;

  @Test
  void every_task_has_a_row_with_its_interval_and_what_a_constant_answer_would_score() {
    CommandRun run = CommandRun.of("evaluate", BASE, "--count", 6, "--quiet");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out().lines()).hasSize(8);
    assertThat(run.out())
        .containsPattern("(?m)^task +questions +accuracy % +95 % interval +constant answer %$")
        .containsPattern("(?m)^OCR +6 +\\d+\\.\\d  \\[\\d+\\.\\d, \\d+\\.\\d\\] +\\d+\\.\\d$")
        .containsPattern("(?m)^Combined +6 ")
        .containsPattern("(?m)^Mean of capabilities +30 ");
  }

  @Test
  void predictions_and_scores_are_written_and_agree_with_what_is_printed() throws IOException {
    CommandRun run =
        CommandRun.of(
            "evaluate",
            BASE,
            "--benchmark",
            "mini:ocr",
            "--count",
            20,
            "--split",
            "val",
            "--out",
            folder,
            "--json");

    assertThat(run.code()).as(run.err()).isZero();
    JsonNode ocr = run.json().at("/tasks/ocr");
    assertThat(run.json().get("split").asText()).isEqualTo("val");
    assertThat(run.json().get("form").asText()).isEqualTo("question");
    assertThat(ocr.get("questions").asInt()).isEqualTo(20);
    assertThat(ocr.get("interval").get(0).asDouble())
        .isLessThanOrEqualTo(ocr.get("accuracy").asDouble());
    assertThat(ocr.get("interval").get(1).asDouble())
        .isGreaterThanOrEqualTo(ocr.get("accuracy").asDouble());
    ObjectMapper mapper = new ObjectMapper();
    assertThat(mapper.readTree(folder.resolve("scores.json").toFile())).isEqualTo(run.json());
    List<String> lines = Files.readAllLines(folder.resolve("predictions.jsonl"));
    int right = 0;
    for (String line : lines) {
      JsonNode answer = mapper.readTree(line);
      assertThat(answer.get("id").asText()).startsWith("ocr-");
      right += answer.get("score").asInt();
    }
    assertThat(lines).hasSize(20);
    assertThat(right / 20.0).isEqualTo(ocr.get("accuracy").asDouble());
    assertThat(run.events()).allMatch(event -> event.get("event").asText().equals("progress"));
  }

  @Test
  void an_adapter_is_put_on_its_base_with_a_plus() {
    double base = accuracy(BASE.toString(), "ocr", "question");
    double expert = accuracy(BASE + "+" + MODELS.resolve("lora-ocr"), "ocr", "question");

    assertThat(expert).isGreaterThan(base);
  }

  @Test
  void the_base_knows_as_statements_what_it_does_not_say_when_asked() {
    assertThat(accuracy(BASE.toString(), "vqa", "statement"))
        .isGreaterThan(accuracy(BASE.toString(), "vqa", "question") + 0.2);
  }

  private static double accuracy(String model, String task, String form) {
    CommandRun run =
        CommandRun.of(
            "evaluate",
            model,
            "--benchmark",
            "mini:" + task,
            "--count",
            40,
            "--form",
            form,
            "--json",
            "--quiet");
    assertThat(run.code()).as(run.err()).isZero();
    return run.json().at("/tasks/" + task + "/accuracy").asDouble();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--benchmark;chart_qa;no benchmark 'chart_qa' that the paper's kits ask models of the family internvl2_5; did you mean",
        "--benchmark;mini:maps;mini:maps",
        "--split;train;'train'",
        "--split;base-train;'base-train'",
        "--count;0;--count must be at least 1, is 0",
        "--count;many;'many'",
        "--form;riddle;'riddle'"
      })
  void what_is_not_there_is_a_wrong_request_in_one_line(String option, String value, String said) {
    CommandRun run = CommandRun.of("evaluate", BASE, option, value);

    assertThat(run.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(said.replace("mini:maps", "maps"));
  }

  @Test
  void a_folder_that_is_not_there_is_named() {
    CommandRun run = CommandRun.of("evaluate", folder.resolve("none"), "--count", 1);

    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(folder.resolve("none").toString()).doesNotContain("defect");
  }

  @Test
  void help_names_the_tasks_and_the_forms() {
    CommandRun run = CommandRun.of("evaluate", "--help");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("mini:chart", "QUESTION, STATEMENT", "95 % intervals");
  }

  @Test
  void the_shell_completes_benchmarks_and_splits() {
    assertThat(CommandRun.of("completion").out()).contains("mini:grounding").contains("\"val\"");
  }

  /** Ten pictures of the miniature with their questions, as a user would have them. */
  private Path ownQuestions() throws IOException {
    List<String> lines = new ArrayList<>();
    List<Question> questions =
        CapabilityBenchmark.of("mini:ocr").withPerTask(10).questions().toList();
    for (Question question : questions) {
      String picture = question.id() + ".png";
      Files.write(folder.resolve(picture), ImageFiles.png((Image) question.media().get(0)));
      lines.add(
          "{\"image\": \"%s\", \"question\": \"%s\", \"answer\": \"%s\", \"group\": \"%s\"}"
              .formatted(picture, question.text(), question.answers().get(0), question.type()));
    }
    return Files.write(folder.resolve("mine.jsonl"), lines);
  }

  @Test
  void questions_of_ones_own_are_asked_and_scored_group_by_group() throws IOException {
    Path out = folder.resolve("out");
    CommandRun run =
        CommandRun.of(
            "evaluate", BASE, "--questions", ownQuestions(), "--metric", "anls", "--out", out);

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .containsPattern("(?m)^group +questions +accuracy % +95 % interval +constant answer %$")
        .containsPattern("(?m)^Mean of groups +10 ")
        .contains("Metric: anls. --metric chooses another.");
    assertThat(Files.readAllLines(out.resolve("predictions.jsonl"))).hasSize(10);
    JsonNode scores = new ObjectMapper().readTree(out.resolve("scores.json").toFile());
    assertThat(scores.get("metric").asText()).isEqualTo("anls");

    // The same again asks nothing; another metric is another evaluation.
    assertThat(
            CommandRun.of(
                    "evaluate",
                    BASE,
                    "--questions",
                    folder.resolve("mine.jsonl"),
                    "--metric",
                    "anls",
                    "--out",
                    out)
                .out())
        .isEqualTo(run.out());
    CommandRun other =
        CommandRun.of("evaluate", BASE, "--questions", folder.resolve("mine.jsonl"), "--out", out);
    assertThat(other.code()).isEqualTo(Main.FAILED);
    assertThat(other.err().lines()).hasSize(1);
    assertThat(other.err()).contains("other metric: ", "--force");
  }

  @Test
  void the_default_metric_of_ones_own_questions_is_named() throws IOException {
    CommandRun run = CommandRun.of("evaluate", BASE, "--questions", ownQuestions());
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("Metric: exact. --metric chooses another.");
  }

  @Test
  void a_fault_of_a_question_list_is_said_in_one_line() throws IOException {
    Path list = folder.resolve("mine.jsonl");
    Files.writeString(list, "{\"image\": \"none.png\", \"question\": \"q\", \"answer\": \"a\"}");
    CommandRun run = CommandRun.of("evaluate", BASE, "--questions", list);
    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err())
        .contains("line 1: image 'none.png' is not there")
        .doesNotContain("defect");

    CommandRun metric = CommandRun.of("evaluate", BASE, "--questions", list, "--metric", "exat");
    assertThat(metric.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(metric.err()).contains("no metric 'exat'", "did you mean 'exact'?");
    CommandRun both = CommandRun.of("evaluate", BASE, "--questions", list, "--count", 3);
    assertThat(both.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(both.err()).contains("--count belongs to a benchmark");
  }
}
