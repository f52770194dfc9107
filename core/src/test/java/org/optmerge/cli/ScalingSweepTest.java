package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.merge.TinyCheckpoint;

class ScalingSweepTest {
  private static final int ROWS = 40;
  private static final int COLUMNS = 1000;

  @TempDir private Path folder;

  @BeforeEach
  void writeModels() throws IOException {
    for (String name : List.of("base", "vqa", "chart")) {
      Random random = new Random(name.hashCode());
      new TinyCheckpoint()
          .f32("layers.0.w", List.of(ROWS, COLUMNS), values(random, ROWS * COLUMNS))
          .f32("layers.0.norm", List.of(COLUMNS), values(random, COLUMNS))
          .writeTo(folder.resolve(name), "{\"model_type\": \"tiny\"}");
    }
  }

  private static float[] values(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private Path recipe(String method, String scaling) throws IOException {
    return Files.writeString(
        folder.resolve("recipe.yml"),
        """
        merge_method: %s
        base_model: base
        models:
          - model: vqa
          - model: chart
        %s
        """
            .formatted(method, scaling));
  }

  private static TreeMap<String, byte[]> content(Path folder) throws IOException {
    TreeMap<String, byte[]> content = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        content.put(folder.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return content;
  }

  private static void assertSame(Path one, Path other) throws IOException {
    TreeMap<String, byte[]> expected = content(other);
    TreeMap<String, byte[]> actual = content(one);
    assertThat(actual.keySet()).isEqualTo(expected.keySet()).contains("optmerge.json");
    for (String file : expected.keySet()) {
      assertThat(actual.get(file)).as(file).isEqualTo(expected.get(file));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ties-tensor", "task-arithmetic", "tsv", "dare-ties"})
  void each_output_is_that_of_a_merge_by_itself(String method) throws IOException {
    Path swept = folder.resolve("swept");
    CommandRun run =
        CommandRun.of("merge", recipe(method, ""), "--out", swept, "--sweep", "0.3,0.5,0.7");
    assertThat(run.code()).isZero();

    for (String scaling : List.of("0.3", "0.5", "0.7")) {
      Path single = folder.resolve("single-" + scaling);
      assertThat(
              CommandRun.of("merge", recipe(method, "scaling: " + scaling), "--out", single).code())
          .isZero();
      assertSame(swept.resolve("scaling-" + scaling), single);
    }
  }

  @Test
  void experts_are_read_once() throws IOException {
    CommandRun run =
        CommandRun.of(
            "merge",
            recipe("task-arithmetic", ""),
            "--out",
            folder.resolve("swept"),
            "--sweep",
            "0.3,0.5",
            "--json");
    List<Long> read = new ArrayList<>();
    for (JsonNode result : run.json()) {
      read.add(result.path("bytes_read").asLong());
    }

    long model = 4L * (ROWS * COLUMNS + COLUMNS);
    // base and two experts; base alone
    assertThat(read).containsExactly(3 * model, model);
  }

  @Test
  void a_finished_output_is_passed_over_on_resuming() throws IOException {
    Path swept = folder.resolve("swept");
    Path recipe = recipe("ties-tensor", "");
    CommandRun.of("merge", recipe, "--out", swept, "--sweep", "0.3");

    CommandRun run =
        CommandRun.of("merge", recipe, "--out", swept, "--sweep", "0.3,0.5", "--resume");

    assertThat(run.code()).isZero();
    assertThat(run.err()).contains("scaling-0.3: there from an earlier run");
    Path single = folder.resolve("single");
    CommandRun.of("merge", recipe("ties-tensor", "scaling: 0.5"), "--out", single);
    assertSame(swept.resolve("scaling-0.5"), single);
  }

  @Test
  void values_given_twice_and_methods_without_scaling_are_refused() throws IOException {
    Path swept = folder.resolve("swept");

    assertThat(
            CommandRun.of("merge", recipe("ties-tensor", ""), "--out", swept, "--sweep", "0.3,0.3")
                .err())
        .contains("--sweep: a value is given twice");
    assertThat(CommandRun.of("merge", recipe("linear", ""), "--out", swept, "--sweep", "0.3").err())
        .contains("has no 'scaling'");
    assertThat(swept).doesNotExist();
  }
}
