package org.optmerge.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.optmerge.base.Json;

/**
 * The paper's tables as published, as numbers.
 *
 * @see <a href="https://arxiv.org/abs/2505.19892">Wei et al., OptMerge, ICLR 2026</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public final class PaperTables {
  private final JsonNode root;

  private PaperTables(JsonNode root) {
    this.root = root;
  }

  /**
   * One table.
   *
   * @param name such as {@code table2}
   * @param title what it shows
   * @param columns of scores, in order
   * @param rows in order
   */
  public record PaperTable(String name, String title, List<String> columns, List<Row> rows) {
    /** Copies the lists. */
    public PaperTable {
      columns = List.copyOf(columns);
      rows = List.copyOf(rows);
    }

    /**
     * The row of a model or method.
     *
     * @throws IllegalArgumentException if the table has none of this name
     */
    public Row row(String rowName) {
      return rows.stream()
          .filter(row -> row.name.equals(rowName))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "%s has no row '%s'; it has %s"
                          .formatted(name, rowName, rows.stream().map(Row::name).toList())));
    }
  }

  /**
   * A model or method and its published scores.
   *
   * @param average as printed; empty where the table has no such column
   */
  public record Row(String name, Map<String, Double> scores, OptionalDouble average) {
    /**
     * The mean of the scores of some columns, such as those of one capability; NaN if one lacks.
     */
    public double mean(List<String> columns) {
      return columns.stream()
          .mapToDouble(column -> scores.getOrDefault(column, Double.NaN))
          .average()
          .orElse(Double.NaN);
    }
  }

  /** Reads what is shipped with this library. */
  public static PaperTables read() {
    try (InputStream resource =
        Objects.requireNonNull(PaperTables.class.getResourceAsStream("paper-tables.json"))) {
      return new PaperTables(Json.plain().readTree(resource));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The names of all tables. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    root.fieldNames()
        .forEachRemaining(
            name -> {
              if (name.startsWith("table")) {
                names.add(name);
              }
            });
    return names;
  }

  /** The data sets of each capability, as the paper groups its columns. */
  public Map<String, List<String>> groups() {
    Map<String, List<String>> groups = new LinkedHashMap<>();
    root.get("groups")
        .fields()
        .forEachRemaining(group -> groups.put(group.getKey(), strings(group.getValue())));
    return groups;
  }

  /**
   * A table.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public PaperTable table(String name) {
    JsonNode table = root.get(name);
    if (table == null || !name.startsWith("table")) {
      throw new IllegalArgumentException(
          "the paper has no '%s' among its tables of numbers; it has %s".formatted(name, names()));
    }
    List<String> columns = table.has("columns") ? strings(table.get("columns")) : List.of();
    List<Row> rows = new ArrayList<>();
    for (JsonNode row : table.get("rows")) {
      rows.add(row(row, columns));
    }
    List<String> all = new ArrayList<>(rows.get(0).scores.keySet());
    return new PaperTable(name, table.get("title").asText(), all, rows);
  }

  private static Row row(JsonNode row, List<String> columns) {
    Map<String, Double> scores = new LinkedHashMap<>();
    JsonNode given = row.get("scores");
    if (given != null && given.isArray()) {
      for (int i = 0; i < columns.size(); i++) {
        put(scores, columns.get(i), given.get(i));
      }
    } else {
      Iterator<Map.Entry<String, JsonNode>> fields = (given == null ? row : given).fields();
      while (fields.hasNext()) {
        Map.Entry<String, JsonNode> field = fields.next();
        if (!field.getKey().startsWith("average_")) {
          put(scores, field.getKey(), field.getValue());
        }
      }
    }
    JsonNode average = row.get("average_printed");
    return new Row(
        row.get("name").asText(),
        scores,
        average == null || !average.isNumber()
            ? OptionalDouble.empty()
            : OptionalDouble.of(average.asDouble()));
  }

  private static void put(Map<String, Double> scores, String column, JsonNode value) {
    if (value.isNumber()) {
      scores.put(column, value.asDouble());
    }
  }

  private static List<String> strings(JsonNode array) {
    List<String> strings = new ArrayList<>();
    array.forEach(element -> strings.add(element.asText()));
    return strings;
  }
}
