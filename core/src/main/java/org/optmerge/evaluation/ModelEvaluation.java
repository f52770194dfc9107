package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * The scored answers of one model to the questions of a benchmark.
 *
 * @param model its name, for tables
 * @param presentation how it was asked
 * @param items one for each question, in their order
 */
@API(status = API.Status.EXPERIMENTAL)
public record ModelEvaluation(String model, Presentation presentation, List<Predicted> items) {
  /** Copies the list. */
  public ModelEvaluation {
    items = List.copyOf(items);
  }

  /** The scores of each group's answers, in the order of the questions. */
  public Map<String, double[]> scores() {
    return scores(Grouping.GROUPS);
  }

  /** The scores of the answers of each group that a grouping makes. */
  public Map<String, double[]> scores(Grouping grouping) {
    Map<String, List<Predicted>> groups = new LinkedHashMap<>();
    items.forEach(
        item -> groups.computeIfAbsent(grouping.of(item), any -> new ArrayList<>()).add(item));
    Map<String, double[]> scores = new LinkedHashMap<>();
    groups.forEach((group, of) -> scores.put(group, Evaluation.values(of)));
    return scores;
  }

  /** The scores of each part that a grouping's mean is over. */
  public List<double[]> averaged(Grouping grouping) {
    Map<String, double[]> scores = scores(grouping);
    return grouping.averaged(scores.keySet()).values().stream()
        .map(
            groups ->
                groups.stream()
                    .flatMapToDouble(
                        group -> Arrays.stream(scores.getOrDefault(group, new double[0])))
                    .toArray())
        .toList();
  }

  /** The mean score, as a grouping says. */
  public double mean(Grouping grouping) {
    return averaged(grouping).stream()
        .mapToDouble(ModelEvaluation::mean)
        .average()
        .orElse(Double.NaN);
  }

  /** The mean score of a group. */
  public double accuracy(String group) {
    return mean(scores().getOrDefault(group, new double[0]));
  }

  static double mean(double[] scores) {
    double sum = 0;
    for (double score : scores) {
      sum += score;
    }
    return sum / scores.length;
  }

  /**
   * The score of the best constant answer to each type of question, group by group: an accuracy
   * means little without it.
   */
  public Map<String, Double> constantAnswers(Grouping grouping) {
    Map<String, Map<String, Map<String, Integer>>> counts = new LinkedHashMap<>();
    Map<String, Integer> totals = new HashMap<>();
    for (Predicted item : items) {
      counts
          .computeIfAbsent(grouping.of(item), group -> new HashMap<>())
          .computeIfAbsent(item.type(), type -> new LinkedHashMap<>())
          .merge(item.expected(), 1, Integer::sum);
      totals.merge(grouping.of(item), 1, Integer::sum);
    }
    Map<String, Double> best = new LinkedHashMap<>();
    counts.forEach(
        (group, types) -> {
          int right =
              types.values().stream()
                  .mapToInt(of -> of.values().stream().mapToInt(n -> n).max().orElse(0))
                  .sum();
          best.put(group, (double) right / totals.getOrDefault(group, 0));
        });
    return best;
  }
}
