package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.DType;

/** Merges in a process of its own, which is killed or runs into the wall of its resources. */
class KilledMergeTest {
  private static final int TENSORS = 400;

  @TempDir Path dir;

  @Tag("slow")
  @Test
  void killed_at_twenty_random_moments_it_resumes_to_the_same_bytes() throws Exception {
    Path base = model("base", 0);
    List<Path> experts = List.of(model("one", 1), model("two", 2));
    Path whole = dir.resolve("whole");
    merge(base, experts, whole, false);
    Map<String, String> expected = MergerTest.contents(whole);
    Path out = dir.resolve("out");
    Path journal = dir.resolve(".out.optmerge/journal.jsonl");
    Random random = new Random(20);
    int interrupted = 0;

    for (int round = 0; round < 20; round++) {
      // Anywhere from before the first tensor to after the last, in journal lines, then a random
      // moment more.
      int lines = random.nextInt(TENSORS + 1);
      Process child = start(base, experts, out, "resume");
      while (child.isAlive() && count(journal) < lines) {
        Thread.sleep(1);
      }
      TimeUnit.MICROSECONDS.sleep(random.nextInt(3000));
      child.destroyForcibly().waitFor();
      if (Files.exists(out)) {
        // It finished before the kill arrived: what appeared must be whole.
        assertThat(MergerTest.contents(out)).isEqualTo(expected);
      } else {
        interrupted++;
        merge(base, experts, out, true);
        assertThat(MergerTest.contents(out))
            .as("round %d, killed after %d tensors", round, lines)
            .isEqualTo(expected);
      }
      delete(out);
    }

    assertThat(interrupted).isGreaterThanOrEqualTo(10);
  }

  @Test
  void
      a_file_system_that_refuses_to_grow_leaves_nothing_that_looks_whole_and_the_rest_can_be_resumed()
          throws Exception {
    Path base = model("base", 0);
    List<Path> experts = List.of(model("one", 1), model("two", 2));
    Path whole = dir.resolve("whole");
    merge(base, experts, whole, false);
    Path out = dir.resolve("out");

    // Blocks of 512 bytes: the shell's limit on the length of any file, about half of the weights.
    long blocks = Files.size(base.resolve("model.safetensors")) / 1024;
    Process child =
        new ProcessBuilder(limited(blocks, command(base, experts, out, "fresh")))
            .redirectErrorStream(true)
            .start();
    String output = new String(child.getInputStream().readAllBytes());

    assertThat(child.waitFor()).isEqualTo(1);
    assertThat(output).contains("File too large");
    assertThat(out).doesNotExist();
    merge(base, experts, out, true);
    assertThat(MergerTest.contents(out)).isEqualTo(MergerTest.contents(whole));
  }

  private static List<String> limited(long blocks, List<String> command) {
    List<String> limited =
        new ArrayList<>(List.of("bash", "-c", "ulimit -f " + blocks + "; exec \"$@\"", "limited"));
    limited.addAll(command);
    return limited;
  }

  private static void merge(Path base, List<Path> experts, Path out, boolean resume) {
    try (MergePlan plan = Plans.of(base, experts, new Plans.NormalisedSum(), 0.5)) {
      Merger.run(
          plan,
          out,
          (resume ? MergeOptions.DEFAULT.withFlags(MergeOptions.Flag.RESUME) : MergeOptions.DEFAULT)
              .withThreads(2),
          Progress.NONE);
    }
  }

  private static Process start(Path base, List<Path> experts, Path out, String mode)
      throws IOException {
    return new ProcessBuilder(command(base, experts, out, mode)).inheritIO().start();
  }

  private static List<String> command(Path base, List<Path> experts, Path out, String mode) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-cp",
            classPath(),
            Child.class.getName()));
    command.addAll(List.of(mode, out.toString(), base.toString()));
    experts.forEach(expert -> command.add(expert.toString()));
    return command;
  }

  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /** What the killed process runs. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      List<Path> experts = new ArrayList<>();
      for (int i = 3; i < arguments.length; i++) {
        experts.add(Path.of(arguments[i]));
      }
      try {
        merge(Path.of(arguments[2]), experts, Path.of(arguments[1]), arguments[0].equals("resume"));
      } catch (RuntimeException e) {
        System.out.println(e.getMessage());
        System.exit(1);
      }
    }
  }

  private Path model(String name, long seed) {
    TestCheckpoints folder = TestCheckpoints.folder(dir.resolve(name)).config("{}");
    for (int i = 0; i < TENSORS; i++) {
      folder.random(
          "layer.%d.weight".formatted(i), DType.BF16, List.of(64L, 100L), 1000 * seed + i);
    }
    return folder.write();
  }

  private static long count(Path journal) throws IOException {
    try {
      byte[] bytes = Files.readAllBytes(journal);
      long lines = 0;
      for (byte b : bytes) {
        lines += b == '\n' ? 1 : 0;
      }
      return lines - 1;
    } catch (NoSuchFileException e) {
      return -1;
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
        Files.delete(file);
      }
    }
  }
}
