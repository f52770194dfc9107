package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;
import static org.optmerge.checkpoint.SafetensorsLayout.PAGE;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Writes a safetensors file whose layout is known from the start: any part of any tensor, in any
 * order, from several threads.
 *
 * <p>The file has its final length from the start, as a sparse file where the file system can; its
 * header is complete, so what makes a half-written file look whole is up to who uses this (a folder
 * of another name until all is done, a journal).
 *
 * <p>Whole pages bypass the page cache where the file system allows it and the buffer is aligned
 * like the file: memory for pages that nobody reads again costs more than the disk does.
 */
public final class SafetensorsWriter implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private volatile @Nullable FileChannel direct;
  private final List<TensorInfo> tensors;
  private final Map<String, TensorInfo> byName;

  private SafetensorsWriter(Path file, FileChannel channel, SafetensorsLayout layout) {
    this.file = file;
    this.channel = channel;
    this.direct = openDirect(file);
    this.tensors = layout.tensors(file);
    this.byName = tensors.stream().collect(Collectors.toMap(TensorInfo::name, Function.identity()));
  }

  /**
   * Creates a file of its final length, with its header.
   *
   * @throws CheckpointException if the file is there already or cannot be created, or the disk has
   *     not the room for it; then no file is left
   */
  public static SafetensorsWriter create(Path file, SafetensorsLayout layout) {
    FileChannel channel;
    try {
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.SPARSE);
    } catch (FileAlreadyExistsException e) {
      throw new CheckpointException("%s: is there already".formatted(file), e);
    } catch (NoSuchFileException e) {
      throw new CheckpointException(
          "%s: cannot be created: its folder does not exist".formatted(file), e);
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be created: %s".formatted(file, e), e);
    }
    try {
      requireSpace(file, layout.requiredBytes());
      writeFully(channel, ByteBuffer.wrap(layout.header()), 0);
      if (layout.requiredBytes() > layout.dataStart()) {
        writeFully(channel, ByteBuffer.allocate(1), layout.requiredBytes() - 1);
      }
      return new SafetensorsWriter(file, channel, layout);
    } catch (IOException | RuntimeException | Error e) {
      try {
        channel.close();
        Files.deleteIfExists(file);
      } catch (IOException second) {
        e.addSuppressed(second);
      }
      throw e instanceof IOException io ? failed(file, "cannot be written", io) : rethrown(e);
    }
  }

  /**
   * Opens a file that {@link #create} made, with the same layout, to write what is missing.
   *
   * @throws CheckpointException if the file has another length or another header
   */
  public static SafetensorsWriter reopen(Path file, SafetensorsLayout layout) {
    FileChannel channel;
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be opened again: %s".formatted(file, e), e);
    }
    try {
      long bytes = channel.size();
      if (bytes != layout.requiredBytes()) {
        throw CheckpointException.at(
            file,
            "cannot go on with this file: it has %d bytes, expected %d"
                .formatted(bytes, layout.requiredBytes()));
      }
      byte[] expected = layout.header();
      ByteBuffer header = ByteBuffer.allocate(expected.length);
      while (header.hasRemaining() && channel.read(header, header.position()) >= 0) {}
      if (!Arrays.equals(header.array(), expected)) {
        throw CheckpointException.at(
            file, "cannot go on with this file: its header is not that of these tensors and types");
      }
      return new SafetensorsWriter(file, channel, layout);
    } catch (IOException | RuntimeException | Error e) {
      try {
        channel.close();
      } catch (IOException second) {
        e.addSuppressed(second);
      }
      throw e instanceof IOException io ? failed(file, "cannot be read", io) : rethrown(e);
    }
  }

  /**
   * Makes sure that a file system has room, before any work.
   *
   * @param path of a file or folder on it, which need not exist yet
   * @param bytes what will be written, over all files
   * @throws CheckpointException if it has not
   */
  static void requireSpace(Path path, long bytes) {
    Path existing = path.toAbsolutePath();
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    long usable;
    try {
      usable = Files.getFileStore(existing).getUsableSpace();
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot ask for the space left on its disk: %s".formatted(path, e), e);
    }
    if (usable < bytes) {
      throw CheckpointException.at(
          path,
          "the disk is too small: %s are needed, %s are free".formatted(size(bytes), size(usable)));
    }
  }

  /** The file being written. */
  public Path file() {
    return file;
  }

  /** The places of the tensors, in the order of their offsets. */
  public List<TensorInfo> tensors() {
    return tensors;
  }

  /** One tensor of the layout. */
  public TensorInfo tensor(String name) {
    TensorInfo tensor = byName.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "%s: the layout has no tensor %s".formatted(file, quote(name)));
    }
    return tensor;
  }

  /** {@link #write(TensorInfo, long, ByteBuffer)}, by name. */
  public void write(String tensor, long offset, ByteBuffer data) {
    write(tensor(tensor), offset, data);
  }

  /**
   * Writes stored bytes, all that remain in {@code data}, from {@code offset} within the tensor on.
   * Safe from several threads, as long as they write different bytes.
   *
   * @throws CheckpointException if they cannot be written
   * @throws IndexOutOfBoundsException if the tensor does not have these bytes
   */
  public void write(TensorInfo tensor, long offset, ByteBuffer data) {
    if (!tensor.equals(byName.get(tensor.name()))) {
      throw new IllegalArgumentException(
          "tensor %s is not one of %s".formatted(quote(tensor.name()), file));
    }
    int length = data.remaining();
    if (offset < 0 || offset > tensor.bytes() - length) {
      throw new IndexOutOfBoundsException(
          "tensor %s: %d bytes from %d on of %d"
              .formatted(quote(tensor.name()), length, offset, tensor.bytes()));
    }
    try {
      writePages(data, tensor.offset() + offset);
    } catch (IOException e) {
      throw failed(file, "tensor %s: cannot be written".formatted(quote(tensor.name())), e);
    }
  }

  /** Returns when everything written so far is on the disk. */
  public void force() {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw failed(file, "cannot be written to the disk", e);
    }
  }

  /** Closes the file; what is on the disk is up to {@link #force}. */
  @Override
  public void close() {
    FileChannel pages = direct;
    try (channel) {
      if (pages != null) {
        pages.close();
      }
    } catch (IOException e) {
      throw failed(file, "cannot be closed", e);
    }
  }

  /** Whole pages directly, what is before and after them through the page cache. */
  private void writePages(ByteBuffer data, long position) throws IOException {
    FileChannel pages = direct;
    int head = (int) (-position & (PAGE - 1));
    int first = data.position() + head;
    int whole = (data.limit() - first) / PAGE * PAGE;
    if (pages == null || whole <= 0 || !isAligned(data, first)) {
      writeFully(channel, data, position);
      return;
    }
    int limit = data.limit();
    writeFully(channel, data.limit(first), position);
    try {
      writeFully(pages, data.limit(first + whole), position + head);
    } catch (IOException e) {
      // Some file systems take the option and then no such write; through the cache it is an error
      // or none.
      direct = null;
      pages.close();
    }
    writeFully(channel, data.limit(limit), position + data.position() - (first - head));
  }

  private static boolean isAligned(ByteBuffer data, int index) {
    return data.isDirect() && data.alignmentOffset(index, PAGE) == 0;
  }

  @SuppressWarnings("MustBeClosedChecker")
  private static @Nullable FileChannel openDirect(Path file) {
    try {
      return FileChannel.open(file, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT);
    } catch (IOException | UnsupportedOperationException e) {
      return null;
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer data, long position)
      throws IOException {
    long at = position;
    while (data.hasRemaining()) {
      at += channel.write(data, at);
    }
  }

  private static CheckpointException failed(Path file, String what, IOException e) {
    String cause = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new CheckpointException("%s: %s: %s".formatted(file, what, cause), e);
  }

  private static RuntimeException rethrown(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return (RuntimeException) e;
  }

  /** Bytes for people, in units of 10^9 and 10^6. */
  private static String size(long bytes) {
    return bytes >= 1_000_000_000
        ? String.format(Locale.ROOT, "%.1f GB", bytes / 1e9)
        : String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }
}
