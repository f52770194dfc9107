package org.optmerge.manifest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Contents that servers send in place of a file, with a status of success. */
final class Disguise {
  private static final int LOOKED_AT = 4096;
  private static final Pattern PAGE =
      Pattern.compile(
          "(?is)(?:\\s|\ufeff|<\\?xml[^>]*+>|<!--.*?-->)*+(?:<!doctype\\s++html|<html|<head|<body).*+");
  private static final Pattern TITLE = Pattern.compile("(?is)<title[^>]*+>\\s*+([^<]{1,80})");

  private Disguise() {}

  /**
   * What a file is instead of what its name says.
   *
   * @param name of the file
   * @return in words; empty if it may be what its name says
   */
  static Optional<String> of(FileChannel file, String name) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(LOOKED_AT);
    int read = file.read(buffer, 0);
    String start = new String(buffer.array(), 0, Math.max(0, read), StandardCharsets.UTF_8);
    if (start.startsWith("version https://git-lfs.github.com/spec/")) {
      return Optional.of(
          "a pointer of Git LFS: the repository keeps the file elsewhere, at an address with"
              + " /resolve/ or /media/");
    }
    String lower = name.toLowerCase(Locale.ROOT);
    if (lower.endsWith(".html") || lower.endsWith(".htm") || !PAGE.matcher(start).matches()) {
      return Optional.empty();
    }
    Matcher title = TITLE.matcher(start);
    return Optional.of(
        "a web page%s, such as one to log in or of an error,"
            .formatted(title.find() ? " ('%s')".formatted(title.group(1).strip()) : ""));
  }
}
