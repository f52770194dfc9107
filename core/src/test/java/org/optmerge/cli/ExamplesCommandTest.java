package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.model.media.AudioFiles;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.VideoFiles;

class ExamplesCommandTest {
  @Test
  void prints_questions_and_answers() {
    CommandRun run = CommandRun.of("examples", "mini:chart", "--count", "3");

    assertThat(run.code()).isZero();
    assertThat(run.out().lines()).hasSize(4);
    assertThat(run.out())
        .containsPattern("id +kind +question +answer")
        .containsPattern("chart-2 +value +what is the value of the \\w+ \\w+ \\? +\\d+");
  }

  @Test
  void the_whole_benchmark_is_five_tasks() {
    CommandRun run = CommandRun.of("examples", "mini", "--count", "1");

    assertThat(run.out().lines()).hasSize(6);
    assertThat(run.out()).contains("vqa-0", "geometry-0", "chart-0", "ocr-0", "grounding-0");
  }

  @Test
  void splits_differ() {
    assertThat(CommandRun.of("examples", "mini:ocr", "--split", "val").out())
        .isNotEqualTo(CommandRun.of("examples", "mini:ocr").out());
  }

  @Test
  void prints_json() {
    JsonNode json = CommandRun.of("examples", "mini:combined", "--count", "2", "--json").json();

    assertThat(json.path("split").asText()).isEqualTo("test");
    assertThat(json.path("examples")).hasSize(2);
    JsonNode example = json.at("/examples/1");
    assertThat(example.path("id").asText()).isEqualTo("combined-1");
    assertThat(example.path("answers")).hasSize(1);
    assertThat(example.path("heldOut").asText()).isEqualTo("true");
  }

  @Test
  void draws_a_sheet_and_writes_a_table(@TempDir Path folder) throws IOException {
    Path sheet = folder.resolve("sheet.png");
    Path table = folder.resolve("mini.tsv");

    CommandRun run =
        CommandRun.of(
            "examples",
            "mini",
            "--count",
            "2",
            "--sheet",
            sheet.toString(),
            "--tsv",
            table.toString());

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("sheet.png: 10 examples", "mini.tsv: 10 rows");
    assertThat(ImageIO.read(sheet.toFile()).getHeight()).isGreaterThan(5 * 2 * 192);
    assertThat(Files.readAllLines(table)).hasSize(11);
    assertThat(
            CommandRun.of("examples", "mini", "--count", "1", "--quiet", "--tsv", table.toString())
                .out())
        .isEmpty();
  }

  @Test
  void what_cannot_be_written_is_a_failure_of_the_work(@TempDir Path folder) throws IOException {
    Path file = Files.createFile(folder.resolve("file"));

    CommandRun run =
        CommandRun.of("examples", "mini", "--tsv", file.resolve("mini.tsv").toString());

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).startsWith("optmerge: ").hasLineCount(1);
  }

  @Test
  void a_wrong_name_split_or_count_is_a_wrong_command_line() {
    CommandRun task = CommandRun.of("examples", "mini:charts");
    assertThat(task.code()).isEqualTo(2);
    assertThat(task.err()).contains("no task 'charts'", "chart").hasLineCount(1);

    CommandRun name = CommandRun.of("examples", "ChartQA_TEST");
    assertThat(name.code()).isEqualTo(2);
    assertThat(name.err()).contains("ChartQA_TEST", "mini:grounding").hasLineCount(1);

    CommandRun split = CommandRun.of("examples", "mini", "--split", "train");
    assertThat(split.code()).isEqualTo(2);
    assertThat(split.err()).contains("base-train", "expert-train").hasLineCount(1);

    CommandRun count = CommandRun.of("examples", "mini", "--count", "0");
    assertThat(count.code()).isEqualTo(2);
    assertThat(count.err()).contains("--count must be at least 1, is 0").hasLineCount(1);
  }

  @Test
  void scenes_are_asked_about_and_shown(@TempDir Path folder) throws IOException {
    CommandRun text = CommandRun.of("examples", "stage:sounding-colour", "--count", "3");
    assertThat(text.out().lines()).hasSize(4);
    assertThat(text.out())
        .containsPattern(
            "sounding-colour-2 +sounding-colour +what color is the sounding instrument \\? +\\w+");

    Path sheet = folder.resolve("sheet.png");
    CommandRun run =
        CommandRun.of(
            "examples",
            "stage:sounding-colour",
            "--count",
            "2",
            "--sheet",
            sheet.toString(),
            "--media",
            folder.resolve("media").toString());

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("sheet.png: 2 examples", "media: 6 files");
    assertThat(ImageIO.read(sheet.toFile()).getWidth()).isGreaterThan(2 * 2 * 192);
    Path media = folder.resolve("media");
    assertThat(ImageFiles.read(media.resolve("sounding-colour-1.png")).width()).isEqualTo(48);
    assertThat(AudioFiles.read(media.resolve("sounding-colour-1.wav")).sampleRate())
        .isEqualTo(16_000);
    assertThat(VideoFiles.read(media.resolve("sounding-colour-1.gif"), 4).frames()).hasSize(4);
  }

  @Test
  void a_table_of_scenes_and_an_unknown_type_are_wrong_command_lines(@TempDir Path folder) {
    CommandRun table =
        CommandRun.of("examples", "stage", "--tsv", folder.resolve("t.tsv").toString());
    assertThat(table.code()).isEqualTo(2);
    assertThat(table.err()).contains("use --media").hasLineCount(1);

    CommandRun type = CommandRun.of("examples", "stage:smell");
    assertThat(type.code()).isEqualTo(2);
    assertThat(type.err()).contains("no question of type 'smell'").hasLineCount(1);
  }
}
