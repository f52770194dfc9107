package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.base.Sha256;
import org.optmerge.base.Workers;

class KnownDigestsTest {
  @TempDir private Path folder;
  private Path file;
  private KnownDigests known;

  @BeforeEach
  void a_file_that_was_hashed_an_hour_after_it_was_written() throws IOException {
    file = Files.writeString(folder.resolve("model.safetensors"), "weights");
    known = at(Duration.ofHours(1));
    assertThat(hashed(known, false)).containsEntry(file, Sha256.of("weights"));
  }

  private KnownDigests at(Duration later) {
    return new KnownDigests(folder.resolve("cache"), 1, Clock.offset(Clock.systemUTC(), later));
  }

  private Map<Path, String> hashed(KnownDigests known, boolean verify) throws IOException {
    try (Digests digests = new Digests(known, verify);
        Workers pool = Workers.forking(1)) {
      digests.addInput(file);
      return digests.finish(pool);
    }
  }

  private Path entry() throws IOException {
    try (Stream<Path> entries = Files.list(folder.resolve("cache"))) {
      return entries.findFirst().orElseThrow();
    }
  }

  private void pretend(String digest) throws IOException {
    String there = Files.readString(entry());
    Files.writeString(entry(), there.replace(Sha256.of("weights"), digest));
  }

  @Test
  void it_is_not_hashed_again() throws IOException {
    pretend("f".repeat(64));
    assertThat(hashed(known, false)).containsEntry(file, "f".repeat(64));
  }

  /** Everything that can happen to a file while its name and its length stay. */
  private enum Change {
    CONTENT {
      @Override
      void of(Path file) throws IOException {
        Files.writeString(file, "heights");
      }
    },
    CONTENT_WITH_THE_OLD_TIME {
      @Override
      void of(Path file) throws IOException {
        FileTime time = Files.getLastModifiedTime(file);
        Files.writeString(file, "heights");
        Files.setLastModifiedTime(file, time);
      }
    },
    ANOTHER_FILE_WITH_THE_OLD_TIME {
      @Override
      void of(Path file) throws IOException {
        Path other = Files.writeString(file.resolveSibling("other"), "heights");
        Files.setLastModifiedTime(other, Files.getLastModifiedTime(file));
        Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
      }
    };

    abstract void of(Path file) throws IOException;
  }

  @ParameterizedTest
  @EnumSource
  void it_is_hashed_again_after_any_change(Change change) throws IOException {
    change.of(file);
    assertThat(hashed(at(Duration.ofHours(2)), false)).containsEntry(file, Sha256.of("heights"));
  }

  @Test
  void verifying_finds_a_change_that_left_no_trace() throws IOException {
    pretend("e".repeat(64));
    assertThatThrownBy(() -> hashed(known, true))
        .isInstanceOf(MergeException.class)
        .hasMessageContaining(file + " has changed since it was last merged")
        .hasMessageContaining("was " + "e".repeat(64));
    assertThat(hashed(known, false)).containsEntry(file, Sha256.of("weights"));
  }

  @Test
  void verifying_what_is_sound_changes_nothing() throws IOException {
    String before = Files.readString(entry());
    assertThat(hashed(known, true)).containsEntry(file, Sha256.of("weights"));
    assertThat(entry()).hasContent(before);
  }

  @Test
  void a_file_that_changed_a_moment_ago_is_not_remembered() throws IOException {
    Files.delete(entry());
    hashed(at(Duration.ZERO), false);
    assertThat(folder.resolve("cache")).isEmptyDirectory();
  }

  @Test
  void a_damaged_or_foreign_entry_does_not_count() throws IOException {
    for (String content : List.of("", "{", "{\"file\": \"another\", \"sha256\": \"0\"}", "[]")) {
      Files.writeString(entry(), content);
      assertThat(hashed(known, false)).containsEntry(file, Sha256.of("weights"));
    }
  }

  @Test
  void a_cache_that_cannot_be_written_costs_nothing_but_time() throws IOException {
    Path inTheWay = Files.writeString(folder.resolve("file"), "");
    KnownDigests nowhere =
        new KnownDigests(
            inTheWay.resolve("cache"), 1, Clock.offset(Clock.systemUTC(), Duration.ofHours(1)));
    assertThat(hashed(nowhere, false)).containsEntry(file, Sha256.of("weights"));
  }

  @Test
  void short_files_are_not_looked_up() {
    KnownDigests longer =
        new KnownDigests(
            folder.resolve("cache"), 8, Clock.offset(Clock.systemUTC(), Duration.ofHours(1)));
    assertThat(longer.identity(file)).isEmpty();
    assertThat(known.identity(file)).isNotEqualTo(Optional.empty());
  }
}
