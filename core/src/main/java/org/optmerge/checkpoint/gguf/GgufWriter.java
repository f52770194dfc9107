package org.optmerge.checkpoint.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import org.optmerge.base.AtomicFiles;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.FloatCodec;

/** Writes a GGUF file of version 3: metadata first, then tensors in the order they were added. */
final class GgufWriter {
  /** Elements that are packed at a time: a multiple of every block that is written. */
  private static final int CHUNK = 32 << 10;

  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /** Gives elements of a tensor, in the order of the file. */
  @FunctionalInterface
  interface Values {
    void read(long first, int length, float[] target);
  }

  private record Part(String name, GgmlType type, List<Long> shape, Values values) {
    long size() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }

    long bytes() {
      return size() / type.blockSize() * type.blockBytes();
    }
  }

  private final Map<String, byte[]> metadata = new LinkedHashMap<>();
  private final List<Part> parts = new ArrayList<>();

  void text(String key, String value) {
    put(key, STRING, counted(value));
  }

  void whole(String key, long value) {
    put(key, UINT32, little(4).putInt((int) value).array());
  }

  void number(String key, double value) {
    put(key, FLOAT32, little(4).putFloat((float) value).array());
  }

  void flag(String key, boolean value) {
    put(key, BOOL, new byte[] {(byte) (value ? 1 : 0)});
  }

  void texts(String key, List<String> values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(little(12).putInt(STRING).putLong(values.size()).array());
    values.forEach(value -> out.writeBytes(counted(value)));
    put(key, ARRAY, out.toByteArray());
  }

  void wholes(String key, List<Integer> values) {
    ByteBuffer out = little(12 + 4 * values.size()).putInt(INT32).putLong(values.size());
    values.forEach(out::putInt);
    put(key, ARRAY, out.array());
  }

  void numbers(String key, List<Float> values) {
    ByteBuffer out = little(12 + 4 * values.size()).putInt(FLOAT32).putLong(values.size());
    values.forEach(out::putFloat);
    put(key, ARRAY, out.array());
  }

  private void put(String key, int type, byte[] value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(counted(key));
    out.writeBytes(little(4).putInt(type).array());
    out.writeBytes(value);
    metadata.put(key, out.toByteArray());
  }

  /**
   * Adds a tensor.
   *
   * @param shape extents, outermost first
   */
  void tensor(String name, GgmlType type, List<Long> shape, Values values) {
    parts.add(new Part(name, type, List.copyOf(shape), values));
  }

  int tensors() {
    return parts.size();
  }

  /** Bytes of all tensors. */
  long bytes() {
    return parts.stream().mapToLong(Part::bytes).sum();
  }

  /**
   * Writes the file, which appears complete or not at all.
   *
   * @param written told the bytes of each piece
   * @throws CheckpointException if a number does not fit its type, or the disk refuses
   */
  void write(Path file, LongConsumer written) {
    try {
      AtomicFiles.write(
          file,
          draft -> {
            try (FileChannel channel =
                FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
              write(channel, written);
            }
          });
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be written: %s".formatted(file, e), e);
    }
  }

  private void write(FileChannel channel, LongConsumer written) throws IOException {
    writeFully(channel, ByteBuffer.wrap(header()));
    float[] values = new float[CHUNK];
    ByteBuffer bytes = little(CHUNK * Float.BYTES);
    for (Part part : parts) {
      pad(channel);
      long size = part.size();
      for (long done = 0; done < size; ) {
        int count = (int) Math.min(CHUNK, size - done);
        part.values.read(done, count, values);
        bytes.clear();
        pack(part, values, count, bytes);
        written.accept(bytes.flip().remaining());
        writeFully(channel, bytes);
        done += count;
      }
    }
    pad(channel);
  }

  private static void pack(Part part, float[] values, int count, ByteBuffer bytes) {
    int bad =
        part.type == GgmlType.Q8_0
            ? EightBits.pack(values, count, bytes)
            : plain(part.type, values, count, bytes);
    if (bad >= 0) {
      throw new CheckpointException(
          "tensor '%s': %s does not fit %s; 'bf16' has the range of float32"
              .formatted(part.name, values[bad], part.type));
    }
  }

  /** Appends numbers; returns the index of one that is not finite in the type, or -1. */
  private static int plain(GgmlType type, float[] values, int count, ByteBuffer bytes) {
    float largest = type == GgmlType.F16 ? 65520 : Float.POSITIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      if (!(Math.abs(values[i]) < largest)) {
        return i;
      }
    }
    FloatCodec.narrow(type.dtype(), values, 0, count, bytes);
    bytes.position(bytes.position() + count * type.blockBytes());
    return -1;
  }

  private byte[] header() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(
        little(24)
            .putInt(GgufHeader.MAGIC)
            .putInt(GgufHeader.VERSION)
            .putLong(parts.size())
            .putLong(metadata.size())
            .array());
    metadata.values().forEach(out::writeBytes);
    long offset = 0;
    for (Part part : parts) {
      out.writeBytes(counted(part.name));
      ByteBuffer rest = little(4 + 8 * part.shape.size() + 12).putInt(part.shape.size());
      for (int i = part.shape.size() - 1; i >= 0; i--) {
        rest.putLong(part.shape.get(i));
      }
      out.writeBytes(rest.putInt(part.type.id()).putLong(offset).array());
      offset = aligned(offset + part.bytes());
    }
    return out.toByteArray();
  }

  private static long aligned(long bytes) {
    int alignment = GgufHeader.DEFAULT_ALIGNMENT;
    return (bytes + alignment - 1) / alignment * alignment;
  }

  private static void pad(FileChannel channel) throws IOException {
    long at = channel.position();
    writeFully(channel, ByteBuffer.allocate((int) (aligned(at) - at)));
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static byte[] counted(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return little(8 + bytes.length).putLong(bytes.length).put(bytes).array();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
