package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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
   * @param corrected the p-value of the difference, of the groups below all corrected for how many
   *     they are
   */
  public record Row(
      String name,
      int examples,
      double first,
      double second,
      Difference difference,
      double corrected) {
    /** True if the difference is more than noise, however many groups are compared. */
    public boolean significant() {
      return difference.significant(corrected);
    }

    private Row corrected(double value) {
      return new Row(name, examples, first, second, difference, value);
    }
  }

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
    requireSameQuestions(tasks.values(), a, b, findings);
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
    correct(rows);
    int paired = rows.get(0).examples();
    if (paired < Math.max(first.size(), second.size())) {
      findings.add(
          "paired by id: %d of %d and %d examples".formatted(paired, first.size(), second.size()));
    }
    boolean counted =
        Confidence.isCounted(Evaluation.values(first))
            && Confidence.isCounted(Evaluation.values(second));
    if (!counted && paired < Confidence.FEW) {
      findings.add(
          "fewer than %d graded scores: resampled intervals are too narrow"
              .formatted(Confidence.FEW));
    }
    return new Comparison(rows, findings.list());
  }

  /** By Holm, of all groups but that of all. */
  private static void correct(List<Row> rows) {
    double[] corrected =
        Confidence.holm(
            rows.stream().skip(1).mapToDouble(row -> row.difference().pValue()).toArray());
    for (int i = 0; i < corrected.length; i++) {
      rows.set(i + 1, rows.get(i + 1).corrected(corrected[i]));
    }
  }

  /**
   * Refuses pairs of other questions: the same ids, as row numbers are, do not make the same
   * examples.
   */
  private static void requireSameQuestions(
      Iterable<List<String>> keys,
      Map<String, Predicted> a,
      Map<String, Predicted> b,
      Findings findings) {
    int told = 0;
    List<String> others = new ArrayList<>();
    for (List<String> group : keys) {
      for (String key : group) {
        Optional<Boolean> same = sameQuestion(a.get(key), b.get(key));
        told += same.isPresent() ? 1 : 0;
        if (same.isPresent() && !same.get()) {
          others.add(Objects.requireNonNull(a.get(key)).id());
        }
      }
    }
    if (others.isEmpty()) {
      return;
    }
    if (2 * others.size() >= told) {
      throw new PredictionFileException(
          "the two files are of different questions: of %d examples with the same id %d ask something"
                  .formatted(told, others.size())
              + " else (%s). Are they of the same data set and split, with ids of their own?"
                  .formatted(String.join(", ", others.subList(0, Math.min(3, others.size())))));
    }
    others.forEach(id -> findings.add("the same id, but another question", id));
  }

  /** Whether two items ask the same, by their questions, else by their boxes; empty if unknown. */
  private static Optional<Boolean> sameQuestion(
      @Nullable Predicted one, @Nullable Predicted other) {
    if (one == null || other == null) {
      return Optional.empty();
    }
    String first = plain(one.field("question"));
    String second = plain(other.field("question"));
    if (!first.isEmpty() && !second.isEmpty()) {
      // A kit may keep its prompt around the question.
      return Optional.of(first.contains(second) || second.contains(first));
    }
    String box = one.field("bbox");
    boolean comparable =
        !box.isEmpty()
            && !other.field("bbox").isEmpty()
            && one.field("width").equals(other.field("width"));
    return comparable ? Optional.of(box.equals(other.field("bbox"))) : Optional.empty();
  }

  private static String plain(String question) {
    return question.toLowerCase(Locale.ROOT).replaceAll("\\s++", " ").strip();
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
    Difference difference =
        first.size() == 1
            ? Confidence.difference(first.get(0), second.get(0), bootstrap)
            : bootstrap.difference(first, second);
    return new Row(
        name, examples, meanOfMeans(first), meanOfMeans(second), difference, difference.pValue());
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
