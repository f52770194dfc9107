package org.optmerge.evaluation.kit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.base.OptMergeException;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.metric.ScoringProfile;

class PredictionFilesTest {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(100, 0.95, 0);

  @TempDir private Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static Evaluation score(Path file, Protocol protocol, Path answers) {
    return Evaluation.of(
        PredictionFiles.read(file, protocol, ScoringProfile.OPTMERGE_FORK, answers),
        protocol,
        ScoringProfile.OPTMERGE_FORK,
        BOOTSTRAP);
  }

  private static List<String> findings(Evaluation evaluation) {
    return evaluation.findings().stream().map(Finding::toString).toList();
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        Arguments.of(
            "a.tsv",
            "index\tanswer\n0\tyes\n",
            "has no column 'prediction'; its columns are [index, answer]"),
        Arguments.of("b.txt", "x", "expected .xlsx, .tsv or .csv (VLMEvalKit), or .json or .jsonl"),
        Arguments.of("c.jsonl", "", "is empty"),
        Arguments.of("d.jsonl", "{\"a\": 1}\n", "of no known kit: it has [a]; expected \"id\" and"),
        Arguments.of("e.jsonl", "1\n", "line 1: expected a JSON object, came a number"),
        Arguments.of(
            "f.jsonl",
            "{\"id\": 1, \"prediction\": \"x\", \"answer\": \"x\"}\n{\"id\": 2, \"predi",
            "line 2: not valid JSON"),
        Arguments.of(
            "g.jsonl",
            "{\"id\": 1, \"prediction\": \"x\"}\n{\"id\": 2}\n",
            "line 2 has no \"prediction\"; it has [id]"),
        Arguments.of(
            "h.jsonl",
            "{\"id\": 1, \"prediction\": \"x\", \"score\": 7}\n",
            "score must be in [0, 1], is 7"),
        Arguments.of(
            "i.jsonl",
            "{\"question_id\": 1, \"text\": \"x\"}\n",
            "LLaVA keeps references apart; name GQA's questions with --answers"),
        Arguments.of("j.json", "{}", "of no known kit: it has []"),
        Arguments.of("k.json", "[{\"answer\": ", "not valid JSON"),
        Arguments.of("l.json", "[{\"text\": 1}]", "of no known kit: it has [text]"));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void a_faulty_file_is_named_with_what_is_wrong(String name, String text, String message)
      throws IOException {
    Path file = file(name, text);

    assertThatThrownBy(() -> score(file, Protocol.GQA, null))
        .isInstanceOf(OptMergeException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void a_file_that_is_not_there_is_an_error() {
    assertThatThrownBy(() -> score(folder.resolve("no.tsv"), Protocol.GQA, null))
        .hasMessageEndingWith("no.tsv: there is no such file");
  }

  @Test
  void wrong_encoding_is_an_error() throws IOException {
    Path latin = folder.resolve("latin.jsonl");
    Files.write(
        latin, "{\"id\": 1, \"prediction\": \"\u00fc\"}\n".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> score(latin, Protocol.GQA, null))
        .hasMessageContaining("latin.jsonl: not valid UTF-8");
  }

  @Test
  void a_table_of_headers_only_has_nothing_to_score() throws IOException {
    Path file = file("h.tsv", "index\tanswer\tprediction\n");

    assertThatThrownBy(() -> score(file, Protocol.GQA, null))
        .hasMessage("there are no predictions to score");
  }

  @Test
  void duplicates_and_missing_answers_count_and_are_listed() throws IOException {
    Evaluation evaluation =
        score(
            file(
                "t.tsv",
                "index\tanswer\tprediction\n0\tyes\tYes.\n0\tyes\tno\n1\tnan\tN/A\n2\tdog\t\n"),
            Protocol.GQA,
            null);

    // pandas makes NaN of N/A on both sides, so they match, as in the official code.
    assertThat(evaluation.values()).containsExactly(1, 0, 1, 0);
    assertThat(evaluation.official().rows()).containsExactly(Map.of("Overall", 50.0));
    assertThat(findings(evaluation))
        .containsExactly(
            "the same id again; every line counts, as in the official code: 1 example (0)",
            "no answer in the cell, or a text such as N/A that pandas takes for none; scored as"
                + " 'nan': 2 examples (1, 2)");
  }

  @Test
  void what_cannot_be_scored_counts_as_wrong_and_is_listed() throws IOException {
    Evaluation evaluation =
        score(
            file("t.tsv", "index\tanswer\tprediction\n0\t[]\tx\n1\tx\tx\n"),
            Protocol.CHARTQA,
            null);

    assertThat(evaluation.values()).containsExactly(0, 1);
    assertThat(findings(evaluation))
        .containsExactly("without a reference answer, counts as wrong: 1 example (0)");
  }

  @Test
  void a_megabyte_of_answer_is_an_answer() throws IOException {
    Evaluation evaluation =
        score(
            file(
                "t.jsonl",
                "{\"id\": 1, \"prediction\": \"%s\", \"answer\": \"x\"}\n"
                    .formatted("y ".repeat(1 << 19))),
            Protocol.TEXTVQA,
            null);

    assertThat(evaluation.values()).containsExactly(0);
  }

  @Test
  void modelcompose_counts_lines_whatever_their_ids() throws IOException {
    Path answers =
        file(
            "answers.json",
            "[{\"id\": 1, \"conversations\": [{\"value\": \"q\"}, {\"value\": \"B\"}]},"
                + " {\"id\": 2, \"conversations\": [{\"value\": \"q\"}, {\"value\": \"A\"}]}]");
    Evaluation evaluation =
        score(
            file(
                "merge.jsonl",
                "{\"question_id\": 1, \"text\": \"B. dog\"}\n"
                    + "{\"question_id\": 1, \"text\": \"b\"}\n"
                    + "{\"question_id\": \"1\", \"text\": \"B\"}\n"
                    + "{\"question_id\": 1, \"text\": \"\"}\n"),
            Protocol.AVQA,
            answers);

    assertThat(evaluation.official().rows()).containsExactly(Map.of("Accuracy", "25.00%"));
    assertThat(findings(evaluation))
        .containsExactly(
            "the same id again; every line counts, as in the official code: 2 examples (1, 1)",
            "unknown id, counts as wrong: 1 example (\"1\")",
            "empty answer, scored as it is: 1 example (1)",
            "in the answer file but not predicted; not counted by the official code: 1 example"
                + " (2)");
  }

  @Test
  void lmms_eval_lines_that_were_appended_again_are_left_out_and_listed() throws IOException {
    String line =
        "{\"doc_id\": %d, \"doc\": {\"bbox\": [0.1, 0.1, 0.5, 0.5]}, \"filtered_resps\":"
            + " [\"(100,100),(500,500)\"]}\n";
    Evaluation evaluation =
        score(
            file("s.jsonl", line.formatted(0) + line.formatted(1) + line.formatted(0)),
            Protocol.REFCOCO,
            null);

    assertThat(evaluation.items()).hasSize(2);
    assertThat(evaluation.official().rows().get(0)).containsEntry("refcoco_ACC@0.5", 1.0);
    assertThat(findings(evaluation))
        .containsExactly(
            "the same doc_id again, left out: lmms-eval appends to its files: 1 example (0)");
  }

  @Test
  void a_box_that_is_none_is_an_error_with_its_line() throws IOException {
    Path file =
        file(
            "s.jsonl",
            "{\"doc_id\": 0, \"doc\": {\"bbox\": [0.1, NaN, 0.5, 0.5]}, \"filtered_resps\":"
                + " [\"x\"]}\n");

    assertThatThrownBy(() -> score(file, Protocol.REFCOCO, null))
        .hasMessageContaining(
            "line 1: \"bbox\" of lmms-eval samples (0.2.3 to 0.3.5) must be four numbers,"
                + " is [0.1,\"NaN\",0.5,0.5]");
  }

  @Test
  void a_table_that_we_write_is_scored_as_what_it_was_written_from() throws IOException {
    List<Predicted> items =
        List.of(
            Predicted.of("1", "=1", List.of("=1"), Map.of("split", "test_human")),
            Predicted.of("2", "a \"dog\"\nor two", List.of("cat", "it's"), Map.of("split", "x")),
            Predicted.of("3", "14", List.of("14.5"), Map.of("split", "x")));
    for (String name : List.of("t.xlsx", "t.tsv", "t.csv")) {
      Path file = folder.resolve(name);
      assertThat(PredictionWriter.vlmEvalKit(file, items, "answer")).isEmpty();

      Evaluation evaluation = score(file, Protocol.CHARTQA, null);

      assertThat(evaluation.items().stream().map(item -> item.prediction().text()))
          .as(name)
          .containsExactly("=1", "a \"dog\"\nor two", "14");
      assertThat(evaluation.items().get(1).reference().answers()).containsExactly("cat", "it's");
      assertThat(evaluation.values()).containsExactly(1, 0, 1);
      assertThat(evaluation.official().columns()).containsExactly("test_human", "x", "Overall");
    }
  }

  @Test
  void an_answer_that_no_cell_can_hold_is_cut_and_listed() {
    List<Finding> findings =
        PredictionWriter.vlmEvalKit(
            folder.resolve("t.xlsx"),
            List.of(Predicted.of("7", "y".repeat(40_000), List.of("y"), Map.of())),
            "answer");

    assertThat(findings)
        .containsExactly(
            new Finding(
                "prediction is longer than a cell of a spreadsheet, cut to 32767 characters",
                List.of("7")));
  }

  @Test
  void our_lines_keep_everything_that_was_written() {
    List<Predicted> items =
        List.of(
            new Predicted(
                "a/1",
                "chart",
                "sum",
                new Prediction("é \"x\"\n😀"),
                new Reference(List.of("1", "2"), Map.of("heldOut", "true")),
                0.25),
            Predicted.of("2", "", List.of(), Map.of()));
    Path file = folder.resolve("p.jsonl");
    Predictions.write(file, items);

    Predictions read = Predictions.read(file);

    assertThat(read.items()).isEqualTo(items);
    assertThat(read.findings())
        .containsExactly(new Finding("empty answer, scored as it is", List.of("2")));
  }

  @Test
  void fields_beside_the_known_ones_are_fields() throws IOException {
    Predictions read =
        Predictions.read(
            file(
                "p.jsonl",
                "{\"id\": 7, \"prediction\": 5, \"answer\": \"five\", \"heldOut\": true}\n"));

    assertThat(read.items())
        .containsExactly(
            new Predicted(
                "7",
                "",
                "",
                new Prediction("5"),
                new Reference(List.of("five"), Map.of("heldOut", "true")),
                null));
  }

  @Test
  void with_the_data_set_at_hand_no_example_can_be_left_out() throws IOException {
    Path dataSet = file("GQA.tsv", "index\tanswer\n1\tyes\n2\tno\n3\tdog\n");

    Evaluation evaluation =
        score(
            file("m.tsv", "index\tanswer\tprediction\n1\tyes\tyes\n9\tcat\tcat\n"),
            Protocol.GQA,
            dataSet);

    assertThat(evaluation.values()).containsExactly(1, 0, 0, 0);
    assertThat(findings(evaluation))
        .containsExactly(
            "unknown id, counts as wrong: 1 example (9)",
            "in the answer file but without a prediction, counts as wrong: 2 examples (2, 3)");
  }

  @Test
  void music_avqa_has_lines_for_the_types_that_the_answer_file_tells() throws IOException {
    Path answers =
        file(
            "answers.json",
            "[{\"id\": 1, \"type\": [\"Audio\", \"Counting\"], \"conversations\": [{\"value\": \"two\"}]},"
                + " {\"id\": 2, \"type\": \"['Visual', 'Location']\", \"conversations\": [{\"value\":"
                + " \"left\"}]}]");
    Evaluation evaluation =
        score(
            file(
                "merge.jsonl",
                "{\"question_id\": 1, \"text\": \"2\"}\n{\"question_id\": 2, \"text\": \"right\"}\n"),
            Protocol.MUSIC_AVQA,
            answers);

    assertThat(evaluation.official().rows().get(0))
        .containsEntry("Accuracy", "50.00%")
        .containsEntry("Audio Counting Accuracy", "100.00 %")
        .containsEntry("Visual Accuracy", "0.00 %")
        .doesNotContainKey("AV Accuracy");
  }

  @Test
  void the_paper_has_the_mean_of_the_geometry_rows() throws IOException {
    String row = "%d\t%s\t[]\t%s\t%s\n";
    Evaluation evaluation =
        score(
            file(
                "m.tsv",
                "index\tanswer\tchoices\tcategory\tprediction\n"
                    + row.formatted(1, "5", "solid geometry", "5.0")
                    + row.formatted(2, "7", "solid geometry", "no idea")
                    + row.formatted(3, "2", "metric geometry - area", "x")
                    + row.formatted(4, "2", "algebra", "2")),
            Protocol.MATHVISION,
            null);

    // solid geometry 50 %, area 0 %; algebra is not counted
    assertThat(evaluation.paperColumn()).hasValue(25);
    assertThat(evaluation.overall().interval().mean()).isEqualTo(0.5);
    assertThat(findings(evaluation))
        .containsExactly(
            "no judge's extraction in the file; counts as wrong where one is needed, so the score is"
                + " a lower bound: 2 examples (2, 3)");
  }
}
