package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Two systems on the same examples.
 *
 * @param rows all examples first, then each task or type
 * @param findings what could not be compared
 */
public record Comparison(List<Row> rows, List<Finding> findings) {
  /**
   * A group of examples.
   *
   * @param name of the task or type; {@link Evaluation#OVERALL} for all
   * @param examples how many
   * @param first the first system's mean
   * @param second the second system's mean
   * @param difference first less second, with its interval
   */
  public record Row(
      String name, int examples, double first, double second, Difference difference) {}

  public Comparison {
    rows = List.copyOf(rows);
    findings = List.copyOf(findings);
  }

  /**
   * Pairs scored predictions by task and id; an id that comes several times is paired in order.
   *
   * <p>If there are several tasks, the first row is the difference of the means of their means.
   *
   * @throws PredictionFileException if an item has no score, or the systems share no example
   */
  public static Comparison of(List<Predicted> first, List<Predicted> second, Bootstrap bootstrap) {
    Map<String, Predicted> a = keyed(first, "first");
    Map<String, Predicted> b = keyed(second, "second");
    Findings findings = new Findings();
    a.forEach((key, item) -> alone(findings, "only in the first file, left out", key, item, b));
    b.forEach((key, item) -> alone(findings, "only in the second file, left out", key, item, a));
    Map<String, List<String>> tasks = new LinkedHashMap<>();
    Map<String, List<String>> types = new LinkedHashMap<>();
    a.forEach(
        (key, item) -> {
          if (b.containsKey(key)) {
            tasks.computeIfAbsent(item.task(), name -> new ArrayList<>()).add(key);
            types.computeIfAbsent(item.type(), name -> new ArrayList<>()).add(key);
          }
        });
    if (tasks.isEmpty()) {
      throw new PredictionFileException(
          "the two files have no example in common; are they of the same benchmark?");
    }
    List<Row> rows = new ArrayList<>();
    rows.add(row(Evaluation.OVERALL, tasks.values(), a, b, bootstrap));
    Set<String> named = new LinkedHashSet<>();
    for (Map<String, List<String>> groups : List.of(tasks, types)) {
      if (groups.size() > 1) {
        groups.forEach(
            (name, keys) -> {
              if (!name.isEmpty() && named.add(name)) {
                rows.add(row(name, List.of(keys), a, b, bootstrap));
              }
            });
      }
    }
    return new Comparison(rows, findings.list());
  }

  /** All examples. */
  public Row overall() {
    return rows.get(0);
  }

  private static void alone(
      Findings findings, String what, String key, Predicted item, Map<String, Predicted> other) {
    if (!other.containsKey(key)) {
      findings.add(what, item.id());
    }
  }

  private static Row row(
      String name,
      Iterable<List<String>> tasks,
      Map<String, Predicted> a,
      Map<String, Predicted> b,
      Bootstrap bootstrap) {
    List<double[]> first = new ArrayList<>();
    List<double[]> second = new ArrayList<>();
    int examples = 0;
    for (List<String> keys : tasks) {
      first.add(values(keys, a));
      second.add(values(keys, b));
      examples += keys.size();
    }
    return new Row(
        name,
        examples,
        meanOfMeans(first),
        meanOfMeans(second),
        bootstrap.difference(first, second));
  }

  private static double meanOfMeans(List<double[]> tasks) {
    return tasks.stream()
        .mapToDouble(scores -> java.util.Arrays.stream(scores).average().orElse(Double.NaN))
        .average()
        .orElse(Double.NaN);
  }

  private static double[] values(List<String> keys, Map<String, Predicted> items) {
    List<Predicted> members = new ArrayList<>();
    for (String key : keys) {
      Predicted item = items.get(key);
      if (item != null) {
        members.add(item);
      }
    }
    return Evaluation.values(members);
  }

  private static Map<String, Predicted> keyed(List<Predicted> items, String which) {
    Map<String, Integer> times = new LinkedHashMap<>();
    Map<String, Predicted> keyed = new LinkedHashMap<>();
    for (Predicted item : items) {
      if (item.score() == null) {
        throw new PredictionFileException(
            "the %s file has no score for '%s'; name the benchmark to score it"
                .formatted(which, item.id()));
      }
      String id = item.task() + "\n" + item.id();
      keyed.put(id + "\n" + times.merge(id, 1, Integer::sum), item);
    }
    return keyed;
  }
}
