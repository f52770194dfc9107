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
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.dhatim.fastexcel.reader.CellType;
import org.dhatim.fastexcel.reader.ReadableWorkbook;
import org.dhatim.fastexcel.reader.Row;
import org.optmerge.base.DecoderErrors;
import org.optmerge.base.RegularFiles;

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
    return raw(file, column -> true).typed(rules::infer);
  }

  /**
   * Reads the cells of a file as they stand.
   *
   * @param wanted columns by name; the cells of others, such as pictures, are not kept
   * @throws TableException as {@link #read(Path)}
   */
  public static Raw raw(Path file, Predicate<String> wanted) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    try {
      return name.endsWith(".xlsx")
          ? workbook(file, wanted)
          : delimited(file, name.endsWith(".csv") ? ',' : '\t', wanted);
    } catch (CharacterCodingException e) {
      throw new TableException(
          "%s: not valid UTF-8; VLMEvalKit writes UTF-8, was the file saved by another program?"
              .formatted(file),
          e);
    } catch (TableException | EOFException e) {
      throw new TableException("%s: %s".formatted(file, e.getMessage()), e);
    } catch (IOException e) {
      throw new TableException("%s: cannot be read: %s".formatted(file, DecoderErrors.words(e)), e);
    }
  }

  /**
   * A table before pandas has given types to its columns.
   *
   * @param header the names of the columns that are kept
   * @param rows their cells; a row may be shorter than the header
   */
  public record Raw(List<String> header, List<List<Cell>> rows) {
    public Raw {
      header = List.copyOf(header);
      rows = List.copyOf(rows);
    }

    /** The cell of a row; missing if the row is shorter, or there is no such column. */
    public Cell cell(int row, String column) {
      int at = header.indexOf(column);
      return at < 0 || at >= rows.get(row).size() ? Cell.MISSING : rows.get(row).get(at);
    }

    /**
     * With the types of columns.
     *
     * @param types gives the cells of a column their types, such as {@link PandasColumn#infer}
     */
    public PandasTable typed(UnaryOperator<List<Cell>> types) {
      Map<String, List<Cell>> columns = new LinkedHashMap<>();
      for (int c = 0; c < header.size(); c++) {
        List<Cell> column = new ArrayList<>(rows.size());
        for (List<Cell> row : rows) {
          column.add(c < row.size() ? row.get(c) : Cell.MISSING);
        }
        columns.put(header.get(c), types.apply(column));
      }
      return new PandasTable(columns, rows.size());
    }
  }

  /** Takes rows as they come: the first is the header. */
  private static final class Collector {
    private final Predicate<String> wanted;
    private final boolean widens;
    private final List<String> names = new ArrayList<>();
    private final List<Integer> kept = new ArrayList<>();
    private final List<List<Cell>> rows = new ArrayList<>();
    private boolean begun;
    private int header = 1;

    Collector(Predicate<String> wanted, boolean widens) {
      this.wanted = wanted;
      this.widens = widens;
    }

    /**
     * Rows of a sheet that are not there are rows without cells, but for those above the header.
     */
    void at(int row) {
      header = begun ? header : row;
      List<Cell> nothing = Collections.nCopies(kept.size(), Cell.MISSING);
      while (begun && rows.size() < row - header - 1) {
        rows.add(nothing);
      }
    }

    void add(List<Cell> cells) {
      if (!begun) {
        begun = true;
        cells.forEach(cell -> name(cell));
        return;
      }
      if (cells.size() > names.size()) {
        if (!widens) {
          throw new TableException(
              "row %d has %d cells, the header has %d; is a quote missing?"
                  .formatted(rows.size() + 1, cells.size(), names.size()));
        }
        while (names.size() < cells.size()) {
          name(Cell.MISSING);
        }
      }
      List<Cell> row = new ArrayList<>(kept.size());
      for (int column : kept) {
        if (column < cells.size()) {
          row.add(cells.get(column));
        } else {
          row.add(Cell.MISSING);
        }
      }
      rows.add(List.copyOf(row));
    }

    private void name(Cell cell) {
      String name = cell.missing() ? "Unnamed: " + names.size() : cell.text();
      if (wanted.test(name)) {
        kept.add(names.size());
      }
      names.add(name);
    }

    Raw done() {
      if (!begun) {
        throw new TableException("is empty; expected a header row");
      }
      Set<String> twice = new TreeSet<>();
      Set<String> once = new HashSet<>();
      names.stream().filter(name -> !once.add(name)).forEach(twice::add);
      if (!twice.isEmpty()) {
        throw new TableException("has columns of the same name: " + twice);
      }
      while (widens
          && !rows.isEmpty()
          && rows.get(rows.size() - 1).stream().allMatch(Cell::missing)) {
        rows.remove(rows.size() - 1);
      }
      return new Raw(kept.stream().map(names::get).toList(), rows);
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

  private static Raw delimited(Path file, char delimiter, Predicate<String> wanted)
      throws IOException {
    try (DelimitedFile rows = new DelimitedFile(file, delimiter)) {
      Collector table = new Collector(wanted, false);
      while (rows.next()) {
        List<Cell> cells = new ArrayList<>(rows.count());
        for (int c = 0; c < rows.count(); c++) {
          boolean dropped = table.begun && c < table.names.size() && !table.kept.contains(c);
          cells.add(dropped ? Cell.MISSING : Cell.text(rows.text(c)));
        }
        table.add(cells);
      }
      return table.done();
    }
  }

  private static Raw workbook(Path file, Predicate<String> wanted) throws IOException {
    try (PushbackInputStream in =
        new PushbackInputStream(Files.newInputStream(RegularFiles.required(file)), 2)) {
      requireZip(in);
      WorkbookLimits.check(file);
      Collector table = new Collector(wanted, true);
      try (ReadableWorkbook workbook = new ReadableWorkbook(in);
          Stream<Row> rows = workbook.getFirstSheet().openStream()) {
        rows.forEach(
            row -> {
              table.at(row.getRowNum());
              table.add(cells(row));
            });
      }
      return table.done();
    } catch (IOException e) {
      throw e;
    } catch (RuntimeException e) {
      // The library reports what is broken inside in many ways.
      throw e instanceof TableException
          ? e
          : new TableException(
              "not a readable .xlsx workbook: %s; was the copy complete?"
                  .formatted(DecoderErrors.words(e)),
              e);
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
