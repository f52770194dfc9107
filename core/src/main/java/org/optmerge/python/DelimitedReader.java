package org.optmerge.python;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows of a .csv or .tsv file, one at a time, as pandas cuts them: a quote opens a field only at
 * its start, two quotes inside are one, text may follow a closing quote, blank lines are skipped.
 */
final class DelimitedReader {
  private final Reader reader;
  private final char delimiter;
  private int pushed = -2;
  private long line = 1;

  DelimitedReader(Reader reader, char delimiter) {
    this.reader = reader;
    this.delimiter = delimiter;
  }

  /** The line that {@link #row} is at, counted from 1. */
  long line() {
    return line;
  }

  /**
   * The next row's fields; empty at the end of the file.
   *
   * @throws TableException if the file ends inside quotes
   */
  List<String> row() throws IOException {
    int c = read();
    while (c == '\n') {
      c = read();
    }
    List<String> fields = new ArrayList<>();
    if (c < 0) {
      return fields;
    }
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    boolean start = true;
    long opened = line;
    while (true) {
      if (quoted) {
        if (c < 0) {
          throw new TableException(
              "the file ends inside quotes that were opened on line %d".formatted(opened));
        }
        if (c == '"') {
          int next = raw();
          if (next == '"') {
            field.append('"');
            c = raw();
          } else {
            quoted = false;
            c = asLineEnd(next);
          }
          continue;
        }
        field.append((char) c);
        c = raw();
        continue;
      }
      if (c < 0 || c == '\n') {
        fields.add(field.toString());
        return fields;
      }
      if (c == delimiter) {
        fields.add(field.toString());
        field.setLength(0);
        start = true;
        c = read();
      } else if (c == '"' && start) {
        quoted = true;
        start = false;
        opened = line;
        c = raw();
      } else {
        start = false;
        field.append((char) c);
        c = read();
      }
    }
  }

  /** A character outside quotes; any line end as one line feed. */
  private int read() throws IOException {
    return asLineEnd(raw());
  }

  private int asLineEnd(int c) throws IOException {
    if (c == '\r') {
      int next = raw();
      if (next != '\n') {
        pushed = next;
        line++;
      }
      return '\n';
    }
    return c;
  }

  private int raw() throws IOException {
    if (pushed != -2) {
      int c = pushed;
      pushed = -2;
      return c;
    }
    int c = reader.read();
    line += c == '\n' ? 1 : 0;
    return c;
  }
}
