package org.optmerge.python;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.dhatim.fastexcel.reader.CellType;
import org.dhatim.fastexcel.reader.ReadableWorkbook;
import org.dhatim.fastexcel.reader.Row;

/**
 * A table as pandas reads it from .xlsx, .tsv or .csv: named columns of cells, all of one length.
 *
 * @param columns by name, in the order of the file
 * @param rows how many there are
 */
public record PandasTable(Map<String, List<Cell>> columns, int rows) {
  public PandasTable {
    columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
  }

  /**
   * Reads a file with the rules of pandas 2.
   *
   * @throws TableException if it is not what its name says, not UTF-8, has rows of different
   *     lengths, or two columns of one name
   */
  public static PandasTable read(Path file) {
    return read(file, PandasColumn.DEFAULT);
  }

  /** As {@link #read(Path)}, with other rules for columns. */
  public static PandasTable read(Path file, PandasColumn rules) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    try {
      List<List<Cell>> raw =
          name.endsWith(".xlsx")
              ? workbook(file)
              : delimited(file, name.endsWith(".csv") ? ',' : '\t');
      return of(file, raw, rules);
    } catch (CharacterCodingException e) {
      throw new TableException(
          "%s: not valid UTF-8; VLMEvalKit writes UTF-8, was the file saved by another program?"
              .formatted(file),
          e);
    } catch (TableException | EOFException e) {
      throw new TableException("%s: %s".formatted(file, e.getMessage()), e);
    } catch (IOException e) {
      throw new TableException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** A column; pandas' NaN for every row if there is none of this name. */
  public List<Cell> column(String name) {
    List<Cell> column = columns.get(name);
    return column == null ? Collections.nCopies(rows, Cell.MISSING) : column;
  }

  /** True if there is a column of this name. */
  public boolean has(String name) {
    return columns.containsKey(name);
  }

  private static PandasTable of(Path file, List<List<Cell>> raw, PandasColumn rules) {
    if (raw.isEmpty()) {
      throw new TableException("is empty; expected a header row");
    }
    List<Cell> header = raw.get(0);
    Map<String, List<Cell>> columns = new LinkedHashMap<>();
    Set<String> twice = new HashSet<>();
    for (int c = 0; c < header.size(); c++) {
      String name = header.get(c).missing() ? "Unnamed: " + c : header.get(c).text();
      List<Cell> column = new ArrayList<>(raw.size() - 1);
      for (int r = 1; r < raw.size(); r++) {
        List<Cell> row = raw.get(r);
        column.add(c < row.size() ? row.get(c) : Cell.MISSING);
      }
      if (columns.put(name, rules.infer(column)) != null) {
        twice.add(name);
      }
    }
    if (!twice.isEmpty()) {
      throw new TableException("has columns of the same name: " + twice);
    }
    for (int r = 1; r < raw.size(); r++) {
      if (raw.get(r).size() > header.size()) {
        throw new TableException(
            "row %d has %d cells, the header has %d; is a quote missing?"
                .formatted(r, raw.get(r).size(), header.size()));
      }
    }
    return new PandasTable(columns, raw.size() - 1);
  }

  private static List<List<Cell>> delimited(Path file, char delimiter) throws IOException {
    try (DelimitedFile rows = new DelimitedFile(file, delimiter)) {
      List<List<Cell>> table = new ArrayList<>();
      while (rows.next()) {
        table.add(rows.texts().stream().map(Cell::text).toList());
      }
      return table;
    }
  }

  private static List<List<Cell>> workbook(Path file) throws IOException {
    try (PushbackInputStream in = new PushbackInputStream(Files.newInputStream(file), 2)) {
      requireZip(in);
      List<List<Cell>> table = new ArrayList<>();
      try (ReadableWorkbook workbook = new ReadableWorkbook(in);
          Stream<Row> rows = workbook.getFirstSheet().openStream()) {
        rows.forEach(
            row -> {
              while (table.size() < row.getRowNum() - 1) {
                table.add(List.of());
              }
              table.add(cells(row));
            });
      }
      while (!table.isEmpty() && table.get(table.size() - 1).stream().allMatch(Cell::missing)) {
        table.remove(table.size() - 1);
      }
      return table;
    } catch (IOException e) {
      throw e;
    } catch (RuntimeException e) {
      // The library reports what is broken inside in many ways.
      throw e instanceof TableException
          ? e
          : new TableException(
              "not a readable .xlsx workbook: " + e.getMessage() + "; was the copy complete?", e);
    }
  }

  private static void requireZip(PushbackInputStream in) throws IOException {
    byte[] start = new byte[2];
    int read = ((InputStream) in).readNBytes(start, 0, 2);
    if (read < 2 || start[0] != 'P' || start[1] != 'K') {
      throw new TableException(
          "not an .xlsx workbook: it does not begin as one; is it text with the wrong ending?");
    }
    in.unread(start);
  }

  private static List<Cell> cells(Row row) {
    Cell[] cells = new Cell[row.getCellCount()];
    for (int c = 0; c < cells.length; c++) {
      org.dhatim.fastexcel.reader.Cell cell = row.getCell(c);
      cells[c] = cell == null ? Cell.MISSING : cell(cell);
    }
    return List.of(cells);
  }

  private static Cell cell(org.dhatim.fastexcel.reader.Cell cell) {
    CellType type = cell.getType();
    Object value = cell.getValue();
    if (value == null || type == CellType.EMPTY || type == CellType.ERROR) {
      return Cell.MISSING;
    }
    if (value instanceof BigDecimal number) {
      return number(number);
    }
    if (value instanceof Boolean truth) {
      return Cell.truth(truth);
    }
    if (type == CellType.FORMULA) {
      return calculated(String.valueOf(cell.getRawValue()));
    }
    // openpyxl removes the mark that keeps an escape from being one.
    return Cell.text(value.toString().replace("x005F_", ""));
  }

  /** The last result of a formula. */
  private static Cell calculated(String value) {
    try {
      return number(new BigDecimal(value));
    } catch (NumberFormatException e) {
      return Cell.text(value);
    }
  }

  /** A number without a fraction is read as an int. */
  private static Cell number(BigDecimal number) {
    double value = number.doubleValue();
    return value == Math.rint(value) && !Double.isInfinite(value)
        ? Cell.whole(exact(number, value))
        : Cell.real(value);
  }

  private static BigInteger exact(BigDecimal number, double value) {
    return number.stripTrailingZeros().scale() <= 0
        ? number.toBigInteger()
        : new BigDecimal(value).toBigInteger();
  }

  /** A column of texts after VLMEvalKit has written and read it. */
  public static List<Cell> roundTrip(List<String> texts, boolean spreadsheet, PandasColumn rules) {
    return rules.infer(
        texts.stream()
            .map(text -> spreadsheet ? Spreadsheet.written(text) : Cell.text(text))
            .toList());
  }
}
