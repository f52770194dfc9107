package org.optmerge.base;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A table in plain text: space between columns, numbers to the right, no lines. */
public final class TextTable {
  /** The sides on which a column's cells stand. */
  private enum Align {
    LEFT,
    RIGHT
  }

  private final String gap;
  private final List<Align> alignment = new ArrayList<>();
  private final List<String> header = new ArrayList<>();
  private final List<List<String>> rows = new ArrayList<>();

  /** A table with two spaces between columns. */
  public TextTable() {
    this("  ");
  }

  /** A table with other characters between columns. */
  public TextTable(String gap) {
    this.gap = gap;
  }

  /** A column of texts. */
  public TextTable left(String title) {
    header.add(title);
    alignment.add(Align.LEFT);
    return this;
  }

  /** A column of numbers. */
  public TextTable right(String title) {
    header.add(title);
    alignment.add(Align.RIGHT);
    return this;
  }

  public TextTable row(String... cells) {
    return row(Arrays.asList(cells));
  }

  public TextTable row(List<String> cells) {
    if (cells.size() != header.size()) {
      throw new IllegalArgumentException(
          "a row of this table has %d cells, not %d".formatted(header.size(), cells.size()));
    }
    rows.add(List.copyOf(cells));
    return this;
  }

  public boolean isEmpty() {
    return rows.isEmpty();
  }

  /** The lines of the table, the header first; without trailing spaces. */
  public List<String> lines() {
    int[] width = new int[header.size()];
    List<List<String>> all = new ArrayList<>();
    all.add(header);
    all.addAll(rows);
    for (List<String> row : all) {
      for (int column = 0; column < width.length; column++) {
        width[column] = Math.max(width[column], width(row.get(column)));
      }
    }
    return all.stream().map(row -> line(row, width)).toList();
  }

  private String line(List<String> row, int[] width) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < width.length; column++) {
      String cell = row.get(column);
      String padding = " ".repeat(width[column] - width(cell));
      line.append(alignment.get(column) == Align.LEFT ? cell + padding : padding + cell)
          .append(gap);
    }
    return line.toString().stripTrailing();
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}
