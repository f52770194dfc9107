package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.report.Project;

/** Picture, sound and film, as shipped, through the commands. */
class OmniCommandsTest {
  @TempDir private Path folder;

  private static String shipped(String name) {
    return Project.file("data-manifests/mini").resolve(name).toString();
  }

  @Test
  void aMergeOfTheShippedAdaptersIsWrittenAndAnswersWithWhatItIsGiven() throws IOException {
    String base = shipped("omni-base");
    Path recipe =
        Files.writeString(
            folder.resolve("recipe.yaml"),
            """
            merge_method: task-arithmetic
            base_model: %1$s
            models:
              - {model: '%1$s+%2$s'}
              - {model: '%1$s+%3$s'}
              - {model: '%1$s+%4$s'}
            parameters: {scaling: 0.7}
            include: ['language_model\\.model\\.layers\\..*_proj\\.weight']
            """
                .formatted(
                    base, shipped("omni-vision"), shipped("omni-audio"), shipped("omni-video")));
    Path merged = folder.resolve("merged");
    CommandRun merge = CommandRun.of("merge", recipe.toString(), "--out", merged.toString());
    assertThat(merge.code()).isZero();
    CommandRun all = CommandRun.of("evaluate", merged.toString(), "--count", "4");
    assertThat(all.code()).isZero();
    assertThat(all.out()).contains("sounding-colour").contains("vision+audio");
    CommandRun heard =
        CommandRun.of("evaluate", merged.toString(), "--count", "4", "--given", "audio");
    assertThat(heard.code()).isZero();
    assertThat(heard.out()).isNotEqualTo(all.out());
  }

  @Test
  void anAdapterAnswersTheQuestionsOfItsModality() {
    CommandRun run =
        CommandRun.of(
            "evaluate",
            shipped("omni-base") + "+" + shipped("omni-audio"),
            "--count",
            "10",
            "--given",
            "audio",
            "--out",
            folder.resolve("answers"));
    assertThat(run.code()).isZero();
    assertThat(folder.resolve("answers/scores.json")).isNotEmptyFile();
    assertThat(folder.resolve("answers/predictions.jsonl")).isNotEmptyFile();
    assertThat(run.out().lines())
        .filteredOn(line -> line.startsWith("sounding "))
        .singleElement()
        .asString()
        .contains("100.0");
  }

  @Test
  void told_in_words_the_base_answers_what_it_cannot_see() {
    CommandRun run =
        CommandRun.of(
            "evaluate",
            shipped("omni-base"),
            "--benchmark",
            "stage:sounding-colour",
            "--form",
            "words",
            "--count",
            "20",
            "--json");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.json().get("sounding-colour").asDouble()).isGreaterThan(0.9);
  }

  @Test
  void lambda_of_a_merge_of_modalities_is_searched() throws IOException {
    String base = shipped("omni-base");
    Path recipe =
        Files.writeString(
            folder.resolve("recipe.yaml"),
            """
            merge_method: task-arithmetic
            base_model: %1$s
            models: [{model: '%1$s+%2$s'}, {model: '%1$s+%3$s'}]
            """
                .formatted(base, shipped("omni-vision"), shipped("omni-audio")));
    CommandRun run = CommandRun.of("tune", recipe, "--grid", "0,0.7", "--count", 2, "--json");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.json().get("best").asDouble()).isEqualTo(0.7);
    assertThat(run.json().at("/tried/0/sounding").isNumber()).isTrue();
  }

  @Test
  void table5IsMadeFromTheRecordedRowsBesideThePublishedOnes() throws IOException {
    Path out = folder.resolve("tables");
    CommandRun run = CommandRun.of("reproduce", "table5", "table4-vicuna", "--out", out.toString());
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("Facts in words").contains("DAMC").contains("65.38");
    assertThat(Files.readString(out.resolve("table5.md"))).contains("Task Arithmetic");
    assertThat(out.resolve("table4-vicuna.csv")).isNotEmptyFile();
  }

  @Test
  void theModelsThatCanBeTrainedAreListed() {
    CommandRun run = CommandRun.of("train", "omni", "--list");
    assertThat(run.code()).isZero();
    assertThat(run.out().lines()).contains("omni-language-1", "omni-audio", "omni-base");
  }
}
