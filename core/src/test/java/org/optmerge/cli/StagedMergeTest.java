package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;

/** Recipes of several documents, as mergekit-multi has them. */
class StagedMergeTest {
  private static final String NAME = "model.layers.0.self_attn.q_proj.weight";

  private static final String TWO =
      """
      name: first
      merge_method: linear
      models:
      - {model: a, parameters: {weight: 1}}
      - {model: b, parameters: {weight: 1}}
      ---
      merge_method: task_arithmetic
      base_model: a
      models:
      - {model: first, parameters: {weight: 2}}
      """;

  @TempDir Path dir;

  @BeforeEach
  void writeModels() {
    for (String model : List.of("a", "b")) {
      write(model, model.hashCode(), "llama");
    }
  }

  private void write(String model, int seed, String family) {
    TestCheckpoints.folder(dir.resolve(model))
        .random(NAME, DType.F32, List.of(4L, 4L), seed)
        .config("{\"model_type\": \"%s\", \"num_hidden_layers\": 1}".formatted(family))
        .write();
  }

  private CommandRun merge(String recipe, Object... more) throws IOException {
    Path file = Files.writeString(dir.resolve("recipe.yml"), recipe);
    Object[] arguments = new Object[more.length + 2];
    arguments[0] = "merge";
    arguments[1] = file;
    System.arraycopy(more, 0, arguments, 2, more.length);
    return CommandRun.of(arguments);
  }

  private float[] values(String folder) {
    return TestCheckpoints.values(dir.resolve(folder), NAME);
  }

  @Test
  void a_document_with_a_name_is_a_model_of_the_others() throws IOException {
    CommandRun run = merge(TWO, "--out", dir.resolve("out"));

    assertThat(run.code()).as(run.err()).isZero();
    // a + 2 ((a + b) / 2 − a) = b
    assertThat(values("out")).containsExactly(values("b"), offset(1e-6f));
    assertThat(dir.resolve(".out.stages")).doesNotExist();
  }

  @Test
  void results_stay_where_the_intermediate_folder_is_named() throws IOException {
    CommandRun run = merge(TWO, "-I", dir.resolve("between"), "--out", dir.resolve("out"));

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(dir.resolve("between/first/model.safetensors")).exists();
    CommandRun again =
        merge(TWO, "-I", dir.resolve("between"), "--out", dir.resolve("other"), "--resume");
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(again.err()).contains("first: there from an earlier run");
    assertThat(values("other")).containsExactly(values("out"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"weights", "settings", "recipe", "more files", "result"})
  void a_stage_of_other_inputs_is_refused_and_the_advice_makes_it_anew(String change)
      throws IOException {
    String recipe = TWO;
    Path between = dir.resolve("between");
    assertThat(merge(recipe, "-I", between, "--out", dir.resolve("out")).code()).isZero();
    String said =
        switch (change) {
          case "weights" -> {
            write("b", 77, "llama");
            yield dir.resolve("b/model.safetensors") + " has changed since";
          }
          case "settings" -> {
            write("a", "a".hashCode(), "qwen2");
            yield dir.resolve("a/config.json") + " has changed since";
          }
          case "recipe" -> {
            recipe = recipe.replaceFirst("weight: 1", "weight: 3");
            yield "its recipe was another";
          }
          case "more files" -> {
            Files.writeString(dir.resolve("a/merges.txt"), "a b");
            yield dir.resolve("a/merges.txt") + " has changed since";
          }
          default -> {
            Files.delete(between.resolve("first/model.safetensors"));
            yield "model.safetensors is not as it was written";
          }
        };

    CommandRun run = merge(recipe, "-I", between, "--out", dir.resolve("other"), "--resume");
    assertThat(run.code()).as(run.err()).isNotZero();
    assertThat(run.err())
        .contains("first: there from an earlier run, but", said, "--force in place of --resume");
    assertThat(dir.resolve("other")).doesNotExist();

    CommandRun anew = merge(recipe, "-I", between, "--out", dir.resolve("other"), "--force");
    assertThat(anew.code()).as(anew.err()).isZero();
    if (change.equals("weights")) {
      assertThat(values("other")).containsExactly(values("b"), offset(1e-6f));
    }
  }

  @Test
  void where_every_document_has_a_name_the_output_is_the_folder_of_them_all() throws IOException {
    CommandRun run =
        merge(TWO.replace("---\n", "---\nname: second\n"), "--out", dir.resolve("out"));

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(values("out/second")).containsExactly(values("b"), offset(1e-6f));
    assertThat(dir.resolve("out/first/model.safetensors")).exists();
  }

  @Test
  void a_dry_run_plans_every_stage_and_writes_nothing() throws IOException {
    CommandRun run = merge(TWO, "--dry-run");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("stage 'first'", "end", "task_arithmetic", "first");
    assertThat(dir).isDirectoryNotContaining(file -> file.toString().contains("stages"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model: a, | model: first, | stages need one another: first → first",
        "name: first | name: '../first' | stage '../first' cannot be the name of a folder",
        "name: first | dtype: float32 | two documents have no name",
        "'---\n' | '---\nname: first\n' | stage 'first' is there twice, first at 1:7",
        "model: first, | model: frist, | model 'frist' is not there",
      })
  void stages_that_do_not_fit_are_refused(String from, String to, String message)
      throws IOException {
    String recipe = TWO.replaceFirst(from.strip(), to.strip());
    if (to.startsWith("---")) {
      recipe = TWO.replace("---\n", "---\nname: first\n");
    }
    CommandRun run = merge(recipe, "--out", dir.resolve("out"));

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains(message, "recipe.yml:");
    assertThat(dir.resolve("out")).doesNotExist();
  }
}
