package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.optmerge.report.Project;

/** What sets the project up says the same everywhere. */
class EnvironmentTest {
  @Test
  void the_image_for_binder_is_that_of_the_environment() {
    assertThat(Project.file(".binder/Dockerfile"))
        .hasSameTextualContentAs(Project.file("environment/Dockerfile"));
  }

  @Test
  void every_command_can_be_started_and_is_in_the_list() throws IOException {
    String list = Files.readString(Project.file("environment/README.md"));
    List<Path> commands;
    try (Stream<Path> files = Files.list(Project.file("environment"))) {
      commands =
          files
              .filter(Files::isRegularFile)
              .filter(file -> !file.getFileName().toString().contains("."))
              .filter(file -> !file.endsWith("Dockerfile"))
              .toList();
    }
    assertThat(commands).isNotEmpty();
    for (Path command : commands) {
      assertThat(command).isExecutable();
      assertThat(list).contains("`environment/" + command.getFileName());
    }
  }
}
