package org.optmerge.python;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Collections;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * The limits of Excel, held against a workbook before it is read: the library sets room aside for
 * all cells up to the last one that is named, whatever its name.
 *
 * @see <a href="https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3">Excel
 *     specifications and limits</a>
 */
final class WorkbookLimits {
  private static final int MOST_LETTERS = 3; // XFD is the last column
  private static final int MOST_ROWS = 1 << 20;

  private WorkbookLimits() {}

  /**
   * Looks at every row and cell reference of a workbook.
   *
   * @throws TableException if one lies beyond what Excel has
   */
  static void check(Path file) throws IOException {
    try (ZipFile zip = ZipFile.builder().setPath(file).get()) {
      for (ZipArchiveEntry entry : Collections.list(zip.getEntries())) {
        if (!entry.isDirectory() && zip.canReadEntryData(entry)) {
          try (InputStream in = new BufferedInputStream(zip.getInputStream(entry))) {
            scan(in, entry.getName());
          }
        }
      }
    }
  }

  /** Values of attributes called {@code r}, wherever there is a tag. */
  private static void scan(InputStream in, String member) throws IOException {
    boolean tag = false;
    int quote = 0;
    boolean reference = false;
    int before = 0;
    int last = 0;
    for (int c = in.read(); c >= 0; c = in.read()) {
      if (!tag) {
        tag = c == '<';
      } else if (quote == 0) {
        if (c == '"' || c == '\'') {
          quote = c;
          if (reference) {
            quote = reference(in, c, member);
          }
        } else if (c == '>') {
          tag = false;
        }
        if (c == '=') {
          reference = last == 'r' && before <= ' ';
        } else if (c > ' ') {
          reference = false;
        }
        if (c != '=' || !reference) {
          before = last;
          last = c;
        }
      } else if (c == quote) {
        quote = 0;
        last = c;
      }
    }
  }

  /** Reads a reference such as {@code AB12} to its closing quote, and gives 0, or what is open. */
  private static int reference(InputStream in, int quote, String member) throws IOException {
    int letters = 0;
    long row = 0;
    for (int c = in.read(); c >= 0 && c != quote; c = in.read()) {
      if (c >= '0' && c <= '9') {
        row = Math.min(10 * row + c - '0', Integer.MAX_VALUE);
      } else {
        letters++;
      }
      if (letters > MOST_LETTERS || row > MOST_ROWS) {
        throw new TableException(
            "not a readable .xlsx workbook: '%s' names a cell beyond column XFD or row %d, the last ones that there are"
                .formatted(member, MOST_ROWS));
      }
    }
    return 0;
  }
}
