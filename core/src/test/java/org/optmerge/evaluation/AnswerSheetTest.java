package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.mini.MiniTask;

class AnswerSheetTest {
  /** The five capabilities with the same answers. */
  private static AnswerSheet row(String digits) {
    Map<String, String> right = new LinkedHashMap<>();
    MiniTask.CAPABILITIES.forEach(task -> right.put(task.label(), digits));
    return new AnswerSheet(
        "row",
        0.5,
        Map.of("0.5", 0.3),
        List.of(),
        Grouping.CAPABILITIES,
        right,
        Map.of(),
        Map.of(),
        null,
        new Provenance("m", "s", "q"),
        1);
  }

  @Test
  void its_first_questions_are_those_of_each_task() {
    AnswerSheet first = row("1001").first(2);

    assertThat(first.right()).isEqualTo(row("10").right());
    assertThat(first.accuracy("OCR")).isEqualTo(0.5);
    assertThat(first.scaling()).isEqualTo(0.5);
    assertThat(first.made()).as("no study takes it for its own").isNull();
  }

  @Test
  void more_questions_than_it_has_are_refused() {
    assertThatThrownBy(() -> row("1001").first(5)).hasMessage("VQA has 4 questions, not 5");
    assertThatThrownBy(() -> row("1001").first(0)).hasMessage("VQA has 4 questions, not 0");
  }

  @Test
  void agreement_counts_what_both_have_right_and_what_both_have_wrong() {
    assertThat(row("1001").agreement(row("1100"))).isEqualTo(0.5, within(1e-12));
    assertThat(row("1001").agreement(row("1001"))).isEqualTo(1);
    assertThatThrownBy(() -> row("1001").agreement(row("10")))
        .hasMessage("'row' and 'row' were not asked the same questions");
  }

  private static AnswerSheet modalities(String colours, String places) {
    Map<String, String> right = new LinkedHashMap<>();
    right.put("sounding-colour", colours);
    right.put("sounding-place", places);
    return new AnswerSheet(
        "x",
        0.5,
        Map.of(),
        List.of("vision"),
        Grouping.MODALITIES,
        right,
        Map.of(),
        Map.of(),
        1.5,
        null,
        1);
  }

  @Test
  void rows_are_read_as_they_were_written_one_a_line(@TempDir Path folder) throws IOException {
    Map<String, AnswerSheet> rows = new LinkedHashMap<>();
    rows.put("modality/x?given=vision", modalities("10101", "00000"));
    rows.put("full/row", row("1001"));
    Path file = folder.resolve("new/rows.json");

    AnswerSheet.write(rows, file);

    assertThat(AnswerSheet.read(file)).isEqualTo(rows);
    assertThat(file.getParent()).isDirectoryContaining(one -> one.equals(file));
    assertThat(Files.readAllLines(file)).hasSize(4);
    // 15 is 10101, the highest bit the first question.
    assertThat(Files.readString(file)).contains("\"sounding-colour\":\"5:15\"");
  }

  @Test
  void the_best_of_each_group_is_chosen_group_by_group() {
    AnswerSheet best =
        AnswerSheet.bestOfEachGroup(
            "best", List.of(modalities("11", "00"), modalities("01", "10")));
    assertThat(best.accuracy("sounding-colour")).isEqualTo(1);
    assertThat(best.accuracy("sounding-place")).isEqualTo(0.5);
  }

  @Test
  void the_mean_over_seeds_is_that_of_modalities_as_well() {
    AnswerSheet mean = AnswerSheet.mean(List.of(modalities("11", "00"), modalities("01", "10")));
    assertThat(mean.scores("sounding-colour")).containsExactly(0.5, 1);
    assertThat(mean.given()).containsExactly("vision");
    assertThat(mean.models()).isEqualTo(2);
  }

  @Test
  void scores_between_right_and_wrong_are_kept_as_they_are(@TempDir Path folder) {
    AnswerSheet sheet =
        AnswerSheet.of(
            new ModelEvaluation(
                "m",
                Presentation.DEFAULT,
                List.of(item("1", "VizWiz", 0.3), item("2", "VizWiz", 1), item("1", "GQA", 1))),
            Grouping.GROUPS);
    Path file = folder.resolve("rows.json");
    AnswerSheet.write(Map.of("m", sheet), file);
    AnswerSheet read = AnswerSheet.read(file).get("m");

    assertThat(read).isEqualTo(sheet);
    assertThat(read.scores("VizWiz")).containsExactly(0.3, 1);
    assertThat(read.right()).containsEntry("VizWiz", "01").containsEntry("GQA", "1");
    assertThat(read.mean()).isEqualTo((0.65 + 1) / 2);
    assertThat(read.first(1).scores("VizWiz")).containsExactly(0.3);
    assertThat(AnswerSheet.bestOfEachGroup("best", List.of(read, read)).mean())
        .isEqualTo(read.mean());
    AnswerSheet whole =
        AnswerSheet.of(
            new ModelEvaluation(
                "m",
                Presentation.DEFAULT,
                List.of(item("1", "VizWiz", 1), item("2", "VizWiz", 0), item("1", "GQA", 0))),
            Grouping.GROUPS);
    AnswerSheet mean = AnswerSheet.mean(List.of(read, whole));
    assertThat(mean.scores("VizWiz")).containsExactly(0.65, 0.5);
    assertThat(mean.scores("GQA")).containsExactly(0.5);
  }

  private static Predicted item(String id, String task, double score) {
    return new Predicted(
        id,
        task,
        "",
        new org.optmerge.metric.Prediction("x"),
        org.optmerge.metric.Reference.of("x"),
        score);
  }
}
