package org.optmerge.base;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Writes files and folders that are there whole or not at all, whenever the process or machine
 * stops.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** Writes a file's content to a path that is not the file's own yet. */
  @FunctionalInterface
  public interface Content {
    void writeTo(Path draft) throws IOException;
  }

  /** Writes or replaces a text file in UTF-8; makes its folder if need be. */
  public static void write(Path file, String text) throws IOException {
    write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes or replaces a file; makes its folder if need be. */
  public static void write(Path file, byte[] bytes) throws IOException {
    write(file, draft -> Files.write(draft, bytes));
  }

  /** Writes or replaces a file whose content is not one array of bytes. */
  public static void write(Path file, Content content) throws IOException {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      Files.createDirectories(folder);
    }
    Path draft = target.resolveSibling("." + target.getFileName() + ".unfinished");
    Files.deleteIfExists(draft);
    try {
      content.writeTo(draft);
      Trees.forceOne(draft);
      move(draft, target);
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  /**
   * Gives a finished file or folder its name; an old file of this name, or an empty folder, goes.
   */
  public static void move(Path draft, Path target) throws IOException {
    try {
      Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(draft, target, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
