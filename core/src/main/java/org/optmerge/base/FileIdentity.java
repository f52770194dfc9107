package org.optmerge.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The marks by which a file is told from another, or from itself after a change, without a look at
 * its content.
 *
 * <p>A program can set back the time of the last change of content, but not that of the last change
 * of the inode.
 *
 * @param device the file system's number
 * @param inode the file's number in it
 * @param bytes its length
 * @param modified nanoseconds since 1970 of the last change of content
 * @param changed nanoseconds since 1970 of the last change of content or inode
 */
public record FileIdentity(Object device, Object inode, long bytes, long modified, long changed) {
  /** The identity of a file as it is now; empty where the file system does not have all of it. */
  public static Optional<FileIdentity> of(Path file) {
    try {
      Map<String, Object> unix =
          Files.readAttributes(file, "unix:dev,ino,size,lastModifiedTime,ctime");
      return Optional.of(
          new FileIdentity(
              value(unix, "dev"),
              value(unix, "ino"),
              (Long) value(unix, "size"),
              nanoseconds(value(unix, "lastModifiedTime")),
              nanoseconds(value(unix, "ctime"))));
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * As much of the identity as any file system has.
   *
   * @throws IOException if the file is not there or cannot be looked at
   */
  public static FileIdentity near(Path file) throws IOException {
    Optional<FileIdentity> whole = of(file);
    if (whole.isPresent()) {
      return whole.get();
    }
    BasicFileAttributes basic = Files.readAttributes(file, BasicFileAttributes.class);
    Object key = basic.fileKey() == null ? basic.creationTime() : basic.fileKey();
    long modified = basic.lastModifiedTime().to(TimeUnit.NANOSECONDS);
    return new FileIdentity(0L, key, basic.size(), modified, modified);
  }

  private static Object value(Map<String, Object> attributes, String name) {
    return Objects.requireNonNull(attributes.get(name), name);
  }

  private static long nanoseconds(Object time) {
    return ((FileTime) time).to(TimeUnit.NANOSECONDS);
  }
}
