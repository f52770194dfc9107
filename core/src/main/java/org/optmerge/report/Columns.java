package org.optmerge.report;

import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** A table of one row for each of some things, made column by column. */
final class Columns<T> {
  private final List<T> rows;
  private final Table table;

  Columns(String title, List<T> rows) {
    this.rows = rows;
    this.table = Table.create(title);
  }

  Columns<T> text(String name, Function<T, String> cell) {
    table.addColumns(StringColumn.create(name, rows.stream().map(cell)));
    return this;
  }

  Columns<T> count(String name, ToIntFunction<T> cell) {
    table.addColumns(IntColumn.create(name, rows.stream().mapToInt(cell).toArray()));
    return this;
  }

  /** Fractional numbers; an empty cell for null and NaN. */
  Columns<T> number(String name, Function<T, @Nullable Double> cell) {
    DoubleColumn column = DoubleColumn.create(name);
    for (T row : rows) {
      Double value = cell.apply(row);
      if (value == null) {
        column.appendMissing();
      } else {
        column.append(value);
      }
    }
    table.addColumns(column);
    return this;
  }

  /** Shares of 1 in percent. */
  Columns<T> percent(String name, ToDoubleFunction<T> share) {
    return number(name, row -> 100 * share.applyAsDouble(row));
  }

  Table table() {
    return table;
  }
}
