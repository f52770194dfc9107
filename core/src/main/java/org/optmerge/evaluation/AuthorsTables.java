package org.optmerge.evaluation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.optmerge.metric.Means;
import org.optmerge.python.PythonText;

/** What LLaVA's scripts and those of the authors of data sets print. */
final class AuthorsTables {
  private static final double PERCENT = 100;

  private AuthorsTables() {}

  static OfficialTable of(List<Predicted> items, FileFormat format) {
    Map<String, Object> row = new LinkedHashMap<>();
    int correct = (int) items.stream().filter(Predicted::isRight).count();
    double mean = Means.IN_ORDER.of(Evaluation.values(items));
    switch (format) {
      case VQA -> {
        row.put("overall", LmmsEvalTables.rounded(PERCENT * mean, 2));
        by(items, "answer_type")
            .forEach(
                (type, members) ->
                    row.put(
                        type,
                        LmmsEvalTables.rounded(
                            PERCENT * Means.IN_ORDER.of(Evaluation.values(members)), 2)));
      }
      case SCIENCEQA -> {
        row.put("acc", correct / (double) items.size() * PERCENT);
        row.put("correct", correct);
        row.put("count", items.size());
      }
      case MATHVISTA -> {
        row.put("accuracy", LmmsEvalTables.rounded(correct / (double) items.size() * PERCENT, 2));
        row.put("correct", correct);
        row.put("total", items.size());
      }
      case MATHVISION ->
          row.put(
              "-all",
              "%d/%d=%s%%"
                  .formatted(
                      correct,
                      items.size(),
                      PythonText.repr(
                          LmmsEvalTables.rounded(correct / (double) items.size() * PERCENT, 2))));
      case MMMU -> {
        row.put("num", items.size());
        row.put("acc", LmmsEvalTables.rounded(mean, 3));
      }
      default -> {
        row.put("Accuracy", PythonText.twoDecimals(mean * PERCENT) + "%");
        List<Predicted> pictured =
            items.stream().filter(item -> item.field("image").equals("true")).toList();
        if (!pictured.isEmpty() && pictured.size() < items.size()) {
          row.put(
              "IMG-Accuracy",
              PythonText.twoDecimals(Means.IN_ORDER.of(Evaluation.values(pictured)) * PERCENT)
                  + "%");
        }
      }
    }
    return OfficialTable.of(row);
  }

  private static Map<String, List<Predicted>> by(List<Predicted> items, String field) {
    return items.stream()
        .filter(item -> !item.field(field).isEmpty())
        .collect(
            Collectors.groupingBy(item -> item.field(field), TreeMap::new, Collectors.toList()));
  }
}
