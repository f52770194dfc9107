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
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.merge.TinyCheckpoint;

class MergeCommandTest {
  private static final String RECIPE =
      """
      merge_method: task-arithmetic
      base_model: base
      models:
        - model: vqa
        - model: chart
      parameters:
        scaling: 0.5
      exclude: ['norm']
      """;

  @TempDir private Path folder;
  private Path recipe;
  private Path out;

  @BeforeEach
  void writeModels() throws IOException {
    write("base", new float[] {1, 2}, 5);
    write("vqa", new float[] {3, 2}, 7); // τ = (2, 0)
    write("chart", new float[] {1, 6}, 9); // τ = (0, 4)
    recipe = Files.writeString(folder.resolve("recipe.yml"), RECIPE);
    out = folder.resolve("out");
  }

  private void write(String name, float[] weight, float norm) throws IOException {
    new TinyCheckpoint()
        .f32("layers.0.w", List.of(1, 2), weight)
        .f32("norm", List.of(1), norm)
        .writeTo(folder.resolve(name), "{\"model_type\": \"tiny\"}");
  }

  private static float[] values(Path model, String tensor, int length) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      float[] values = new float[length];
      checkpoint.read(checkpoint.find(tensor).orElseThrow(), 0, length, values);
      return values;
    }
  }

  @Test
  void merges_what_the_recipe_says() {
    CommandRun run = CommandRun.of("merge", recipe, "--out", out);

    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith(out + ": 1 tensor merged, 1 copied");
    // (1, 2) + 0.5 ((2, 0) + (0, 4))
    assertThat(values(out, "layers.0.w", 2)).containsExactly(2, 4);
    assertThat(values(out, "norm", 1)).containsExactly(5);
    assertThat(out.resolve("config.json")).hasContent("{\"model_type\": \"tiny\"}");
  }

  @Test
  void what_was_merged_is_verified_and_what_was_changed_since_is_not() throws IOException {
    CommandRun.of("merge", recipe, "--out", out);

    CommandRun verified = CommandRun.of("verify", out);
    assertThat(verified.err()).isEmpty();
    assertThat(verified.code()).isZero();
    assertThat(verified.out()).contains("2 tensors are as recorded");
    assertThat(CommandRun.of("verify", out, "--json").json().path("passed").asBoolean()).isTrue();

    byte[] bytes = Files.readAllBytes(out.resolve("model.safetensors"));
    bytes[bytes.length - 1] ^= 1;
    Files.write(out.resolve("model.safetensors"), bytes);

    CommandRun changed = CommandRun.of("verify", out);
    assertThat(changed.code()).isEqualTo(1);
    assertThat(changed.out()).isEmpty();
    assertThat(changed.err())
        .startsWith("optmerge: " + out + " is not what was merged:")
        .contains("model.safetensors: SHA-256 is");
    CommandRun asJson = CommandRun.of("verify", out, "--json");
    assertThat(asJson.code()).isEqualTo(1);
    assertThat(asJson.json().path("passed").asBoolean()).isFalse();
    assertThat(asJson.json().path("problems")).isNotEmpty();
  }

  @Test
  void a_folder_that_was_not_merged_cannot_be_verified() {
    CommandRun run = CommandRun.of("verify", folder.resolve("base"));

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("has no optmerge.json").hasLineCount(1);
  }

  @Test
  void prints_json() {
    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--json");

    assertThat(run.json().path("folder").asText()).isEqualTo(out.toString());
    assertThat(run.json().path("merged").asInt()).isEqualTo(1);
    assertThat(run.json().path("copied").asInt()).isEqualTo(1);
    assertThat(run.json().path("bytes_written").asInt()).isEqualTo(12);
    assertThat(run.events()).extracting(event -> event.path("event").asText()).contains("progress");
  }

  @Test
  void quiet_says_nothing_if_all_is_well() {
    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--quiet");

    assertThat(run).isEqualTo(new CommandRun(0, "", ""));
    assertThat(out.resolve("model.safetensors")).exists();
  }

  @Test
  void a_dry_run_says_what_would_be_done_and_writes_nothing() throws IOException {
    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--dry-run");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("task-arithmetic", "model.safetensors", "such as", "layers.0.w", "norm")
        .contains("writes 12 B");
    assertThat(out).doesNotExist();
    try (var files = Files.list(folder)) {
      assertThat(files.map(Path::getFileName).map(Path::toString))
          .containsExactlyInAnyOrder("base", "vqa", "chart", "recipe.yml");
    }
    JsonNode json = CommandRun.of("merge", recipe, "--dry-run", "--json").json();
    assertThat(json.path("bytes_written").asInt()).isEqualTo(12);
    assertThat(json.at("/files/0/tensors").asInt()).isEqualTo(2);
    assertThat(json.path("coverage")).isNotEmpty();
  }

  @Test
  void explains_every_tensor_or_one() {
    CommandRun all = CommandRun.of("explain", recipe);
    CommandRun one = CommandRun.of("explain", recipe, "layers.0.w");

    assertThat(all.code()).isZero();
    assertThat(all.out()).containsPattern("layers\\.0\\.w +1 +F32 +.*scaling 0\\.5");
    assertThat(one.code()).isZero();
    assertThat(one.out()).containsPattern("scaling +0\\.5").containsPattern("input 2 +chart");
    JsonNode json =
        CommandRun.of("explain", recipe, "layers.0.w", "--json").json().at("/tensors/0");
    assertThat(json.path("scaling").asDouble()).isEqualTo(0.5);
    assertThat(json.path("inputs")).hasSize(2);
    assertThat(CommandRun.of("explain", recipe, "--json").json().path("tensors")).hasSize(2);
    assertThat(CommandRun.of("explain", recipe, "layers", "--json").json().path("tensors"))
        .hasSize(1);
  }

  @Test
  void explains_how_far_a_descent_goes() throws IOException {
    Files.writeString(
        recipe, RECIPE.replace("task-arithmetic", "optmerge-lora").replace("['norm']", "[]"));

    // 300 steps at 1e-4 with momentum 0.9: (2e-4/0.1)(300 - 0.9 (1 - 0.9^300)/0.1) = 0.002 * 291
    CommandRun one = CommandRun.of("explain", recipe, "layers.0.w");
    assertThat(one.code()).as(one.err()).isZero();
    assertThat(one.out())
        .containsPattern("effective_time +0\\.5820\n")
        .containsPattern("filter +300 steps of gradient descent at 1\\.0E-4 with momentum 0\\.9")
        .containsPattern("share_at_0\\.1 +0\\.0566\n")
        .containsPattern("share_at_1 +0\\.4473\n");
    CommandRun all = CommandRun.of("explain", recipe);
    assertThat(all.out())
        .containsPattern("1 tensor +such as layers\\.0\\.w\neffective_time +0\\.5820\n")
        .containsPattern("1 tensor +such as norm\ninstead +the mean of the task vectors");
    JsonNode derived =
        CommandRun.of("explain", recipe, "layers.0.w", "--json").json().at("/tensors/0/derived");
    assertThat(derived.path("effective_time").asDouble()).isEqualTo(0.582, within(1e-12));
    assertThat(derived.path("share_at_0.01").asDouble()).isEqualTo(0.0058, within(5e-6));
  }

  @Test
  void an_unknown_tensor_is_a_wrong_command_line_with_a_suggestion() {
    CommandRun run = CommandRun.of("explain", recipe, "layers.0.v");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("optmerge: the output has no tensor 'layers.0.v'; did you mean 'layers.0.w'?")
        .hasLineCount(1);
  }

  @Test
  void a_mergekit_command_line_runs_and_says_which_options_have_no_effect() {
    CommandRun run =
        CommandRun.of(
            "merge",
            recipe,
            out,
            "--cuda",
            "--lazy-unpickle",
            "--copy-tokenizer",
            "--allow-crimes",
            "--out-shard-size",
            "1B",
            "--low-cpu-memory",
            "--trust-remote-code",
            "--clone-tensors",
            "--lora-merge-cache",
            "/tmp/cache",
            "--random-seed",
            "3",
            "-v",
            "--write-model-card");

    assertThat(run.code()).isZero();
    assertThat(run.err())
        .startsWith("note: --cuda, ")
        .contains("--cuda", "--lazy-unpickle", "--lora-merge-cache", "-v", "without effect")
        .doesNotContain("--out-shard-size", "--random-seed", "--write-model-card");
    assertThat(values(out, "layers.0.w", 2)).containsExactly(2, 4);
    assertThat(out.resolve("README.md")).exists();
  }

  @Test
  void an_output_folder_is_needed_once() {
    CommandRun none = CommandRun.of("merge", recipe);
    CommandRun two = CommandRun.of("merge", recipe, out, "--out", out);

    assertThat(none.code()).isEqualTo(2);
    assertThat(none.err()).startsWith("optmerge: missing required option '--out DIR'");
    assertThat(two.code()).isEqualTo(2);
    assertThat(two.err()).startsWith("optmerge: the output folder is given twice");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--threads=0", "--memory=much", "--seed=x", "--out-shard-size=-1"})
  void a_wrong_value_is_a_wrong_command_line(String option) {
    CommandRun run = CommandRun.of("merge", recipe, "--out", out, option);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("optmerge: ")
        .contains(option.substring(0, option.indexOf('=')))
        .hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({
    "task-arithmetic, task-arithmetc, did you mean 'task-arithmetic'",
    "scaling: 0.5, scaling: .nan, recipe.yml:7:",
    "models:, modles:, did you mean",
    "model: chart, model: charts, 'charts'",
  })
  void a_wrong_recipe_is_exit_code_2_with_the_place(String right, String wrong, String cause)
      throws IOException {
    Files.writeString(recipe, RECIPE.replace(right, wrong));

    for (String command : List.of("merge", "explain")) {
      CommandRun run =
          command.equals("merge")
              ? CommandRun.of(command, recipe, "--out", out)
              : CommandRun.of(command, recipe);

      assertThat(run.code()).as(run.err()).isEqualTo(2);
      assertThat(run.out()).isEmpty();
      assertThat(run.err()).startsWith("optmerge: ").contains("recipe.yml:", cause);
    }
    assertThat(out).doesNotExist();
  }

  @Test
  void no_recipe_is_exit_code_2() {
    CommandRun run = CommandRun.of("merge", folder.resolve("nowhere.yml"), "--out", out);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("nowhere.yml", "no such file").hasLineCount(1);
  }

  @Test
  void a_damaged_model_is_exit_code_1_before_any_output() throws IOException {
    Path file = folder.resolve("chart/model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 4));

    CommandRun run = CommandRun.of("merge", recipe, "--out", out);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).startsWith("optmerge: ").contains(file.toString()).hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void a_value_that_is_not_finite_is_exit_code_1_unless_allowed() throws IOException {
    write("chart", new float[] {1, Float.NaN}, 9);

    CommandRun refused = CommandRun.of("merge", recipe, "--out", out, "--quiet");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .startsWith("optmerge: ")
        .contains("layers.0.w", "[0, 1]", "--allow-nonfinite")
        .hasLineCount(1);
    assertThat(out).doesNotExist();

    CommandRun allowed =
        CommandRun.of("merge", recipe, "--out", out, "--allow-nonfinite", "--force", "--quiet");
    assertThat(allowed.code()).as(allowed.err()).isZero();
    assertThat(allowed.err()).startsWith("warning: ").contains("layers.0.w");
    assertThat(values(out, "layers.0.w", 2)).containsExactly(2, Float.NaN);
  }

  @Test
  void an_output_that_must_not_be_touched_is_exit_code_1() throws IOException {
    Path base = folder.resolve("base");
    byte[] before = Files.readAllBytes(base.resolve("model.safetensors"));
    CommandRun input = CommandRun.of("merge", recipe, "--out", base, "--force", "--quiet");
    assertThat(input.code()).isEqualTo(1);
    assertThat(input.err()).contains("is the input model").hasLineCount(1);
    assertThat(base.resolve("model.safetensors")).hasBinaryContent(before);

    Files.createDirectories(out);
    Files.writeString(out.resolve("thesis.tex"), "years of work");
    CommandRun occupied = CommandRun.of("merge", recipe, "--out", out, "--quiet");
    assertThat(occupied.code()).isEqualTo(1);
    assertThat(occupied.err()).contains("is not empty").hasLineCount(1);
    assertThat(out.resolve("thesis.tex")).hasContent("years of work");
  }

  @Test
  void force_replaces_an_earlier_result() throws IOException {
    CommandRun.of("merge", recipe, "--out", out);
    Files.writeString(recipe, RECIPE.replace("0.5", "1"));

    CommandRun again = CommandRun.of("merge", recipe, "--out", out, "--force", "--threads", 2);

    assertThat(again.code()).isZero();
    assertThat(values(out, "layers.0.w", 2)).containsExactly(3, 6); // (1, 2) + (2, 0) + (0, 4)
  }
}
