package org.optmerge.checkpoint.gguf;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.checkpoint.CheckpointException;

/**
 * The numbers, texts and lists of a GGUF header, read in order. A count or length is believed only
 * if the file has as many bytes, so a damaged file cannot ask for more memory than it is long, nor
 * for more than {@link #LONGEST}.
 */
final class GgufInput {
  /** Bytes of a header; vocabularies of a million tokens have a tenth of it. */
  static final long LONGEST = 256L << 20;

  private static final int DEEPEST = 4;
  private static final int BUFFER = 64 << 10;

  /** The value types of metadata, by their number. */
  private enum Kind {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    STRING(8),
    ARRAY(12),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    /** The fewest bytes that a value takes. */
    final int bytes;

    Kind(int bytes) {
      this.bytes = bytes;
    }
  }

  private final Path file;
  private final FileChannel channel;
  private final long end;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER).order(ByteOrder.LITTLE_ENDIAN).limit(0);

  /** Position in the file of the end of what is buffered. */
  private long read;

  GgufInput(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    this.end = channel.size();
  }

  /** Bytes from the start of the file to what is read next. */
  long position() {
    return read - buffer.remaining();
  }

  /** Bytes that the file still has. */
  long remaining() {
    return end - position();
  }

  int u8() throws IOException {
    return need(1).get() & 0xff;
  }

  int int32() throws IOException {
    return need(4).getInt();
  }

  long u32() throws IOException {
    return int32() & 0xffff_ffffL;
  }

  long int64() throws IOException {
    return need(8).getLong();
  }

  /**
   * A count of things that take at least so many bytes each.
   *
   * @throws CheckpointException if the file has not as many bytes
   */
  int count(String what, int bytesEach) throws IOException {
    long count = int64();
    if (count < 0 || count > Math.min(remaining(), LONGEST) / bytesEach) {
      throw error(
          "%s is %s, but only %d bytes follow; is the file complete?"
              .formatted(what, Long.toUnsignedString(count), remaining()));
    }
    return (int) count;
  }

  /** A text, whose length comes first. */
  String text(String what) throws IOException {
    byte[] bytes = new byte[count("the length of " + what, 1)];
    for (int done = 0; done < bytes.length; ) {
      need(1);
      int some = Math.min(buffer.remaining(), bytes.length - done);
      buffer.get(bytes, done, some);
      done += some;
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A value of metadata: a Boolean, a Long, a Double, a String or a List of one of them. */
  Object value(String key) throws IOException {
    return value(key, kind(key), 0);
  }

  private Kind kind(String key) throws IOException {
    int number = int32();
    if (number < 0 || number >= Kind.values().length) {
      throw error("metadata %s has type %d, which is not known".formatted(quote(key), number));
    }
    return Kind.values()[number];
  }

  private Object value(String key, Kind kind, int depth) throws IOException {
    return switch (kind) {
      case UINT8 -> (long) u8();
      case INT8 -> (long) (byte) u8();
      case UINT16 -> (long) (need(2).getShort() & 0xffff);
      case INT16 -> (long) need(2).getShort();
      case UINT32 -> u32();
      case INT32 -> (long) int32();
      case UINT64, INT64 -> int64();
      case FLOAT32 -> (double) need(4).getFloat();
      case FLOAT64 -> need(8).getDouble();
      case BOOL -> u8() != 0;
      case STRING -> text("metadata " + quote(key));
      case ARRAY -> array(key, depth);
    };
  }

  private List<Object> array(String key, int depth) throws IOException {
    if (depth == DEEPEST) {
      throw error("metadata %s has lists in lists, deeper than %d".formatted(quote(key), DEEPEST));
    }
    Kind kind = kind(key);
    int length = count("the length of metadata " + quote(key), kind.bytes);
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      values.add(value(key, kind, depth + 1));
    }
    return values;
  }

  private ByteBuffer need(int bytes) throws IOException {
    if (buffer.remaining() < bytes) {
      buffer.compact();
      while (buffer.position() < bytes) {
        int some = channel.read(buffer, read);
        if (some < 0) {
          throw error("the file ends at byte %d, inside its header".formatted(end));
        }
        read += some;
      }
      buffer.flip();
      if (position() > LONGEST) {
        throw error("the header is longer than %d bytes".formatted(LONGEST));
      }
    }
    return buffer;
  }

  CheckpointException error(String problem) {
    return CheckpointException.at(file, problem);
  }
}
