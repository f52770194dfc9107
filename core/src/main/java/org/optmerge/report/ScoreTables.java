package org.optmerge.report;

import org.optmerge.evaluation.Comparison;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Score;
import tech.tablesaw.api.Table;

/** Scores and comparisons as tables, in percent. */
public final class ScoreTables {
  private ScoreTables() {}

  /**
   * The score of all examples and of each group.
   *
   * @return columns "group", "score", "lower", "upper", "examples"
   */
  public static Table scores(Evaluation evaluation) {
    return new Columns<>(evaluation.protocol().title(), evaluation.scores())
        .text("group", Score::name)
        .percent("score", score -> score.interval().mean())
        .percent("lower", score -> score.interval().lower())
        .percent("upper", score -> score.interval().upper())
        .count("examples", Score::examples)
        .table();
  }

  /**
   * Two systems on the same examples.
   *
   * @return columns "group", the systems' names, "difference", "lower", "upper", "p", "p (Holm)",
   *     "examples"
   */
  public static Table comparison(Comparison comparison, String first, String second) {
    return new Columns<>("Comparison", comparison.rows())
        .text("group", Comparison.Row::name)
        .percent(first, Comparison.Row::first)
        .percent(second.equals(first) ? second + " (2)" : second, Comparison.Row::second)
        .percent("difference", row -> row.difference().interval().mean())
        .percent("lower", row -> row.difference().interval().lower())
        .percent("upper", row -> row.difference().interval().upper())
        .number("p", row -> row.difference().pValue())
        .number("p (Holm)", Comparison.Row::corrected)
        .count("examples", Comparison.Row::examples)
        .table();
  }

  /**
   * The worst answers.
   *
   * @param most rows at most
   * @return columns "id", "type", "prediction", "answers", "score"
   */
  public static Table errors(Evaluation evaluation, int most) {
    return new Columns<>("Errors", evaluation.errors().stream().limit(most).toList())
        .text("id", Predicted::id)
        .text("type", Predicted::type)
        .text("prediction", item -> item.prediction().text())
        .text("answers", item -> String.join(" | ", item.reference().answers()))
        .number("score", Predicted::score)
        .table();
  }
}
