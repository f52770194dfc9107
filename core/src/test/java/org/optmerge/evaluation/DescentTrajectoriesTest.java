package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.method.interference.Trajectory.Point;
import org.optmerge.report.Project;

class DescentTrajectoriesTest {
  @Test
  void what_is_written_is_read_again_in_its_order(@TempDir Path folder) {
    Map<String, List<Point>> methods = new LinkedHashMap<>();
    methods.put("b", List.of(new Point(0, 2.5, 1), new Point(10, 0.1, 1.25)));
    methods.put("a", List.of(new Point(0, 1e-9, 0)));
    Map<String, DescentTrajectories> families = Map.of("lora", new DescentTrajectories(methods));

    DescentTrajectories.write(families, folder.resolve("t.json"));

    Map<String, DescentTrajectories> read = DescentTrajectories.read(folder.resolve("t.json"));
    assertThat(read).isEqualTo(families);
    assertThat(read.values().iterator().next().methods().keySet()).containsExactly("b", "a");
  }

  @Test
  void another_file_is_refused(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("t.json"), "{\"lora\": [1]}");

    assertThatThrownBy(() -> DescentTrajectories.read(folder.resolve("t.json")))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("t.json: expected trajectories by family and method");
  }

  @Test
  void the_recorded_ones_have_every_method_and_go_down() {
    Map<String, DescentTrajectories> recorded =
        DescentTrajectories.read(Project.file("notebooks/results/miniature/trajectories.json"));

    assertThat(recorded).containsOnlyKeys("full", "lora");
    for (DescentTrajectories family : recorded.values()) {
      assertThat(family.methods()).containsOnlyKeys(DescentTrajectories.compared().keySet());
      for (List<Point> points : family.methods().values()) {
        assertThat(points).extracting(Point::step).startsWith(0, 10).endsWith(290, 300);
        assertThat(points.stream().map(point -> -point.loss())).isSorted();
      }
    }
  }
}
