package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProjectTest {
  @Test
  void the_project_is_found_from_within() {
    assertThat(Project.file("core/pom.xml")).isRegularFile();
    assertThat(Project.rootAbove(Project.file("core/src/main"))).isEqualTo(Project.root());
  }

  @Test
  void outside_of_it_the_error_says_where_it_looked(@TempDir Path elsewhere) {
    assertThatThrownBy(() -> Project.rootAbove(elsewhere))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("neither %s nor a folder above it".formatted(elsewhere));
  }
}
