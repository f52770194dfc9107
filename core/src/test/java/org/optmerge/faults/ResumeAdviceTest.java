package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.cli.CommandRun;

/** {@code --resume} is advised where it will succeed, and succeeds where all is done. */
@Tag("faults")
class ResumeAdviceTest {
  @TempDir private Path dir;
  private TinyModels models;
  private Path recipe;
  private Path out;

  @BeforeEach
  void write_models() {
    models = TinyModels.in(dir);
    recipe = models.recipe(TinyModels.LINEAR);
    out = dir.resolve("out");
  }

  private CommandRun merge(Object... more) {
    Object[] all = new Object[5 + more.length];
    System.arraycopy(new Object[] {"merge", recipe, "--out", out, "--quiet"}, 0, all, 0, 5);
    System.arraycopy(more, 0, all, 5, more.length);
    return CommandRun.of(all);
  }

  @Test
  void a_merge_that_is_finished_can_be_resumed() throws IOException {
    assertThat(merge().code()).isZero();
    Map<String, String> before = TinyModels.contents(out);

    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--resume");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("6 tensors merged", "(6 of them by the earlier run)");
    assertThat(TinyModels.contents(out)).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_merge_that_was_killed_before_it_had_tidied_up_can_be_resumed(boolean replacing)
      throws IOException {
    assertThat(merge().code()).isZero();
    Map<String, String> before = TinyModels.contents(out);
    Path left = Files.createDirectories(dir.resolve(".out.optmerge"));
    Files.writeString(left.resolve("journal.jsonl"), "{\"format\":1}\t0\n");
    if (replacing) {
      Path previous = Files.createDirectories(left.resolve("previous"));
      Files.copy(out.resolve("optmerge.json"), previous.resolve("optmerge.json"));
      Files.writeString(previous.resolve("mine.txt"), "mine");
    }

    CommandRun run = merge("--resume");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(left).doesNotExist();
    if (replacing) {
      assertThat(out.resolve("mine.txt")).hasContent("mine");
      Files.delete(out.resolve("mine.txt"));
    }
    assertThat(TinyModels.contents(out)).isEqualTo(before);
  }

  @Test
  void a_result_of_another_recipe_is_not_taken_for_this_one() {
    assertThat(merge().code()).isZero();
    recipe = models.recipe(TinyModels.LINEAR.replace("weight: 0.5", "weight: 0.25"));

    CommandRun run = merge("--resume");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("not empty").hasLineCount(1);
  }

  @Test
  void a_merge_that_would_be_refused_again_advises_nothing_and_leaves_nothing() throws IOException {
    byte[] bytes = Files.readAllBytes(models.weights("two"));
    bytes[bytes.length - 1] = 0x7f; // the last bfloat16 becomes NaN or infinity
    bytes[bytes.length - 2] = (byte) 0x80;
    Files.write(models.weights("two"), bytes);

    CommandRun run = merge();

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("two", "--allow-nonfinite").doesNotContain("--resume");
    assertThat(TinyModels.names(dir)).doesNotContain("out", ".out.optmerge");
  }

  @Test
  void a_file_beside_the_weights_that_cannot_be_read_is_found_before_any_work() throws Exception {
    Path file = Files.writeString(dir.resolve("one/notes.txt"), "x");
    Files.setPosixFilePermissions(
        file, java.nio.file.attribute.PosixFilePermissions.fromString("---------"));
    // Nobody is kept out of a file by its permissions who runs as root; the user 'nobody' is.
    boolean root = "root".equals(System.getProperty("user.name"));
    if (!root) {
      CommandRun run = merge();
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.err()).contains("notes.txt").doesNotContain("--resume");
      assertThat(dir.resolve(".out.optmerge")).doesNotExist();
      return;
    }
    Files.delete(file);
    Files.createSymbolicLink(file, dir.resolve("one/gone.txt"));
    CommandRun run = merge();
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("notes.txt").doesNotContain("--resume");
    assertThat(dir.resolve(".out.optmerge")).doesNotExist();
  }
}
