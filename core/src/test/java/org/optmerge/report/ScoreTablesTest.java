package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Comparison;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.metric.ScoringProfile;
import tech.tablesaw.api.Table;

class ScoreTablesTest {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(50, 0.95, 0);

  private static Evaluation evaluation(Protocol protocol, String... predictions) {
    List<Predicted> items =
        java.util.stream.IntStream.range(0, predictions.length)
            .mapToObj(
                i -> Predicted.of("" + i, predictions[i], List.of("yes"), Map.of("split", "s")))
            .toList();
    return Evaluation.of(
        new Predictions(FileFormat.OPTMERGE, items, List.of()),
        protocol,
        ScoringProfile.OPTMERGE_FORK,
        BOOTSTRAP);
  }

  @Test
  void scores_and_errors_are_tables_in_percent() {
    Evaluation evaluation = evaluation(Protocol.GQA, "yes", "no", "Yes!", "maybe");

    assertThat(Tables.markdown(ScoreTables.scores(evaluation))).contains("| Overall | 50.000 |");
    Table errors = ScoreTables.errors(evaluation, 1);
    assertThat(errors.rowCount()).isOne();
    assertThat(errors.stringColumn("prediction").get(0)).isEqualTo("no");
  }

  @Test
  void a_comparison_has_a_column_for_each_system() {
    Evaluation first = evaluation(Protocol.GQA, "yes", "yes");
    Evaluation second = evaluation(Protocol.GQA, "yes", "no");

    Table table =
        ScoreTables.comparison(
            Comparison.of(first.items(), second.items(), BOOTSTRAP), "first", "second");

    assertThat(table.columnNames())
        .containsExactly(
            "group",
            "first",
            "second",
            "difference",
            "lower",
            "upper",
            "p",
            "p (Holm)",
            "examples");
    assertThat(table.doubleColumn("difference").get(0)).isEqualTo(50);
  }
}
