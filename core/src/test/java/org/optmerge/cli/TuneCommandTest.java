package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.report.Project;

class TuneCommandTest {
  @TempDir private Path folder;

  private Path recipe() throws IOException {
    return recipe(Project.file("data-manifests/mini"), "base", "expert-vqa", "expert-ocr");
  }

  private Path recipe(Path models, String base, String... experts) throws IOException {
    StringBuilder text = new StringBuilder("merge_method: task-arithmetic\n");
    text.append("base_model: ").append(models.resolve(base)).append("\nmodels:\n");
    for (String expert : experts) {
      text.append("  - model: ").append(models.resolve(expert)).append('\n');
    }
    return Files.writeString(folder.resolve("recipe.yaml"), text.toString());
  }

  @Test
  void each_scaling_of_the_grid_is_tried_in_rising_order_and_the_best_is_named()
      throws IOException {
    CommandRun run = CommandRun.of("tune", recipe(), "--grid", "40,0.7,0", "--count", 4, "--json");

    assertThat(run.code()).as(run.err()).isZero();
    JsonNode tried = run.json().get("tried");
    List<Double> scalings = new ArrayList<>();
    tried.forEach(one -> scalings.add(one.get("scaling").asDouble()));
    assertThat(scalings).containsExactly(0.0, 0.7, 40.0);
    assertThat(run.json().get("best").asDouble()).isEqualTo(0.7);
    assertThat(run.json().path("from_weights").path("scaling").asDouble()).isBetween(0.4, 0.8);
    assertThat(tried.get(1).get("mean").asDouble())
        .isGreaterThan(tried.get(2).get("mean").asDouble());
    assertThat(tried.get(0)).extracting(one -> one.get("grounding")).isNotNull();
    List<JsonNode> done =
        run.events().stream().filter(event -> event.get("event").asText().equals("tried")).toList();
    assertThat(done).hasSize(3);
  }

  @Test
  void the_table_marks_the_best_and_says_what_to_write_in_the_recipe() throws IOException {
    CommandRun run = CommandRun.of("tune", recipe(), "--grid", "0.7,40", "--count", 4, "--quiet");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .containsPattern("(?m)^ 0\\.7( +\\d+\\.\\d){6}  best$")
        .containsPattern("(?m)^40\\.0( +\\d+\\.\\d){6}$")
        .contains("In the recipe: parameters: {scaling: 0.7}")
        .containsPattern("(?m)^From the weights alone: λ = 0\\.\\d+ by auto: E = ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--benchmark;mmmmu;no benchmark 'mmmmu' that the paper's kits ask; there are mini",
        "--split;train;'train'",
        "--count;0;--count must be at least 1, is 0",
        "--grid;small;'small'"
      })
  void what_is_not_there_is_a_wrong_request_in_one_line(String option, String value, String said)
      throws IOException {
    CommandRun run = CommandRun.of("tune", recipe(), option, value);

    assertThat(run.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(said);
  }

  @Test
  void a_recipe_that_is_not_there_is_named() {
    CommandRun run = CommandRun.of("tune", folder.resolve("none.yaml"));

    assertThat(run.code()).isIn(Main.FAILED, Main.WRONG_REQUEST);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("none.yaml");
  }

  @Test
  void models_that_cannot_be_asked_fail_in_one_line() throws IOException {
    Path models = Project.file("core/src/test/resources/golden/mergekit/inputs/qwen2");
    CommandRun run = CommandRun.of("tune", recipe(models, "base", "ft1", "ft2"), "--count", 1);

    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).doesNotContain("defect");
  }

  @Test
  void help_tells_the_grid() {
    CommandRun run = CommandRun.of("tune", "--help");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .containsPattern("0\\.1,\\s+0\\.3,\\s+0\\.5,\\s+0\\.7,\\s+1\\.0,\\s+1\\.5");
  }
}
