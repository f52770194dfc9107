package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.report.Project;

class ScoreCommandTest {
  @TempDir private Path folder;
  private Path table;

  @BeforeEach
  void write() throws IOException {
    table =
        Files.writeString(
            folder.resolve("m_ChartQA_TEST.tsv"),
            "index\tanswer\tsplit\tprediction\n"
                + "10\t9.5\ttest_human\t10\n"
                + "11\tyes\ttest_human\tYes.\n"
                + "12\t['2007']\ttest_augmented\t2008\n"
                + "13\t3\ttest_augmented\t\n");
  }

  @Test
  void prints_scores_with_intervals_and_the_official_table() {
    CommandRun run = CommandRun.of("score", table, "--benchmark", "ChartQA_TEST", "--quiet");

    assertThat(run.code()).isZero();
    assertThat(run.out().lines())
        .startsWith("ChartQA, VLMEvalKit table, OPTMERGE_FORK, 4 answers")
        .anyMatch(line -> line.matches("Overall +50\\.00 +\\[15\\.00, 85\\.00] +4"))
        .anyMatch(line -> line.matches("test_human +50\\.00 .*"))
        .contains("test_human  test_augmented  Overall", "50.0        50.0            50.0");
    assertThat(run.err())
        .startsWith(
            "warning: no answer in the cell, or a text such as N/A that pandas takes for none;"
                + " scored as 'nan': 1 example (13)"
                + System.lineSeparator());
  }

  @Test
  void the_profile_decides_what_five_percent_are_of() {
    CommandRun run =
        CommandRun.of(
            "score", table, "--benchmark", "ChartQA", "--profile", "vlmevalkit_latest", "--json");

    assertThat(run.code()).isZero();
    assertThat(run.json().path("profile").asText()).isEqualTo("VLMEVALKIT_LATEST");
    assertThat(run.json().path("official").path(0).path("test_human").asDouble()).isZero();
    assertThat(run.json().path("scores").path(0).path("mean").asDouble()).isEqualTo(0.25);
    assertThat(run.json().path("provenance").path("files").path(0).path("sha256").asText())
        .hasSize(64);
    assertThat(run.json().path("findings").path(0).path("ids").path(0).asText()).isEqualTo("13");
  }

  @Test
  void json_with_a_file_writes_there_and_prints_tables() throws IOException {
    Path out = folder.resolve("scores.json");
    for (Object[] order : new Object[][] {{table, "--json", out}, {"--json", out, table}}) {
      Files.deleteIfExists(out);
      CommandRun run =
          CommandRun.of("score", "--benchmark", "ChartQA", order[0], order[1], order[2]);

      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.out()).contains("Overall");
      JsonNode written = new ObjectMapper().readTree(out.toFile());
      assertThat(written.path("examples").asInt()).isEqualTo(4);
    }
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactlyInAnyOrder(table, out);
    }
  }

  @Test
  void explains_how_one_example_was_scored() {
    CommandRun run =
        CommandRun.of("score", table, "--benchmark", "ChartQA", "--explain", "10", "--quiet");

    assertThat(run.code()).isZero();
    assertThat(run.out().lines())
        .containsExactly(
            "example     10",
            "prediction  10",
            "answers     [9.5]",
            "  1. metric: RelaxedAccuracy[relativeTo=PREDICTION, strips=true]",
            "  2. relative difference from 9.5, divided by the prediction: 0.05",
            "score       1.0");
  }

  @Test
  void an_unknown_example_benchmark_or_second_file_is_told() {
    CommandRun example = CommandRun.of("score", table, "--benchmark", "ChartQA", "--explain", "99");
    assertThat(example.code()).isEqualTo(1);
    assertThat(example.err())
        .contains("optmerge: no prediction with id '99'; the first is '10', the last '13'");

    CommandRun benchmark = CommandRun.of("score", table, "--benchmark", "Chart");
    assertThat(benchmark.code()).isEqualTo(2);
    assertThat(benchmark.err())
        .startsWith("optmerge: no benchmark 'Chart'; known: [VizWiz, TextVQA, GQA,");

    CommandRun second = CommandRun.of("score", table, table, "--benchmark", "ChartQA");
    assertThat(second.code()).isEqualTo(2);
    assertThat(second.err()).contains("a second is for --json OUT");

    CommandRun missing = CommandRun.of("score", folder.resolve("no.tsv"), "--benchmark", "GQA");
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("no.tsv: there is no such file").hasLineCount(1);
  }

  @Test
  void tables_come_as_markdown_latex_and_the_official_csv() {
    assertThat(
            CommandRun.of("score", table, "--benchmark", "ChartQA", "--format", "markdown").out())
        .contains("| Overall | 50.000 |");
    assertThat(CommandRun.of("score", table, "--benchmark", "ChartQA", "--format", "latex").out())
        .contains("\\begin{tabular}");
    assertThat(CommandRun.of("score", table, "--benchmark", "ChartQA", "--format", "csv").out())
        .isEqualToNormalizingNewlines(
            "\"test_human\",\"test_augmented\",\"Overall\"\n\"50.0\",\"50.0\",\"50.0\"\n");
  }

  @Test
  void the_worst_answers_are_listed() {
    CommandRun run =
        CommandRun.of("score", table, "--benchmark", "ChartQA", "--errors", "1", "--quiet");

    assertThat(run.out().lines().toList().get(run.out().lines().toList().size() - 1))
        .matches("11 +0\\.00  Yes\\. +yes");
  }

  @Test
  void scored_predictions_are_compared_with_others() {
    Path first = folder.resolve("a.jsonl");
    Path second = folder.resolve("b.jsonl");
    CommandRun.of("score", table, "--benchmark", "ChartQA", "--write", first);
    CommandRun.of(
        "score",
        table,
        "--benchmark",
        "ChartQA",
        "--profile",
        "VLMEVALKIT_LATEST",
        "--write",
        second);

    CommandRun run = CommandRun.of("compare", first, second, "--quiet");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out().lines())
        .startsWith("A = a.jsonl", "B = b.jsonl")
        .anyMatch(line -> line.matches("Overall +50\\.00 +25\\.00 +\\+25\\.00 .* noise +4"))
        .endsWith("paired 4 examples by id: A is better on 1, B on 0, both alike on 3");

    CommandRun json = CommandRun.of("compare", first, second, "--json");
    assertThat(json.json().path("rows").path(0).path("difference").path("wins").asInt()).isOne();

    CommandRun itself =
        CommandRun.of("compare", table, table, "--benchmark", "ChartQA", "--format", "markdown");
    assertThat(itself.code()).isZero();
    assertThat(itself.out()).contains("| Overall |");
  }

  @Test
  void files_without_scores_need_a_benchmark() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("p.jsonl"), "{\"id\": 1, \"prediction\": \"x\", \"answer\": \"x\"}\n");

    CommandRun run = CommandRun.of("compare", file, file);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .isEqualTo(
            "optmerge: the first file has no score for '1'; name the benchmark to score it"
                + System.lineSeparator());
    assertThat(CommandRun.of("compare", file, file, "--benchmark", "GQA").code()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"p.tsv", "p.csv", "p.xlsx", "p.json"})
  void a_file_of_another_kit_is_compared_only_with_a_benchmark(String name) throws IOException {
    Path file =
        name.endsWith(".tsv")
            ? table
            : Files.writeString(
                folder.resolve(name),
                "[{\"question\": \"?\", \"answer\": \"14\", \"annotation\": \"14\"}]");

    CommandRun run = CommandRun.of("compare", file, file);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .contains(
            file + ": has no scores of ours; name the data set with --benchmark, to score both")
        .doesNotContain("UTF-8")
        .hasLineCount(1);
  }

  /** If not: {@code optmerge score --rules > core/SCORING.md}. */
  @Test
  void the_document_of_rules_is_what_the_command_prints() throws IOException {
    assertThat(CommandRun.of("score", "--rules").out())
        .isEqualTo(Files.readString(Project.file("core/SCORING.md")));
  }

  @Test
  void a_data_set_must_be_named() {
    CommandRun run = CommandRun.of("score", table);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("name the data set with --benchmark");
  }
}
