package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.base.OptMergeException;
import org.optmerge.base.Progress;
import org.optmerge.base.Trees;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.cli.CommandRun;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

/** What was true at the plan is looked at again at the end, and by a resumed merge. */
@Tag("faults")
class ChangingInputsTest {
  @TempDir private Path dir;
  private TinyModels models;
  private Path recipe;
  private Path out;

  @BeforeEach
  void write_models() throws IOException {
    models = TinyModels.in(dir);
    Files.writeString(dir.resolve("base/tokenizer.txt"), "words");
    recipe = models.recipe(TinyModels.TIES);
    out = dir.resolve("out");
  }

  /** Does something when so many tensors are finished. */
  private record At(int count, Runnable what, int[] seen) implements Progress {
    @Override
    public void finishedPart(String name) {
      if (++seen[0] == count) {
        what.run();
      }
    }
  }

  private void merge(int tensors, Runnable meanwhile, MergeOptions.Flag... flags) {
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe))) {
      Merger.run(
          plan,
          out,
          MergeOptions.DEFAULT.withFlags(flags).withThreads(1),
          new At(tensors, meanwhile, new int[1]));
    }
  }

  private static void zeroSecondHalf(Path file) {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      long half = bytes.length() / 2;
      bytes.seek(half);
      bytes.write(new byte[(int) (bytes.length() - half)]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private interface Change {
    void of(TinyModels models) throws IOException;
  }

  static Stream<Arguments> changes() {
    return Stream.of(
        change("weights, in place", it -> zeroSecondHalf(it.weights("two")), "two", "written to"),
        change(
            "weights, in place, with the old time",
            it -> {
              FileTime before = Files.getLastModifiedTime(it.weights("two"));
              zeroSecondHalf(it.weights("two"));
              Files.setLastModifiedTime(it.weights("two"), before);
            },
            "two",
            "written to"),
        change(
            "weights, replaced by a rename",
            it -> {
              Path other = it.write("other", 6, 16, 12, 1).resolve("model.safetensors");
              Files.move(other, it.weights("one"), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
            },
            "one",
            "written to"),
        change("weights, gone", it -> Files.delete(it.weights("one")), "one", "is gone"),
        change(
            "weights, longer",
            it ->
                Files.write(
                    it.weights("base"), new byte[9], java.nio.file.StandardOpenOption.APPEND),
            "base",
            "bytes, had"),
        change(
            "a file that is copied",
            it -> Files.writeString(it.dir().resolve("base/tokenizer.txt"), "other words"),
            "tokenizer.txt",
            "bytes, had"));
  }

  private static Arguments change(String what, Change change, String file, String said) {
    return Arguments.of(what, change, file, said);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("changes")
  void an_input_that_changes_while_it_is_merged_is_refused(
      String what, Change change, String file, String said) {
    Runnable meanwhile =
        () -> {
          try {
            change.of(models);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };

    assertThatThrownBy(() -> merge(3, meanwhile))
        .isInstanceOf(OptMergeException.class)
        .hasMessageContaining(file)
        .hasMessageContaining(said);

    assertThat(out).doesNotExist();
    assertThat(dir.resolve(".out.optmerge")).doesNotExist();
  }

  @Test
  void an_input_whose_permissions_or_links_change_is_the_same() throws IOException {
    Path link = dir.resolve("link");
    Runnable meanwhile =
        () -> {
          try {
            Files.createLink(link, models.weights("two"));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };

    merge(3, meanwhile);

    assertThat(out.resolve("model.safetensors")).isNotEmptyFile();
  }

  @Test
  void an_input_that_shrinks_stops_the_merge_and_the_rest_waits_for_it_to_be_restored()
      throws IOException {
    Path copy = Files.copy(models.weights("two"), dir.resolve("copy"));
    FileTime time = Files.getLastModifiedTime(models.weights("two"));
    Runnable meanwhile =
        () -> {
          try (RandomAccessFile bytes =
              new RandomAccessFile(models.weights("two").toFile(), "rw")) {
            bytes.setLength(bytes.length() / 2);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };

    assertThatThrownBy(() -> merge(2, meanwhile))
        .isInstanceOf(OptMergeException.class)
        .hasMessageContaining("two")
        .hasMessageContaining("--resume continues from there once the inputs are as they were");

    Files.copy(copy, models.weights("two"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Files.setLastModifiedTime(models.weights("two"), time);
    CommandRun resumed = CommandRun.of("merge", recipe, "--out", out, "--resume");
    assertThat(resumed.code()).as(resumed.err()).isZero();
    assertThat(resumed.out()).contains("of them by the earlier run");
  }

  /** Stops a merge as a kill would, with what it has finished. */
  private void stop() {
    Runnable kill =
        () -> {
          throw new IllegalStateException("killed");
        };
    assertThatThrownBy(() -> merge(3, kill)).hasMessage("killed");
    assertThat(dir.resolve(".out.optmerge/journal.jsonl")).isNotEmptyFile();
  }

  @Test
  void a_resumed_merge_knows_other_weights_of_the_same_length_and_time() throws IOException {
    FileTime time = Files.getLastModifiedTime(models.weights("two"));
    stop();
    models.write("other", 6, 16, 12, 1);
    Files.copy(
        models.weights("other"),
        models.weights("two"),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Files.setLastModifiedTime(models.weights("two"), time);

    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--quiet", "--resume");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("other inputs", "--force").hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void a_folder_that_is_deleted_while_a_merge_works_in_it_ends_the_merge_then() {
    int[] more = new int[1];
    Runnable meanwhile =
        () -> {
          try {
            Trees.delete(dir.resolve(".out.optmerge"));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };

    assertThatThrownBy(() -> merge(2, meanwhile))
        .isInstanceOf(OptMergeException.class)
        .hasMessageContaining("was deleted while the merge worked in it")
        .hasMessageNotContaining("--resume");
    assertThat(out).doesNotExist();
  }

  @Test
  void a_finished_merge_is_made_again_where_its_result_or_an_input_is_another() throws IOException {
    merge(0, () -> {});
    assertThat(CommandRun.of("merge", recipe, "--out", out, "--resume").code()).isZero();

    Path weights = out.resolve("model.safetensors");
    FileTime time = Files.getLastModifiedTime(weights);
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    Files.setLastModifiedTime(weights, time);

    CommandRun again = CommandRun.of("merge", recipe, "--out", out, "--resume", "--quiet");
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).contains("not empty");
  }

  @Test
  void a_checkpoint_knows_its_files_as_they_were_opened() throws IOException {
    try (Checkpoint opened = Checkpoint.open(dir.resolve("one"))) {
      assertThat(opened.opened()).containsOnlyKeys(models.weights("one"));
      Consumer<Path> change = ChangingInputsTest::zeroSecondHalf;
      change.accept(models.weights("one"));
      assertThat(opened.opened().get(models.weights("one")))
          .isNotEqualTo(org.optmerge.base.FileIdentity.near(models.weights("one")));
    }
  }
}
