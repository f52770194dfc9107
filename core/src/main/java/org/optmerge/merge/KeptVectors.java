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
final class KeptVectors implements AutoCloseable {
  /** Values on their way to the file and back, in bytes. */
  private static final int BUFFER_BYTES = 1 << 20;

  /** Values that were kept. */
  interface Kept {
    /** A new array of them. */
    float[] values();

    /** Copies {@code length} of them from number {@code at} on. */
    void read(long at, float[] target, int length);
  }

  /** Values on the heap. */
  private record OnHeap(float[] kept) implements Kept {
    @Override
    public float[] values() {
      return kept.clone();
    }

    @Override
    public void read(long at, float[] target, int length) {
      System.arraycopy(kept, (int) at, target, 0, length);
    }
  }

  /**
   * Values in the file.
   *
   * @param at their place, in bytes
   * @param length how many
   */
  private record InFile(FileChannel channel, long at, long length) implements Kept {
    @Override
    public float[] values() {
      float[] values = new float[Math.toIntExact(length)];
      read(0, values, values.length);
      return values;
    }

    @Override
    public void read(long first, float[] target, int count) {
      KeptVectors.read(channel, at + Float.BYTES * first, target, count);
    }
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
      return new OnHeap(values.clone());
    }
    long at = end.getAndAdd((long) Float.BYTES * values.length);
    write(channel, at, values, values.length);
    return new InFile(channel, at, values.length);
  }

  /** Keeps the values of a merged matrix, piece by piece. Safe from several threads. */
  Kept keep(MergedValues merged, long size) {
    FileChannel channel = file;
    float[] whole = channel == null ? new float[Math.toIntExact(size)] : new float[0];
    long at = channel == null ? 0 : end.getAndAdd(Float.BYTES * size);
    float[] piece = new float[TensorMerger.BLOCK];
    // Cut as where they are written at once: a product of other rows may round differently.
    for (long from = 0; from < size; from += TensorMerger.TASK) {
      long to = Math.min(size, from + TensorMerger.TASK);
      try (MergedValues.Stretch stretch = merged.stretch(from, to)) {
        for (long first = from; first < to; first += piece.length) {
          int count = (int) Math.min(piece.length, to - first);
          stretch.get(first, piece, count);
          if (channel == null) {
            System.arraycopy(piece, 0, whole, (int) first, count);
          } else {
            write(channel, at + Float.BYTES * first, piece, count);
          }
        }
      }
    }
    return channel == null ? new OnHeap(whole) : new InFile(channel, at, size);
  }

  private static void write(FileChannel channel, long at, float[] values, int length) {
    ByteBuffer buffer = buffer();
    try {
      for (int first = 0; first < length; first += BUFFER_BYTES / Float.BYTES) {
        int count = Math.min(BUFFER_BYTES / Float.BYTES, length - first);
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
  }

  private static void read(FileChannel channel, long at, float[] values, int length) {
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
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.nativeOrder());
  }

  /** Gives the file's room back; values in it are gone. */
  @Override
  public void close() {
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException ignored) {
      // It has no name, so the system frees it when the process ends.
    }
  }
}
