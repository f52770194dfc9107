package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArchivesTest {
  private static final Archives.Limits LIMITS = Archives.Limits.DEFAULT;

  @TempDir private Path folder;

  private interface Zipping {
    void to(ZipArchiveOutputStream zip) throws IOException;
  }

  private interface Tarring {
    void to(TarArchiveOutputStream tar) throws IOException;
  }

  private Path zip(Zipping members) throws IOException {
    Path file = folder.resolve("a.zip");
    try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(file)) {
      members.to(zip);
    }
    return file;
  }

  private static void add(ZipArchiveOutputStream zip, String name, String content)
      throws IOException {
    zip.putArchiveEntry(new ZipArchiveEntry(name));
    zip.write(content.getBytes(StandardCharsets.UTF_8));
    zip.closeArchiveEntry();
  }

  private Path tar(boolean compressed, Tarring members) throws IOException {
    Path file = folder.resolve(compressed ? "a.tar.gz" : "a.tar");
    try (OutputStream out = Files.newOutputStream(file);
        OutputStream packed = compressed ? new GZIPOutputStream(out) : out;
        TarArchiveOutputStream tar = new TarArchiveOutputStream(packed)) {
      tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      members.to(tar);
    }
    return file;
  }

  private static void add(TarArchiveOutputStream tar, String name, String content)
      throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    TarArchiveEntry entry = new TarArchiveEntry(name, true);
    entry.setSize(bytes.length);
    tar.putArchiveEntry(entry);
    tar.write(bytes);
    tar.closeArchiveEntry();
  }

  private void assertNothingUnpacked() throws IOException {
    try (var files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .allMatch(name -> name.startsWith("a."));
    }
    assertThat(folder.resolveSibling("evil")).doesNotExist();
  }

  @Test
  void a_zip_is_unpacked_whole() throws IOException {
    Path archive =
        zip(
            zip -> {
              zip.putArchiveEntry(new ZipArchiveEntry("images/"));
              zip.closeArchiveEntry();
              add(zip, "images/1.txt", "one");
              add(zip, "images/deep/er/ü.txt", "two");
            });

    assertThat(Archives.unpack(archive, folder.resolve("out"), LIMITS)).isEqualTo(2);

    assertThat(folder.resolve("out/images/1.txt")).hasContent("one");
    assertThat(folder.resolve("out/images/deep/er/ü.txt")).hasContent("two");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_tar_is_unpacked_whole(boolean compressed) throws IOException {
    String name = "./" + "long/".repeat(40) + "1.txt";
    Path archive =
        tar(
            compressed,
            tar -> {
              TarArchiveEntry root = new TarArchiveEntry("./");
              tar.putArchiveEntry(root);
              tar.closeArchiveEntry();
              add(tar, name, "one");
            });

    assertThat(Archives.unpack(archive, folder.resolve("out"), LIMITS)).isEqualTo(1);

    assertThat(folder.resolve("out").resolve(name).normalize()).hasContent("one");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../evil",
        "a/../../evil",
        "/tmp/evil",
        "a\\..\\..\\evil",
        "c:evil",
        "a/nul",
        "x\u0001"
      })
  void a_zip_member_outside_the_folder_is_refused(String name) throws IOException {
    Path archive =
        zip(
            zip -> {
              add(zip, "good.txt", "good");
              add(zip, name, "evil");
            });

    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .isInstanceOf(FetchException.class)
        .hasMessageStartingWith("archive 'a.zip' is refused: its member");
    assertNothingUnpacked();
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil", "a/../../evil", "/tmp/evil"})
  void a_tar_member_outside_the_folder_is_refused(String name) throws IOException {
    Path archive = tar(true, tar -> add(tar, name, "evil"));

    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .isInstanceOf(FetchException.class)
        .hasMessageStartingWith("archive 'a.tar.gz' is refused: its member");
    assertNothingUnpacked();
  }

  @ParameterizedTest
  @ValueSource(
      bytes = {
        TarConstants.LF_SYMLINK,
        TarConstants.LF_LINK,
        TarConstants.LF_FIFO,
        TarConstants.LF_CHR
      })
  void links_and_devices_are_refused(byte kind) throws IOException {
    Path archive =
        tar(
            false,
            tar -> {
              TarArchiveEntry entry = new TarArchiveEntry("link", kind);
              entry.setLinkName("/etc/passwd");
              tar.putArchiveEntry(entry);
              tar.closeArchiveEntry();
            });

    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .isInstanceOf(FetchException.class)
        .hasMessageMatching(".*its member 'link' is (a link|neither a file nor a folder)");
    assertNothingUnpacked();
  }

  @Test
  void a_link_in_a_zip_is_refused() throws IOException {
    Path archive =
        zip(
            zip -> {
              ZipArchiveEntry entry = new ZipArchiveEntry("link");
              entry.setUnixMode(0120777);
              zip.putArchiveEntry(entry);
              zip.write("/etc/passwd".getBytes(StandardCharsets.UTF_8));
              zip.closeArchiveEntry();
            });

    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .hasMessageContaining("'link' is a link");
    assertNothingUnpacked();
  }

  @Test
  void a_bomb_is_given_up() throws IOException {
    Path archive =
        zip(
            zip -> {
              zip.putArchiveEntry(new ZipArchiveEntry("zeros"));
              byte[] zeros = new byte[1 << 20];
              for (int i = 0; i < 120; i++) {
                zip.write(zeros);
              }
              zip.closeArchiveEntry();
            });

    assertThat(Files.size(archive)).isLessThan(200_000);
    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("would make its content more than 100000000 bytes");
    assertNothingUnpacked();
  }

  @Test
  void too_many_members_are_refused() throws IOException {
    Path archive =
        zip(
            zip -> {
              for (int i = 0; i < 11; i++) {
                add(zip, "f" + i, "");
              }
            });

    assertThatThrownBy(
            () ->
                Archives.unpack(
                    archive, folder.resolve("out"), new Archives.Limits(10, 1 << 20, 100)))
        .hasMessageContaining("one more than the 10 members allowed");
    assertNothingUnpacked();
  }

  @Test
  void a_member_that_is_there_twice_is_refused() throws IOException {
    Path archive =
        tar(
            false,
            tar -> {
              add(tar, "a/x", "1");
              add(tar, "a/./X", "2");
            });

    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .hasMessageContaining("is there twice");
    assertNothingUnpacked();
  }

  @Test
  void an_encrypted_member_is_refused() throws IOException {
    Path archive = zip(zip -> add(zip, "secret", "x"));
    byte[] bytes = Files.readAllBytes(archive);
    for (int i = 0; i + 10 < bytes.length; i++) {
      // The flag "encrypted" in the local header and in the central directory.
      if (bytes[i] == 'P' && bytes[i + 1] == 'K' && bytes[i + 2] == 3) {
        bytes[i + 6] |= 1;
      } else if (bytes[i] == 'P' && bytes[i + 1] == 'K' && bytes[i + 2] == 1) {
        bytes[i + 8] |= 1;
      }
    }
    Files.write(archive, bytes);

    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .hasMessageContaining("is encrypted");
    assertNothingUnpacked();
  }

  @Test
  void an_archive_cut_short_leaves_nothing() throws IOException {
    Path archive =
        tar(
            true,
            tar -> {
              for (int i = 0; i < 50; i++) {
                add(tar, "f" + i, "content ".repeat(i * 97));
              }
            });
    byte[] bytes = Files.readAllBytes(archive);
    Files.write(archive, java.util.Arrays.copyOf(bytes, bytes.length / 2));

    assertThatThrownBy(() -> Archives.unpack(archive, folder.resolve("out"), LIMITS))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("cannot be unpacked");
    assertNothingUnpacked();
  }

  @Test
  void damaged_archives_are_refused_or_unpacked_but_never_harm() throws IOException {
    Random random = new Random(3);
    byte[] zip =
        Files.readAllBytes(
            zip(
                out -> {
                  add(out, "a/b", "content");
                  add(out, "c", "more");
                }));
    int unpacked = 0;
    for (int round = 0; round < 300; round++) {
      byte[] damaged = zip.clone();
      for (int flips = random.nextInt(4); flips >= 0; flips--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Path archive = folder.resolve("a.zip");
      Files.write(archive, damaged);
      Path out = folder.resolve("out" + round);
      try {
        Archives.unpack(archive, out, LIMITS);
        unpacked++;
        assertThat(out).isDirectory();
      } catch (FetchException e) {
        assertThat(out).doesNotExist();
      }
    }
    assertThat(unpacked).isBetween(1, 299);
  }

  @Test
  void what_is_there_already_is_not_touched() throws IOException {
    Path out = Files.createDirectory(folder.resolve("a.out"));

    assertThatThrownBy(() -> Archives.unpack(zip(zip -> add(zip, "x", "")), out, LIMITS))
        .hasMessageContaining("is there already");
  }

  @Test
  void only_known_kinds_are_archives() {
    assertThat(Archives.Format.of("x.TGZ")).isEqualTo(Archives.Format.TAR_GZ);
    assertThatThrownBy(() -> Archives.Format.of("x.rar"))
        .hasMessage("'x.rar' cannot be unpacked; expected .zip, .tar, .tar.gz or .tgz");
  }
}
