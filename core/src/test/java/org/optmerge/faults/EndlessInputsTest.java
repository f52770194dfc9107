package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Trees;
import org.optmerge.cli.CommandRun;

/** Pipes and devices have no end that a reader could wait for. */
@Tag("faults")
@Timeout(120)
class EndlessInputsTest {
  private static final Path MINI = Path.of("../data-manifests/mini");

  @TempDir private Path dir;

  private Path pipe(Path file) throws Exception {
    Files.deleteIfExists(file);
    assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
    return file;
  }

  private void refused(CommandRun run) {
    assertThat(run.code()).as(run.out()).isIn(1, 2);
    assertThat(run.err()).startsWith("optmerge: ").doesNotContain("defect", "out of memory");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "one/model.safetensors",
        "two/config.json",
        "two/tokenizer.json",
        "one/extra",
        "one/model.safetensors.index.json"
      })
  void a_pipe_in_a_model_is_refused(String name) throws Exception {
    TinyModels models = TinyModels.in(dir);
    pipe(dir.resolve(name));

    CommandRun run =
        CommandRun.of(
            "merge", models.recipe(TinyModels.LINEAR), "--out", dir.resolve("out"), "--quiet");

    refused(run);
    assertThat(run.err()).contains("pipe");
    assertThat(dir.resolve("out")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"merge", "explain", "score", "evaluate", "tune", "train", "fetch"})
  void a_pipe_in_place_of_a_file_is_refused_by_every_command(String command) throws Exception {
    TinyModels.in(dir);
    Path pipe = pipe(dir.resolve("pipe." + (command.equals("fetch") ? "json" : "yaml")));
    Path out = dir.resolve("out");

    refused(
        switch (command) {
          case "merge" -> CommandRun.of("merge", pipe, "--out", out, "--quiet");
          case "train" -> CommandRun.of("train", "mini", "--recipe", pipe, "--out", out);
          case "evaluate" ->
              CommandRun.of("evaluate", MINI.resolve("base"), "--questions", pipe, "--quiet");
          default -> CommandRun.of(command, pipe, "--quiet");
        });
  }

  @ParameterizedTest
  @CsvSource({"merge, /dev/zero", "explain, /dev/zero", "score, /dev/zero", "inspect, /dev/zero"})
  void a_device_without_an_end_is_refused(String command, String device) {
    refused(
        command.equals("merge")
            ? CommandRun.of("merge", device, "--out", dir.resolve("out"), "--quiet")
            : CommandRun.of(command, device, "--quiet"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "config.json", "tokenizer.json"})
  void a_model_that_is_asked_has_no_pipe(String name) throws Exception {
    Path model = dir.resolve("model");
    Trees.copy(MINI.resolve("base"), model);
    pipe(model.resolve(name));

    refused(CommandRun.of("evaluate", model, "--benchmark", "mini:ocr", "--count", 1, "--quiet"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"stdin", "fd/0"})
  void a_recipe_may_come_from_another_program(String from) throws Exception {
    TinyModels models = TinyModels.in(dir);
    Path recipe = models.recipe(TinyModels.LINEAR.replace("model: ", "model: " + dir + "/"));
    Process process =
        Child.PLAIN
            .after("exec < <(cat " + recipe + ")")
            .start("merge", "/dev/" + from, "--out", dir.resolve("out"), "--quiet");

    Child.Finished finished = Child.finished(process);

    assertThat(finished.code()).as(finished.err()).isZero();
    assertThat(dir.resolve("out/model.safetensors")).isNotEmptyFile();
  }

  @ParameterizedTest
  @ValueSource(strings = {"empty", "long"})
  void a_recipe_that_is_nothing_or_too_long_is_refused(String which) throws IOException {
    Path recipe = dir.resolve("r.yaml");
    Files.writeString(recipe, which.equals("empty") ? "" : "# x\n".repeat(8 << 20));

    refused(CommandRun.of("merge", recipe, "--out", dir.resolve("out"), "--quiet"));
  }
}
