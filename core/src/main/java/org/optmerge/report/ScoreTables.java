package org.optmerge.report;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.optmerge.evaluation.Comparison;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.OfficialTable;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Score;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** Scores and comparisons as tables, in percent. */
public final class ScoreTables {
  private static final double PERCENT = 100;

  private ScoreTables() {}

  /**
   * The score of all examples and of each group.
   *
   * @return columns "group", "score", "lower", "upper", "examples"
   */
  public static Table scores(Evaluation evaluation) {
    StringColumn groups = StringColumn.create("group");
    DoubleColumn means = DoubleColumn.create("score");
    DoubleColumn lower = DoubleColumn.create("lower");
    DoubleColumn upper = DoubleColumn.create("upper");
    IntColumn examples = IntColumn.create("examples");
    for (Score score : evaluation.scores()) {
      groups.append(score.name());
      means.append(score.interval().mean() * PERCENT);
      lower.append(score.interval().lower() * PERCENT);
      upper.append(score.interval().upper() * PERCENT);
      examples.append(score.examples());
    }
    return Table.create(evaluation.protocol().title(), groups, means, lower, upper, examples);
  }

  /**
   * One row for each system, one column for each benchmark, as the paper's tables: {@link
   * Evaluation#paperColumn}.
   *
   * @param systems name to evaluations
   * @return column "system", then a column of scores for each benchmark in the order of its first
   *     appearance; missing where a system was not evaluated on it
   */
  public static Table systems(Map<String, List<Evaluation>> systems) {
    List<String> benchmarks =
        systems.values().stream()
            .flatMap(List::stream)
            .map(evaluation -> evaluation.protocol().title())
            .distinct()
            .toList();
    StringColumn names = StringColumn.create("system");
    List<DoubleColumn> columns = benchmarks.stream().map(DoubleColumn::create).toList();
    systems.forEach(
        (name, evaluations) -> {
          names.append(name);
          Map<String, Double> means = new TreeMap<>();
          evaluations.forEach(
              evaluation ->
                  means.put(
                      evaluation.protocol().title(), evaluation.paperColumn().orElse(Double.NaN)));
          for (DoubleColumn column : columns) {
            Double mean = means.get(column.name());
            if (mean == null) {
              column.appendMissing();
            } else {
              column.append(mean);
            }
          }
        });
    Table table = Table.create("Scores", names);
    columns.forEach(table::addColumns);
    return table;
  }

  /**
   * Two systems on the same examples.
   *
   * @return columns "group", the systems' names, "difference", "lower", "upper", "p", "examples"
   */
  public static Table comparison(Comparison comparison, String first, String second) {
    StringColumn groups = StringColumn.create("group");
    DoubleColumn a = DoubleColumn.create(first);
    DoubleColumn b = DoubleColumn.create(second.equals(first) ? second + " (2)" : second);
    DoubleColumn difference = DoubleColumn.create("difference");
    DoubleColumn lower = DoubleColumn.create("lower");
    DoubleColumn upper = DoubleColumn.create("upper");
    DoubleColumn p = DoubleColumn.create("p");
    IntColumn examples = IntColumn.create("examples");
    for (Comparison.Row row : comparison.rows()) {
      groups.append(row.name());
      a.append(row.first() * PERCENT);
      b.append(row.second() * PERCENT);
      difference.append(row.difference().interval().mean() * PERCENT);
      lower.append(row.difference().interval().lower() * PERCENT);
      upper.append(row.difference().interval().upper() * PERCENT);
      p.append(row.difference().pValue());
      examples.append(row.examples());
    }
    return Table.create("Comparison", groups, a, b, difference, lower, upper, p, examples);
  }

  /**
   * The worst answers.
   *
   * @param most rows at most
   * @return columns "id", "type", "prediction", "answers", "score"
   */
  public static Table errors(Evaluation evaluation, int most) {
    StringColumn ids = StringColumn.create("id");
    StringColumn types = StringColumn.create("type");
    StringColumn predictions = StringColumn.create("prediction");
    StringColumn answers = StringColumn.create("answers");
    DoubleColumn scores = DoubleColumn.create("score");
    for (Predicted item : evaluation.errors().stream().limit(most).toList()) {
      ids.append(item.id());
      types.append(item.type());
      predictions.append(item.prediction().text());
      answers.append(String.join(" | ", item.reference().answers()));
      Double score = item.score();
      scores.append(score == null ? Double.NaN : score);
    }
    return Table.create("Errors", ids, types, predictions, answers, scores);
  }

  /** The table of the official tool, all cells as it writes them. */
  public static Table official(OfficialTable table) {
    Table result = Table.create("Official");
    for (String column : table.columns()) {
      result.addColumns(
          StringColumn.create(
              column,
              table.rows().stream()
                  .map(row -> OfficialTable.text(row.getOrDefault(column, "")))
                  .toList()));
    }
    return result;
  }
}
