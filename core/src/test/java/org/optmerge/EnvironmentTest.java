package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.report.Project;

/** The commands that set the project up, start it and test it. */
class EnvironmentTest {
  @Test
  void every_command_can_be_started_and_is_in_the_list() throws IOException {
    String list = Files.readString(Project.file("environment/README.md"));
    List<Path> commands;
    try (Stream<Path> files = Files.list(Project.file("environment"))) {
      commands =
          files
              .filter(Files::isRegularFile)
              .filter(file -> !file.getFileName().toString().contains("."))
              .toList();
    }
    assertThat(commands).isNotEmpty();
    for (Path command : commands) {
      assertThat(command).isExecutable();
      assertThat(list).contains("`environment/" + command.getFileName());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"test", "format"})
  void a_command_explains_itself(String command) throws Exception {
    Said said = run(command, "--help");
    assertThat(said.code()).isZero();
    assertThat(said.text())
        .contains("  environment/" + command + " ")
        .doesNotContain("#!", "set -euo");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "test --quick",
        "test 07",
        "test --fast --notebook",
        "test --notebook 77",
        "test --notebook *",
        "test --notebook ../core",
        "format --all",
        "format --check core"
      })
  void what_a_command_does_not_know_is_an_error_before_anything_runs(String line) throws Exception {
    Said said = run(line.split(" "));
    assertThat(said.code()).as(said.text()).isEqualTo(2);
    assertThat(said.text()).contains("environment/" + line.split(" ")[0]);
  }

  @Test
  void a_commit_without_java_needs_no_check(@TempDir Path clone) throws Exception {
    bash(clone, "git init -q . && echo text > a.md && git add a.md");
    Said said = bash(clone, "bash '%s'".formatted(Project.file(".githooks/pre-commit")));
    assertThat(said).isEqualTo(new Said(0, ""));
  }

  private record Said(int code, String text) {}

  private static Said run(String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of(words));
    command.set(0, Project.file("environment/" + words[0]).toString());
    return said(new ProcessBuilder(command));
  }

  private static Said bash(Path folder, String script) throws Exception {
    return said(new ProcessBuilder("bash", "-c", script).directory(folder.toFile()));
  }

  private static Said said(ProcessBuilder command) throws Exception {
    Process process = command.redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Said(process.waitFor(), text);
  }
}
