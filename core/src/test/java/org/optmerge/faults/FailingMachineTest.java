package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.cli.CommandRun;

/**
 * The command line on a machine that fails: no room, no memory, few files, no folder for temporary
 * files, a signal, another process on the same output.
 */
@Tag("faults")
class FailingMachineTest {
  @TempDir private Path dir;

  private Path out() {
    return dir.resolve("out");
  }

  private static void isSaid(Child.Finished run, String... message) {
    assertThat(run.code()).as(run.err()).isEqualTo(1);
    assertThat(run.err()).contains(message).doesNotContain("defect", "\tat ");
  }

  @Test
  void too_few_file_descriptors_are_told_with_the_limit_to_raise() throws Exception {
    TinyModels models = new TinyModels(dir);
    StringBuilder recipe = new StringBuilder("merge_method: linear\nmodels:\n");
    for (int i = 0; i < 150; i++) {
      models.write("m" + i, 1, 8, 6, 1);
      recipe.append("  - {model: m%d, parameters: {weight: 1}}\n".formatted(i));
    }
    Path file = models.recipe(recipe.toString());

    Child.Finished run =
        Child.PLAIN.after("ulimit -n 120").run("merge", file, "--out", out(), "--quiet");

    isSaid(run, "Too many open files", "ulimit -n");
    assertThat(out()).doesNotExist();
  }

  @Test
  void memory_that_does_not_suffice_is_told_with_the_settings_that_help_and_work_is_kept()
      throws Exception {
    TinyModels models = TinyModels.in(dir, 3, 2000, 2000, 1);
    Path file =
        models.recipe(
            "merge_method: ties-global\nbase_model: base\nmodels: [{model: one}, {model: two}]\n");

    Child.Finished run =
        Child.PLAIN
            .java("-Xmx14m", "-XX:MaxDirectMemorySize=1m")
            .run("merge", file, "--out", out(), "--quiet");

    isSaid(run, "out of memory", "-Xmx");
    CommandRun again = CommandRun.of("merge", file, "--out", out(), "--quiet", "--force");
    assertThat(again.code()).as(again.err()).isZero();
  }

  @Test
  void a_folder_for_temporary_files_that_is_not_there_is_not_needed() throws Exception {
    Path file = TinyModels.in(dir).recipe(TinyModels.LINEAR);

    Child.Finished run =
        Child.PLAIN
            .java("-Djava.io.tmpdir=" + dir.resolve("gone"))
            .run("merge", file, "--out", out(), "--quiet");

    assertThat(run.code()).as(run.err()).isZero();
  }

  @Test
  void a_cache_that_cannot_be_written_costs_nothing_but_time() throws Exception {
    Path file = TinyModels.in(dir).recipe(TinyModels.LINEAR);
    Path occupied = Files.writeString(dir.resolve("file"), "x");

    Child.Finished run =
        Child.PLAIN.with("XDG_CACHE_HOME", occupied).run("merge", file, "--out", out(), "--quiet");

    assertThat(run.code()).as(run.err()).isZero();
  }

  /** A small disk of one's own, where the system lets a user mount one; else a file's length. */
  private static boolean canMount() throws Exception {
    Process process =
        new ProcessBuilder("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
            .redirectErrorStream(true)
            .start();
    process.getInputStream().readAllBytes();
    return process.waitFor() == 0;
  }

  @Test
  void a_disk_without_room_for_the_files_beside_the_weights_is_known_before_any_work()
      throws Exception {
    Path disk = Files.createDirectories(dir.resolve("disk"));
    TinyModels models = TinyModels.in(dir);
    Files.write(dir.resolve("one/words.txt"), new byte[3 << 20]);
    Path file = models.recipe(TinyModels.LINEAR);
    String small =
        canMount()
            ? "exec unshare -rm bash -c 'mount -t tmpfs -o size=2m tmpfs \"$0\"; exec \"$@\"' '%s' \"$@\""
                .formatted(disk)
            : "ulimit -f 2000";

    Child.Finished run =
        Child.PLAIN.after(small).run("merge", file, "--out", disk.resolve("w"), "--quiet");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).containsAnyOf("needs", "File too large").doesNotContain("defect");
    assertThat(TinyModels.names(disk)).isEmpty();
  }

  @Test
  void a_disk_that_fills_while_a_merge_writes_leaves_what_can_be_resumed_once_there_is_room()
      throws Exception {
    TinyModels models = TinyModels.in(dir, 40, 64, 100, 1);
    Path file = models.recipe(TinyModels.LINEAR);
    Path whole = dir.resolve("whole");
    assertThat(CommandRun.of("merge", file, "--out", whole, "--quiet").code()).isZero();

    // The shell counts in kibibytes; each file may have half of what the weights need.
    long blocks = Files.size(models.weights("one")) / 2048;
    Child.Finished run =
        Child.PLAIN.after("ulimit -f " + blocks).run("merge", file, "--out", out(), "--quiet");

    isSaid(run, "File too large", "ulimit -f");
    assertThat(out()).doesNotExist();
    CommandRun again = CommandRun.of("merge", file, "--out", out(), "--quiet", "--resume");
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(TinyModels.contents(out())).isEqualTo(TinyModels.contents(whole));
  }

  @ParameterizedTest
  @ValueSource(strings = {"merge", "evaluate", "train", "tune"})
  void a_place_that_cannot_be_written_is_told_before_any_work(String command) throws Exception {
    Path mini = Path.of("../data-manifests/mini").toAbsolutePath();
    Path place = Path.of("/proc/results");
    Path recipe =
        Files.writeString(
            dir.resolve("r.yaml"),
            "merge_method: task-arithmetic\nbase_model: %s\nmodels: [{model: %s}]\n"
                .formatted(mini.resolve("base"), mini.resolve("expert-ocr")));

    CommandRun run =
        switch (command) {
          case "merge" -> CommandRun.of("merge", recipe, "--out", place, "--quiet");
          case "evaluate" ->
              CommandRun.of(
                  "evaluate",
                  mini.resolve("base"),
                  "--benchmark",
                  "mini:ocr",
                  "--out",
                  place,
                  "--quiet");
          case "tune" ->
              CommandRun.of("tune", recipe, "--benchmark", "mini:ocr", "--out", place, "--quiet");
          default -> CommandRun.of("train", "mini", "--only", "base", "--out", place, "--quiet");
        };

    assertThat(run.code()).as(run.out()).isEqualTo(1);
    assertThat(run.err()).contains("/proc").doesNotContain("defect");
    assertThat(run.out()).isEmpty();
  }

  @Test
  void of_processes_that_write_one_output_at_once_one_wins_and_the_result_is_whole()
      throws Exception {
    TinyModels models = TinyModels.in(dir, 40, 64, 100, 1);
    Path file = models.recipe(TinyModels.TIES);
    Path whole = dir.resolve("whole");
    assertThat(CommandRun.of("merge", file, "--out", whole, "--quiet").code()).isZero();
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(Child.PLAIN.start("merge", file, "--out", out(), "--quiet"));
    }

    int won = 0;
    for (Process process : processes) {
      Child.Finished run = Child.finished(process);
      won += run.code() == 0 ? 1 : 0;
      if (run.code() != 0) {
        isSaid(run, "optmerge: ");
        assertThat(run.err()).containsAnyOf("another merge", "not empty", "unfinished merge");
      }
    }

    assertThat(won).isEqualTo(1);
    assertThat(TinyModels.contents(out())).isEqualTo(TinyModels.contents(whole));
    assertThat(TinyModels.names(dir)).doesNotContain(".out.optmerge");
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM", "HUP"})
  void a_merge_that_is_ended_by_a_signal_says_so_in_a_line_and_can_be_resumed(String signal)
      throws Exception {
    TinyModels models = TinyModels.in(dir, 60, 128, 128, 1);
    Path file = models.recipe(TinyModels.TIES);
    Path whole = dir.resolve("whole");
    assertThat(CommandRun.of("merge", file, "--out", whole, "--quiet").code()).isZero();
    // Interpreted, so that the signal comes in time.
    Process process =
        Child.PLAIN.java("-Xint").start("merge", file, "--out", out(), "--quiet", "--threads", 1);
    Path journal = dir.resolve(".out.optmerge/journal.jsonl");
    while (process.isAlive() && !(Files.exists(journal) && Files.size(journal) > 0)) {
      Thread.sleep(2);
    }
    boolean ignored = signal.equals("INT") && ignoresInterrupts(process);
    end(process, signal);

    Child.Finished run = Child.finished(process);

    if (ignored) {
      // These tests run in the background of a script, whose processes are to ignore Ctrl-C.
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(TinyModels.contents(out())).isEqualTo(TinyModels.contents(whole));
      return;
    }
    Map<String, Integer> codes = Map.of("INT", 130, "TERM", 143, "HUP", 129);
    assertThat(run.code()).as(run.err()).isEqualTo(codes.get(signal));
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("interrupted", "--resume");
    CommandRun again = CommandRun.of("merge", file, "--out", out(), "--quiet", "--resume");
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(TinyModels.contents(out())).isEqualTo(TinyModels.contents(whole));
  }

  private static boolean ignoresInterrupts(Process process) throws IOException {
    Path status = Path.of("/proc/%d/status".formatted(process.pid()));
    if (!Files.exists(status)) {
      return false;
    }
    try (Stream<String> lines = Files.lines(status)) {
      return lines
          .filter(line -> line.startsWith("SigIgn:"))
          .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0);
    }
  }

  private static void end(Process process, String signal) throws Exception {
    new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
  }

  @Test
  void an_evaluation_that_is_ended_keeps_its_answers_and_goes_on_to_the_same_ones()
      throws Exception {
    Path model = Path.of("../data-manifests/mini/expert-ocr");
    Object[] command = {
      "evaluate", model, "--benchmark", "mini:ocr", "--count", 30, "--quiet", "--out", out()
    };
    Process process = Child.PLAIN.java("-Xint").start(command);
    Path answers = out().resolve("predictions.jsonl");
    while (process.isAlive() && !(Files.exists(answers) && Files.size(answers) > 0)) {
      Thread.sleep(2);
    }
    end(process, "TERM");

    Child.Finished run = Child.finished(process);

    assertThat(run.code()).as(run.err()).isEqualTo(143);
    assertThat(run.err()).contains("interrupted; the answers so far are kept");
    CommandRun again = CommandRun.of(command);
    assertThat(again.code()).as(again.err()).isZero();
    command[command.length - 1] = dir.resolve("whole");
    assertThat(CommandRun.of(command).code()).isZero();
    assertThat(TinyModels.contents(out())).isEqualTo(TinyModels.contents(dir.resolve("whole")));
  }

  @Test
  void answers_that_a_machine_lost_are_asked_for_again() throws IOException {
    Path model = Path.of("../data-manifests/mini/expert-ocr");
    Object[] command = {
      "evaluate", model, "--benchmark", "mini:ocr", "--count", 6, "--quiet", "--out", out()
    };
    assertThat(CommandRun.of(command).code()).isZero();
    Map<String, String> whole = TinyModels.contents(out());
    Path answers = out().resolve("predictions.jsonl");
    List<String> lines = new ArrayList<>(Files.readAllLines(answers));
    lines.set(2, "\0".repeat(lines.get(2).length()));
    lines.set(4, "[]");
    Files.writeString(answers, String.join("\n", lines) + "\n{\"half");

    CommandRun again = CommandRun.of(command);

    assertThat(again.code()).as(again.err()).isZero();
    assertThat(TinyModels.contents(out())).isEqualTo(whole);
    Files.writeString(out().resolve("evaluation.json"), "null");
    CommandRun damaged = CommandRun.of(command);
    assertThat(damaged.code()).isEqualTo(1);
    assertThat(damaged.err()).contains("evaluation.json", "is damaged", "--force");
  }

  @Test
  void output_that_nobody_takes_is_an_error() throws Exception {
    Process process = Child.PLAIN.after("exec >/dev/full").start("methods");
    try (BufferedReader err =
        new BufferedReader(
            new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
      assertThat(err.readLine()).contains("standard output could not be written");
    }
    assertThat(process.waitFor()).isEqualTo(1);
  }
}
