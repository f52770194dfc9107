package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DisguiseTest {
  @TempDir private Path folder;

  private Optional<String> disguise(String name, String content) throws IOException {
    Path file = Files.writeString(folder.resolve(name), content);
    try (FileChannel channel = FileChannel.open(file)) {
      return Disguise.of(channel, name);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a.tsv | <!DOCTYPE html><html><head><title>Sign in</title> | a web page ('Sign in')",
        "a.zip | <html lang=en>please log in | a web page",
        "a.json | <!-- x --><HTML> | a web page",
        "a.tsv | version https://git-lfs.github.com/spec/v1 | a pointer of Git LFS",
      })
  void what_comes_in_place_of_a_file_is_told(String name, String content, String what)
      throws IOException {
    assertThat(disguise(name, content).orElse("")).startsWith(what);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a.html | <!DOCTYPE html><html>",
        "a.tsv | index image",
        "a.json | {\"html\": 1}",
        "a.xml | <?xml version='1.0'?><svg>",
        "a.jsonl | ''",
      })
  void a_file_is_what_its_name_says(String name, String content) throws IOException {
    assertThat(disguise(name, content)).isEmpty();
  }

  @Test
  void names_in_gbk_are_read_as_such() throws IOException {
    Path archive = folder.resolve("china.zip");
    try (ZipArchiveOutputStream out = new ZipArchiveOutputStream(archive)) {
      out.setEncoding("GBK");
      out.setUseLanguageEncodingFlag(false);
      for (String name : new String[] {"图片/一.txt", "plain.txt"}) {
        out.putArchiveEntry(new ZipArchiveEntry(name));
        out.write(name.getBytes(Charset.forName("UTF-8")));
        out.closeArchiveEntry();
      }
    }

    Path unpacked = folder.resolve("unpacked");
    Archives.unpack(archive, unpacked, Archives.Limits.DEFAULT);

    assertThat(Files.readString(unpacked.resolve("图片/一.txt"))).isEqualTo("图片/一.txt");
    assertThat(unpacked.resolve("plain.txt")).exists();
  }
}
