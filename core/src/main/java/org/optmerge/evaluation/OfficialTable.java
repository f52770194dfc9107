package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.python.PythonText;

/**
 * The score table that the official tool writes for a file, to the last digit.
 *
 * @param rows values by column: String, Integer or Double
 */
public record OfficialTable(List<Map<String, Object>> rows) {
  public OfficialTable {
    rows = rows.stream().map(row -> Collections.unmodifiableMap(new LinkedHashMap<>(row))).toList();
  }

  /** One row. */
  static OfficialTable of(Map<String, Object> row) {
    return new OfficialTable(List.of(row));
  }

  /** The columns of all rows, in the order in which they come up. */
  public List<String> columns() {
    Set<String> columns = new LinkedHashSet<>();
    rows.forEach(row -> columns.addAll(row.keySet()));
    return List.copyOf(columns);
  }

  /** As the tool writes it: comma-separated, every field in quotes, floats as Python has them. */
  public String csv() {
    StringBuilder csv = new StringBuilder();
    line(csv, columns());
    for (Map<String, Object> row : rows) {
      List<String> cells = new ArrayList<>();
      for (String column : columns()) {
        cells.add(text(row.getOrDefault(column, "")));
      }
      line(csv, cells);
    }
    return csv.toString();
  }

  /** A value as Python writes it. */
  public static String text(Object value) {
    return value instanceof Double number ? PythonText.repr(number) : value.toString();
  }

  private static void line(StringBuilder csv, List<String> cells) {
    for (int c = 0; c < cells.size(); c++) {
      csv.append(c == 0 ? "\"" : ",\"").append(cells.get(c).replace("\"", "\"\"")).append('"');
    }
    csv.append('\n');
  }
}
