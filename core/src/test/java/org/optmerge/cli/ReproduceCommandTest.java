package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** With the recorded rows of the shipped models, so that no row is computed. */
class ReproduceCommandTest {
  @TempDir private Path folder;

  private CommandRun reproduce(Object... arguments) {
    Object[] all = new Object[arguments.length + 3];
    System.arraycopy(new Object[] {"reproduce", "--out", folder}, 0, all, 0, 3);
    System.arraycopy(arguments, 0, all, 3, arguments.length);
    return CommandRun.of(all);
  }

  @Tag("slow")
  @ParameterizedTest
  @ValueSource(
      strings = {"table2", "table3", "table4", "table6", "table8", "table10", "appB1", "seeds"})
  void the_recorded_rows_are_those_of_the_shipped_models(String table) {
    CommandRun run = reproduce(table, "--json");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.events())
        .as("progress would mean work")
        .noneMatch(event -> event.path("event").asText().equals("progress"));
    assertThat(folder.resolve("rows.json")).doesNotExist();
    assertThat(run.json()).isNotEmpty();
    for (JsonNode report : run.json()) {
      for (JsonNode finding : report.path("findings")) {
        assertThat(finding.get("statement").asText()).isNotBlank();
        assertThat(finding.get("holds").isBoolean()).isTrue();
        assertThat(finding.get("figures").asText()).containsPattern("\\d");
      }
    }
  }

  @Test
  void a_table_is_written_as_markdown_latex_and_csv_beside_the_published_one() throws IOException {
    CommandRun run = reproduce("table3");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("Capability merging: Base, LoRA")
        .contains("As published, table3")
        .containsPattern("(?m)^  (holds|does not hold): every expert gains");
    assertThat(Files.readString(folder.resolve("capabilities-lora.md")))
        .contains("| TSV Merging |", "## As published, table3");
    assertThat(Files.readString(folder.resolve("capabilities-lora.tex")))
        .startsWith("\\begin{tabular}{lrrrrrr")
        .contains("TSV Merging &", "95 \\% interval", "\\bottomrule");
    assertThat(Files.readAllLines(folder.resolve("capabilities-lora.csv")))
        .hasSize(22)
        .first()
        .asString()
        .startsWith("model or method,VQA,Geometry,Chart,OCR,Grounding,mean");
    for (String figure : new String[] {"accuracies", "scalings"}) {
      Path png = folder.resolve("capabilities-lora-" + figure + ".png");
      assertThat(ImageIO.read(png.toFile()).getWidth()).isGreaterThan(1000);
      assertThat(folder.resolve("capabilities-lora-" + figure + ".svg")).isNotEmptyFile();
    }
  }

  @Test
  void figure_2_is_drawn_for_both_kinds_of_experts() throws IOException {
    CommandRun run = reproduce("fig2", "--json");

    assertThat(run.code()).as(run.err()).isZero();
    for (String name :
        new String[] {"fig2-full-magnitudes", "fig2-lora-magnitudes", "fig2-lora-norm-per-layer"}) {
      Path file = Path.of(run.json().get(name).asText());
      assertThat(ImageIO.read(file.toFile()).getHeight()).isEqualTo(840);
    }
  }

  @Test
  void table_9_is_published_only_and_says_why() {
    CommandRun run = reproduce("table9");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .startsWith("table9, merging at 32 billion parameters")
        .contains("OptMerge");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "table7;there is no 'table7' to reproduce; there are",
        "--test-size=0;--test-size must be at least 1, is 0",
        "--validation-size=-1;--validation-size must be at least 1, is -1",
        "--models=nowhere;'nowhere' is no folder of models"
      })
  void what_is_not_there_is_a_wrong_request_in_one_line(String argument, String said) {
    CommandRun run = reproduce(argument);

    assertThat(run.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(said);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void a_folder_without_the_models_is_named() {
    CommandRun run = reproduce("appB1", "--models", folder, "--test-size", 1);

    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(folder.resolve("base").toString()).doesNotContain("defect");
  }

  @Test
  void rows_that_are_none_are_an_error_that_says_what_to_do() throws IOException {
    Files.writeString(folder.resolve("rows.json"), "[1, 2]");
    CommandRun run = reproduce("table8");

    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("rows.json", "delete the file to begin anew");
  }

  @Test
  void help_and_completion_know_what_can_be_reproduced() {
    assertThat(CommandRun.of("reproduce", "--help").out()).contains("table10", "appB1");
    assertThat(CommandRun.of("completion").out()).contains("table10", "appB1");
  }
}
