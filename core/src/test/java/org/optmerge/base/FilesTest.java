package org.optmerge.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FilesTest {
  @TempDir private Path folder;

  @Test
  void a_file_is_written_with_its_folder_and_replaced_whole() throws IOException {
    Path file = folder.resolve("a/b/c.txt");

    AtomicFiles.write(file, "first, and long");
    AtomicFiles.write(file, "second");

    assertThat(file).hasContent("second");
    assertThat(file.getParent()).isDirectoryContaining(it -> it.equals(file));
    assertThat(Files.list(file.getParent())).hasSize(1);
  }

  @Test
  void a_write_that_fails_leaves_the_old_file_and_no_draft() throws IOException {
    Path file = folder.resolve("c.txt");
    AtomicFiles.write(file, "old");

    assertThatThrownBy(
            () ->
                AtomicFiles.write(
                    file,
                    draft -> {
                      Files.writeString(draft, "half");
                      throw new IOException("the disk is full");
                    }))
        .hasMessage("the disk is full");

    assertThat(file).hasContent("old");
    assertThat(Files.list(folder)).hasSize(1);
  }

  @Test
  void a_tree_is_copied_and_deleted_but_not_what_its_links_point_to() throws IOException {
    Path outside = Files.writeString(folder.resolve("outside.txt"), "stays");
    AtomicFiles.write(folder.resolve("tree/deep/x.txt"), "x");
    Trees.copy(folder.resolve("tree"), folder.resolve("copy"));
    Files.createSymbolicLink(folder.resolve("tree/link"), outside);
    Trees.force(folder.resolve("copy"));

    Trees.delete(folder.resolve("tree"));
    Trees.delete(folder.resolve("never there"));

    assertThat(folder.resolve("tree")).doesNotExist();
    assertThat(outside).hasContent("stays");
    assertThat(folder.resolve("copy/deep/x.txt")).hasContent("x");
  }

  @Test
  void digests_are_those_of_the_standard() throws IOException {
    // The examples of FIPS 180-2, and the empty message.
    String abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    Path file = Files.writeString(folder.resolve("abc"), "abc");

    assertThat(Sha256.of("abc")).isEqualTo(abc);
    assertThat(Sha256.of(file)).isEqualTo(abc);
    assertThat(Sha256.of(new byte[0]))
        .isEqualTo("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }
}
