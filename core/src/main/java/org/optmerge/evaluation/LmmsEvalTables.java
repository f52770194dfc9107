package org.optmerge.evaluation;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.metric.Means;

/** The means of lmms-eval's tasks other than boxes, by the names it gives them. */
final class LmmsEvalTables {
  private static final double PERCENT = 100;

  private LmmsEvalTables() {}

  static OfficialTable of(List<Predicted> items, Protocol protocol) {
    Map<String, Object> row = new LinkedHashMap<>();
    double mean = Means.IN_ORDER.of(Evaluation.values(items));
    switch (protocol) {
      case CHARTQA -> {
        row.put("relaxed_overall", mean);
        split(row, items, "human");
        split(row, items, "augmented");
      }
      case DOCVQA, INFOVQA -> row.put("anls", mean);
      case MMMU -> row.put("mmmu_acc", rounded(mean, 5));
      case MATHVISTA, MATHVISION -> row.put("accuracy", rounded(mean * PERCENT, 2));
      default -> row.put("exact_match", mean);
    }
    return OfficialTable.of(row);
  }

  private static void split(Map<String, Object> row, List<Predicted> items, String split) {
    List<Predicted> members =
        items.stream().filter(item -> item.field("split").equals(split)).toList();
    if (!members.isEmpty()) {
      row.put("relaxed_%s_split".formatted(split), Means.IN_ORDER.of(Evaluation.values(members)));
    }
  }

  /** As Python's {@code round}. */
  static double rounded(double value, int digits) {
    return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).doubleValue();
  }
}
