package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.merge.TinyCheckpoint;

/** What a process of its own does, from its start to its exit code. */
class StartUpTest {
  @TempDir private Path folder;

  private record Finished(int code, String output) {}

  private static Finished java(List<String> jvmOptions, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(jvmOptions);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Finished(process.exitValue(), output);
  }

  @Test
  void loads_neither_tables_nor_plots_nor_the_tensor_engine() throws Exception {
    Path model =
        new TinyCheckpoint().f32("x", List.of(2), 1, 2).writeTo(folder.resolve("model"), "{}");

    Finished run = java(List.of("-Xlog:class+load"), "diff", model.toString(), model.toString());

    assertThat(run.code()).isZero();
    assertThat(run.output()).contains("org.optmerge.analysis.TaskVectorStatistics");
    assertThat(run.output())
        .doesNotContain("tech.tablesaw", "org.knowm", "ai.djl.engine", "ai.djl.pytorch");
  }

  @ParameterizedTest
  @ValueSource(strings = {"inspect", "nonsense"})
  void the_process_ends_with_the_exit_code(String command) throws Exception {
    Finished run = java(List.of(), command, folder.resolve("nowhere").toString());

    assertThat(run.code()).isEqualTo(command.equals("inspect") ? 1 : 2);
    assertThat(run.output()).startsWith("optmerge: ").hasLineCount(1);
  }

  @Test
  void what_the_archive_is_made_from_succeeds() throws Exception {
    assertThat(StartUpTraining.run(folder)).isZero();
  }
}
