package org.optmerge.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.base.Trees;
import org.optmerge.fuzz.Sandbox;

/** Manifests, receipts and archives with any bytes in them. */
class ManifestFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/manifest.dict";
  private static final Sandbox BOX = Sandbox.open();

  static Stream<byte[]> manifests() throws IOException {
    return Stream.of(
            "InternVL2_5-1B.json", "ChartQA_TEST.json", "VizWiz-lmms-eval.json", "MUSIC-AVQA.json")
        .map(Path.of("../data-manifests")::resolve)
        .map(ManifestFuzzTest::bytes);
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("manifests")
  @FuzzTest
  void manifest(byte[] data) throws Exception {
    Path file = BOX.file("manifest.json", data);
    BOX.holds(data, () -> Manifests.read(file));
  }

  static Stream<byte[]> receipts() throws IOException {
    Path folder = Files.createDirectories(BOX.folder().resolve("receipt-seed"));
    new Receipt("m", Map.of("a/b", "0".repeat(40)), true, List.of())
        .with(new Receipt.Entry("a.bin", "x", 3, "0".repeat(64), "sha256", 7, null))
        .with(new Receipt.Entry("a.zip", "x", 3, "0".repeat(64), null, 7, "images"))
        .writeTo(folder);
    return Stream.of(Files.readAllBytes(folder.resolve(Receipt.NAME)));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("receipts")
  @FuzzTest
  void receipt(byte[] data) throws Exception {
    BOX.file(Receipt.NAME, data);
    BOX.holds(
        data,
        () ->
            Receipt.of(BOX.folder())
                .ifPresent(
                    receipt -> {
                      receipt.find("a.bin");
                      receipt.with(new Receipt.Entry("b", "x", 1, "0", null, 1, null)).completed();
                    }));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("pages")
  @FuzzTest
  void disguise(byte[] data) throws Exception {
    Path file = BOX.file("download.bin", data);
    BOX.holds(
        data,
        () -> {
          try (FileChannel channel = FileChannel.open(file)) {
            Disguise.of(channel, "model.safetensors");
            Disguise.of(channel, "table.tsv");
          }
        });
  }

  static Stream<byte[]> pages() {
    return Stream.of("<!doctype html><html><head><title>Sign in</title>", "version https://git-lfs")
        .map(text -> text.getBytes(UTF_8));
  }

  static Stream<byte[]> zips() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(out)) {
      for (String name : List.of("a.txt", "images/", "images/1.txt")) {
        zip.putArchiveEntry(new ZipArchiveEntry(name));
        if (!name.endsWith("/")) {
          zip.write("one one one one".getBytes(UTF_8));
        }
        zip.closeArchiveEntry();
      }
      ZipArchiveEntry stored = new ZipArchiveEntry("stored");
      stored.setMethod(ZipArchiveEntry.STORED);
      stored.setSize(1);
      stored.setCrc(0xe8b7be43L);
      zip.putArchiveEntry(stored);
      zip.write('a');
      zip.closeArchiveEntry();
    }
    return Stream.of(out.toByteArray());
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("zips")
  @FuzzTest
  void zip(byte[] data) throws Exception {
    unpack(data, "a.zip");
  }

  private static byte[] tar(boolean packed) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar =
        new TarArchiveOutputStream(packed ? new GZIPOutputStream(out) : out)) {
      tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      for (String name : List.of("./a.txt", "long/".repeat(25) + "b.txt")) {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(3);
        tar.putArchiveEntry(entry);
        tar.write("one".getBytes(UTF_8));
        tar.closeArchiveEntry();
      }
    }
    return out.toByteArray();
  }

  static Stream<byte[]> tars() throws IOException {
    return Stream.of(tar(false));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("tars")
  @FuzzTest
  void tar(byte[] data) throws Exception {
    unpack(data, "a.tar");
  }

  static Stream<byte[]> packedTars() throws IOException {
    return Stream.of(tar(true));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("packedTars")
  @FuzzTest
  void tarGz(byte[] data) throws Exception {
    unpack(data, "a.tar.gz");
  }

  private static void unpack(byte[] data, String name) throws Exception {
    Path archive = BOX.file(name, data);
    Path out = BOX.folder().resolve("out");
    Trees.delete(out);
    BOX.holds(
        data, () -> Archives.unpack(archive, out, new Archives.Limits(1000, 10_000_000, 200)));
  }
}
