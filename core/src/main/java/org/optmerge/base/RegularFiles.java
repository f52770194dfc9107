package org.optmerge.base;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Files that have an end: reading a pipe would wait for whoever writes to it, a device has no end.
 */
public final class RegularFiles {
  private RegularFiles() {}

  /**
   * The same path, if it is a regular file or leads to one.
   *
   * @throws FileSystemException if it is not there, or is something else
   */
  public static Path required(Path file) throws IOException {
    if (Files.isRegularFile(file)) {
      return file;
    }
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    throw new FileSystemException(
        file.toString(),
        null,
        Files.isDirectory(file)
            ? "is a folder, not a file"
            : "is a pipe, a socket or a device, not a file");
  }

  /**
   * The content of a small file.
   *
   * @param most the most bytes that such a file may have
   * @throws FileSystemException if it is no regular file, or longer
   */
  public static byte[] read(Path file, int most) throws IOException {
    long bytes = Files.size(required(file));
    if (bytes > most) {
      throw tooLong(file, most);
    }
    // It may grow while it is read.
    try (InputStream in = Files.newInputStream(file);
        ByteArrayOutputStream content = new ByteArrayOutputStream((int) bytes)) {
      content.writeBytes(in.readNBytes(most + 1));
      if (content.size() > most) {
        throw tooLong(file, most);
      }
      return content.toByteArray();
    }
  }

  /**
   * The text of a small file in UTF-8.
   *
   * @param most the most bytes that such a file may have
   * @throws FileSystemException if it is no regular file, longer, or not in UTF-8
   */
  public static String readText(Path file, int most) throws IOException {
    byte[] bytes = read(file, most);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      FileSystemException failure =
          new FileSystemException(file.toString(), null, "is not a text in UTF-8");
      failure.initCause(e);
      throw failure;
    }
  }

  private static FileSystemException tooLong(Path file, int most) {
    return new FileSystemException(
        file.toString(), null, "is longer than %d bytes, which is the most".formatted(most));
  }
}
