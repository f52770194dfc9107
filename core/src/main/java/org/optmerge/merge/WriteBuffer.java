package org.optmerge.merge;

import static org.optmerge.checkpoint.SafetensorsLayout.PAGE;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.SafetensorsWriter;
import org.optmerge.checkpoint.TensorInfo;

/**
 * Gathers consecutive bytes of one tensor and writes them in large pieces that begin at pages, so
 * that they can bypass the page cache.
 */
final class WriteBuffer {
  private static final int CAPACITY = 1 << 20;

  private final ByteBuffer bytes =
      ByteBuffer.allocateDirect(CAPACITY + 2 * PAGE).alignedSlice(PAGE);
  private @Nullable SafetensorsWriter writer;
  private @Nullable TensorInfo place;

  /** The place of the first gathered byte, from the start of the tensor. */
  private long offset;

  /** Index of the first gathered byte: as far into a page here as in the file. */
  private int first;

  private void begin(SafetensorsWriter writer, TensorInfo place, long offset) {
    this.writer = writer;
    this.place = place;
    this.offset = offset;
    this.first = (int) ((place.offset() + offset) % PAGE);
    bytes.clear().position(first);
  }

  /** Takes all remaining bytes. */
  void put(ByteBuffer source) {
    while (source.hasRemaining()) {
      if (bytes.position() >= CAPACITY) {
        write(bytes.position() / PAGE * PAGE);
      }
      int count = Math.min(source.remaining(), bytes.remaining());
      bytes.put(source.slice().limit(count));
      source.position(source.position() + count);
    }
  }

  /** Writes what is left. */
  void flush() {
    write(bytes.position());
  }

  /** Writes up to {@code end}, where a page ends unless this is the last, and keeps the rest. */
  private void write(int end) {
    if (writer == null || place == null) {
      throw new IllegalStateException("a write buffer must begin before it is written");
    }
    if (end > first) {
      writer.write(place, offset, bytes.duplicate().position(first).limit(end));
      offset += end - first;
    }
    bytes.limit(bytes.position()).position(end);
    bytes.compact();
    first = 0;
  }

  /** Buffers that are not in use. */
  static final class Pool {
    private final ConcurrentLinkedDeque<WriteBuffer> free = new ConcurrentLinkedDeque<>();

    /** A buffer whose first byte goes to {@code offset} in the tensor. */
    WriteBuffer borrow(SafetensorsWriter writer, TensorInfo place, long offset) {
      WriteBuffer buffer = free.pollFirst();
      if (buffer == null) {
        buffer = new WriteBuffer();
      }
      buffer.begin(writer, place, offset);
      return buffer;
    }

    void giveBack(WriteBuffer buffer) {
      free.addFirst(buffer);
    }
  }
}
