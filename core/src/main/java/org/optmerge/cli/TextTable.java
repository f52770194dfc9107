package org.optmerge.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A table in plain text: two spaces between columns, numbers to the right, no lines. */
final class TextTable {
  /** Where a column's cells stand. */
  enum Align {
    LEFT,
    RIGHT
  }

  private final List<Align> alignment = new ArrayList<>();
  private final List<String> header = new ArrayList<>();
  private final List<List<String>> rows = new ArrayList<>();

  TextTable left(String title) {
    header.add(title);
    alignment.add(Align.LEFT);
    return this;
  }

  TextTable right(String title) {
    header.add(title);
    alignment.add(Align.RIGHT);
    return this;
  }

  TextTable row(String... cells) {
    return row(Arrays.asList(cells));
  }

  TextTable row(List<String> cells) {
    if (cells.size() != header.size()) {
      throw new IllegalArgumentException(
          "a row of this table has %d cells, not %d".formatted(header.size(), cells.size()));
    }
    rows.add(List.copyOf(cells));
    return this;
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  /** The lines of the table, the header first; without trailing spaces. */
  List<String> lines() {
    int[] width = new int[header.size()];
    List<List<String>> all = new ArrayList<>();
    all.add(header);
    all.addAll(rows);
    for (List<String> row : all) {
      for (int column = 0; column < width.length; column++) {
        width[column] = Math.max(width[column], row.get(column).length());
      }
    }
    return all.stream().map(row -> line(row, width)).toList();
  }

  private String line(List<String> row, int[] width) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < width.length; column++) {
      String cell = row.get(column);
      String padding = " ".repeat(width[column] - cell.length());
      line.append(alignment.get(column) == Align.LEFT ? cell + padding : padding + cell)
          .append("  ");
    }
    return line.toString().stripTrailing();
  }
}
