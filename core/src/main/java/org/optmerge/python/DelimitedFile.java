package org.optmerge.python;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.optmerge.base.RegularFiles;

/**
 * Reads a table of delimited cells row by row, from any row's place in the file. Bytes are looked
 * at, not characters: tab, comma, quote and line ends are the same in UTF-8, and most of such a
 * file is base64.
 *
 * <p>Quoting is pandas': a cell that begins with a quote ends at the next quote that is not
 * doubled, and may have delimiters and line ends in it; a quote elsewhere is a character. Empty
 * lines and a byte order mark are skipped.
 */
public final class DelimitedFile implements Closeable {
  /** A cell that is longer is a quote that nobody closed. */
  static final int LONGEST_CELL = 512 << 20;

  private static final int BUFFER = 1 << 18;

  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  private final char delimiter;
  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).limit(0);

  /** The place in the file of the byte behind the buffer's content. */
  private long behind;

  /** The cells of the row that was read last, one after the other; and where each ends. */
  private byte[] cells = new byte[1 << 16];

  private int length;
  private int[] ends = new int[16];
  private int count;

  /** Opens a file whose cells are separated by a character of ASCII. */
  public DelimitedFile(Path path, char delimiter) throws IOException {
    this.delimiter = delimiter;
    this.channel = FileChannel.open(RegularFiles.required(path), StandardOpenOption.READ);
    for (byte mark : BYTE_ORDER_MARK) {
      if (read() != (mark & 0xff)) {
        seek(0);
        break;
      }
    }
  }

  /** The place at which the next row begins. */
  public long position() {
    return behind - buffer.remaining();
  }

  /** Goes to where a row begins. */
  public void seek(long position) {
    behind = position;
    buffer.limit(0);
  }

  /** The number of cells of the row. */
  public int count() {
    return count;
  }

  /** The number of bytes of a cell. */
  public int length(int cell) {
    return ends[cell] - begin(cell);
  }

  /**
   * A cell's text.
   *
   * @throws CharacterCodingException if it is not UTF-8
   */
  public String text(int cell) throws CharacterCodingException {
    String text = new String(cells, begin(cell), length(cell), StandardCharsets.UTF_8);
    return text.indexOf('\ufffd') < 0 ? text : checked(cell);
  }

  /** A replacement character is either the file's own, or stands for what is not UTF-8. */
  private String checked(int cell) throws CharacterCodingException {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(cells, begin(cell), length(cell)))
          .toString();
    } catch (CharacterCodingException e) {
      throw new NotUtf8();
    }
  }

  private static final class NotUtf8 extends CharacterCodingException {
    @Override
    public String getMessage() {
      return "not valid UTF-8";
    }
  }

  private int begin(int cell) {
    return cell == 0 ? 0 : ends[cell - 1];
  }

  /** The row as text. */
  public List<String> texts() throws CharacterCodingException {
    List<String> texts = new ArrayList<>(count);
    for (int cell = 0; cell < count; cell++) {
      texts.add(text(cell));
    }
    return texts;
  }

  /**
   * Reads the next row.
   *
   * @return false at the end of the file
   */
  public boolean next() throws IOException {
    length = 0;
    count = 0;
    int first = read();
    while (first == '\n' || first == '\r') {
      first = read();
    }
    if (first < 0) {
      return false;
    }
    int at = first;
    while (true) {
      at = at == '"' ? quoted() : at;
      // The rest of a cell, or all of one without quotes.
      while (at >= 0 && at != delimiter && at != '\n' && at != '\r') {
        append((byte) at);
        at = read();
      }
      end();
      if (at != delimiter) {
        break;
      }
      at = read();
    }
    if (at == '\r') {
      int after = read();
      if (after >= 0 && after != '\n') {
        back();
      }
    }
    return true;
  }

  /** Reads a quoted cell's content; returns the byte behind the closing quote. */
  private int quoted() throws IOException {
    long begin = position() - 1;
    while (true) {
      int at = read();
      if (at < 0) {
        throw new EOFException(
            "the file ends inside quotes that were opened on line %d".formatted(line(begin)));
      }
      if (at == '"') {
        int after = read();
        if (after != '"') {
          return after;
        }
      }
      append((byte) at);
    }
  }

  /**
   * The line of a byte, counted from 1: a line ends with a line feed, or a carriage return alone.
   */
  private long line(long place) throws IOException {
    seek(0);
    long line = 1;
    int before = 0;
    while (position() < place) {
      int at = read();
      line += at == '\r' || (at == '\n' && before != '\r') ? 1 : 0;
      before = at;
    }
    return line;
  }

  private void append(byte value) throws IOException {
    if (length == cells.length) {
      if (length >= LONGEST_CELL) {
        throw new IOException(
            "a row of more than %d bytes ends at byte %d; is a quote not closed?"
                .formatted(LONGEST_CELL, position()));
      }
      cells = Arrays.copyOf(cells, 2 * cells.length);
    }
    cells[length++] = value;
  }

  private void end() {
    if (count == ends.length) {
      ends = Arrays.copyOf(ends, 2 * ends.length);
    }
    ends[count++] = length;
  }

  private int read() throws IOException {
    if (!buffer.hasRemaining() && !fill()) {
      return -1;
    }
    return buffer.get() & 0xff;
  }

  /** Only right behind a read: the byte is still there. */
  private void back() {
    buffer.position(buffer.position() - 1);
  }

  private boolean fill() throws IOException {
    buffer.clear();
    int read = channel.read(buffer, behind);
    buffer.flip();
    if (read <= 0) {
      buffer.limit(0);
      return false;
    }
    behind += read;
    return true;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
