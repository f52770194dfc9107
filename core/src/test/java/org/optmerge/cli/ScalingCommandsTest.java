package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.merge.TinyCheckpoint;

/** What commands say of a λ that is found from the weights. */
class ScalingCommandsTest {
  @TempDir private Path folder;

  /** The case worked by hand in {@code ScalingRuleTest}. */
  @BeforeEach
  void writeModels() throws IOException {
    write("base", 0, 0, 0, 0);
    write("one", 1, 1, 0, 0);
    write("two", 1, 0, 0, 0);
  }

  private void write(String name, float... weight) throws IOException {
    new TinyCheckpoint()
        .f32("layers.0.w", List.of(2, 2), weight)
        .writeTo(folder.resolve(name), "{\"model_type\": \"tiny\"}");
  }

  private Path recipe(String method, String scaling) throws IOException {
    return Files.writeString(
        folder.resolve("recipe.yml"),
        """
        merge_method: %s
        base_model: base
        models: [{model: one}, {model: two}]
        parameters:
          scaling: %s
        """
            .formatted(method, scaling));
  }

  @Test
  void explain_and_dry_run_print_what_was_found() throws IOException {
    Path recipe = recipe("task-arithmetic", "auto");
    String line = "λ = 0.5145 by auto: E = 0.5145, F = 0.5477, √N·F = 0.7746; E is the smaller";

    assertThat(CommandRun.of("explain", recipe).out()).contains("found").contains(line);
    CommandRun dry = CommandRun.of("merge", recipe, "--dry-run");
    assertThat(dry.err()).isEmpty();
    assertThat(dry.out()).contains("scaling: " + line);
    JsonNode json = CommandRun.of("merge", recipe, "--dry-run", "--json").json();
    assertThat(json.path("scalings").path(0).path("bound").asText()).isEqualTo("E");
    assertThat(json.path("scalings").path(0).path("E").asDouble())
        .isCloseTo(Math.sqrt(1.125 / 4.25), within(1e-12));
    JsonNode explained = CommandRun.of("explain", recipe, "--json").json();
    assertThat(explained.path("tensors").path(0).path("scaling").asDouble())
        .isCloseTo(Math.sqrt(1.125 / 4.25), within(1e-12));
    assertThat(explained.path("scalings").path(0).path("rule").asText()).isEqualTo("auto");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void each_tensors_own_are_summed_up() throws IOException {
    CommandRun dry =
        CommandRun.of("merge", recipe("task-arithmetic", "{auto: tensor}"), "--dry-run");

    assertThat(dry.out())
        .contains("λ by auto for each of 1 tensor, from 0.5145 to 0.5145, median 0.5145; E in 1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "task-arithmetic | automatic | 'scaling' must be a number, a rule (auto, interference,"
            + " frobenius, spectral) or a rule for each tensor, such as {auto: tensor}; is"
            + " 'automatic'",
        "task-arithmetic | {auto: layer} | is {auto: layer}",
        "task-arithmetic | metagpt | MetaGPT gives each expert a coefficient of its own",
        "linear | auto | 'linear' merges weights, not task vectors, so it has no 'scaling'",
        "task_arithmetic | auto | 'mergekit:task_arithmetic' keeps mergekit's semantics, in which"
            + " the recipe gives λ; 'scaling: auto' goes with methods of other origins, such as"
            + " 'official:task-arithmetic'",
        "mergekit:ties | '{frobenius: tensor}' | goes with methods of other origins",
      })
  void what_cannot_be_is_refused(String method, String scaling, String message) throws IOException {
    CommandRun run = CommandRun.of("explain", recipe(method, scaling));

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains(message);
  }
}
