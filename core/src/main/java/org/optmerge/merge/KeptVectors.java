package org.optmerge.merge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Merged task vectors that wait for a λ: on the heap if they are small, else in a file of the
 * user's cache folder that is deleted as soon as it is open, so that nothing stays behind.
 */
final class KeptVectors {
  /** Values on their way to the file and back, in bytes. */
  private static final int BUFFER_BYTES = 1 << 20;

  /** Values that were kept. */
  interface Kept {
    /** A new array of them. */
    float[] values();
  }

  private final @Nullable FileChannel file;
  private final AtomicLong end = new AtomicLong();

  private KeptVectors(@Nullable FileChannel file) {
    this.file = file;
  }

  /**
   * Room for vectors.
   *
   * @param bytes of all of them
   * @param most bytes that may be on the heap
   * @throws MergeException if there is no room for a file
   */
  static KeptVectors of(long bytes, long most) {
    return new KeptVectors(bytes <= most ? null : open(folder(), bytes));
  }

  boolean isOnHeap() {
    return file == null;
  }

  /** The user's cache folder. */
  static Path folder() {
    String cache = System.getenv().getOrDefault("XDG_CACHE_HOME", "").strip();
    Path parent =
        cache.isEmpty() ? Path.of(System.getProperty("user.home", "."), ".cache") : Path.of(cache);
    return parent.resolve("optmerge");
  }

  /** A file in a folder, which has no name any more. */
  static FileChannel open(Path folder, long bytes) {
    try {
      Files.createDirectories(folder);
      long free = Files.getFileStore(folder).getUsableSpace();
      if (free < bytes) {
        throw new MergeException(
            String.format(
                Locale.ROOT,
                "%s: a merge of this size in memory keeps %.1f GB there meanwhile, %.1f are free;"
                    + " set XDG_CACHE_HOME to a folder with room",
                folder,
                bytes / 1e9,
                free / 1e9));
      }
      Path path = Files.createTempFile(folder, "vectors-", ".tmp");
      FileChannel channel =
          FileChannel.open(
              path,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE);
      try {
        Files.deleteIfExists(path);
      } catch (IOException ignored) {
        // Where an open file cannot lose its name, it goes when it is closed.
      }
      return channel;
    } catch (IOException e) {
      throw new MergeException(
          "%s: cannot keep a merge there meanwhile: %s; set XDG_CACHE_HOME to another folder"
              .formatted(folder, e),
          e);
    }
  }

  /** Keeps values. Safe from several threads. */
  Kept keep(float[] values) {
    FileChannel channel = file;
    if (channel == null) {
      return values::clone;
    }
    long at = end.getAndAdd((long) Float.BYTES * values.length);
    ByteBuffer buffer = buffer();
    try {
      for (int first = 0; first < values.length; first += BUFFER_BYTES / Float.BYTES) {
        int count = Math.min(BUFFER_BYTES / Float.BYTES, values.length - first);
        buffer.asFloatBuffer().put(values, first, count);
        buffer.position(0).limit(count * Float.BYTES);
        long position = at + (long) Float.BYTES * first;
        while (buffer.hasRemaining()) {
          position += channel.write(buffer, position);
        }
        buffer.clear();
      }
    } catch (IOException e) {
      throw new MergeException("merged values cannot be kept: " + e, e);
    }
    int length = values.length;
    return () -> read(channel, at, length);
  }

  private static float[] read(FileChannel channel, long at, int length) {
    float[] values = new float[length];
    ByteBuffer buffer = buffer();
    try {
      for (int first = 0; first < length; first += BUFFER_BYTES / Float.BYTES) {
        int count = Math.min(BUFFER_BYTES / Float.BYTES, length - first);
        buffer.position(0).limit(count * Float.BYTES);
        long position = at + (long) Float.BYTES * first;
        while (buffer.hasRemaining()) {
          int read = channel.read(buffer, position);
          if (read < 0) {
            throw new IOException("the file ends at byte " + position);
          }
          position += read;
        }
        buffer.flip();
        buffer.asFloatBuffer().get(values, first, count);
        buffer.clear();
      }
    } catch (IOException e) {
      throw new MergeException("merged values cannot be read back: " + e, e);
    }
    return values;
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.nativeOrder());
  }
}
