package org.optmerge.report;

import java.util.Objects;
import org.apiguardian.api.API;
import tech.tablesaw.api.Table;

/**
 * A table and how its numbers are written: what a notebook shows of it.
 *
 * @param table is shown as it is at that time
 * @param format decimals, and columns whose best value is set off
 */
@API(status = API.Status.EXPERIMENTAL)
public record TableView(Table table, Tables.Format format) {
  public TableView {
    Objects.requireNonNull(table, "table");
    Objects.requireNonNull(format, "format");
  }

  /** The table as text. */
  @Override
  public String toString() {
    return Tables.text(table, format);
  }
}
