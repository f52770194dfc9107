package org.optmerge.report;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Confidence;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import org.optmerge.evaluation.StudyMerge;
import org.optmerge.report.PaperTables.PaperTable;
import tech.tablesaw.api.Table;

/** Tables and sentences made of answer sheets, whatever their questions are about. */
final class SheetTables {
  /** The first column of most tables. */
  static final String MODEL = "model or method";

  private SheetTables() {}

  /** The mean of a row in percent. */
  static Interval interval(AnswerSheet row) {
    return Bootstrap.DEFAULT.mean(row.averaged()).times(100);
  }

  /** Adds the mean in percent, and its interval. */
  static Columns<AnswerSheet> mean(Columns<AnswerSheet> columns) {
    Map<AnswerSheet, Interval> known = new IdentityHashMap<>();
    Function<AnswerSheet, Interval> interval =
        row -> known.computeIfAbsent(row, SheetTables::interval);
    return columns
        .number("mean", row -> interval.apply(row).mean())
        .text(
            "95 % interval",
            row ->
                String.format(
                    Locale.ROOT,
                    "[%.1f, %.1f]",
                    interval.apply(row).lower(),
                    interval.apply(row).upper()));
  }

  /** A published table as it is, with its average or without. */
  static Table published(PaperTable published, String title, String first, boolean average) {
    Columns<PaperTables.Row> columns =
        new Columns<>(title, published.rows()).text(first, PaperTables.Row::name);
    published.columns().forEach(column -> columns.number(column, row -> row.scores().get(column)));
    return average
        ? columns.number("average", row -> row.average().orElse(Double.NaN)).table()
        : columns.table();
  }

  /**
   * The project's own rows by key: first those of the shipped models, then those of other seeds of
   * the same training. Empty outside a clone of the project.
   *
   * @param folder from the top of the project
   */
  static List<Map<String, AnswerSheet>> recordedSeeds(String folder) {
    List<Map<String, AnswerSheet>> seeds = new ArrayList<>();
    try {
      Path recorded = Project.file(folder);
      for (int seed = 1; Files.exists(recorded.resolve("seed-%d.json".formatted(seed))); seed++) {
        seeds.add(AnswerSheet.read(recorded.resolve("seed-%d.json".formatted(seed))));
      }
    } catch (IllegalStateException e) {
      return List.of();
    }
    return seeds;
  }

  /** The means of those of the wanted rows that every seed has, by their keys. */
  static Map<String, AnswerSheet> means(
      List<? extends Study.Wanted> wanted, List<Map<String, AnswerSheet>> seeds) {
    Map<String, AnswerSheet> means = new LinkedHashMap<>();
    for (Study.Wanted one : wanted) {
      if (!seeds.isEmpty() && seeds.stream().allMatch(rows -> rows.containsKey(one.key()))) {
        means.put(
            one.key(),
            AnswerSheet.mean(
                seeds.stream().map(rows -> Objects.requireNonNull(rows.get(one.key()))).toList()));
      }
    }
    return means;
  }

  /**
   * Mean accuracies in percent by seed, their mean, and its difference to task arithmetic, which is
   * within noise unless it stands out of as many comparisons as there are (Holm).
   */
  static Table seeds(
      ModelFamily family, List<Map<String, AnswerSheet>> seeds, Map<String, AnswerSheet> means) {
    Map<AnswerSheet, String> keys = new IdentityHashMap<>();
    means.forEach((key, row) -> keys.put(row, key));
    String reference = family.name() + "/" + StudyMerge.TASK_ARITHMETIC;
    AnswerSheet arithmetic = row(means, reference);
    Columns<AnswerSheet> columns =
        new Columns<>(family.title(), List.copyOf(means.values())).text(MODEL, AnswerSheet::label);
    for (int seed = 1; seed <= seeds.size(); seed++) {
      Map<String, AnswerSheet> rows = seeds.get(seed - 1);
      columns.percent("seed " + seed, mean -> row(rows, keys.getOrDefault(mean, "")).mean());
    }
    mean(columns);
    List<String> singles = family.singles().stream().map(Study.Single::key).toList();
    Map<AnswerSheet, Compared> compared = new IdentityHashMap<>();
    against(
            arithmetic,
            means.entrySet().stream()
                .filter(row -> !row.getKey().equals(reference) && !singles.contains(row.getKey()))
                .map(Map.Entry::getValue)
                .toList())
        .forEach(one -> compared.put(one.row(), one));
    return columns
        .text(
            "against task arithmetic",
            row -> {
              Compared one = compared.get(row);
              return one == null ? "" : one.text();
            })
        .table();
  }

  /**
   * A row by its key.
   *
   * @throws IllegalArgumentException if there is none
   */
  static AnswerSheet row(Map<String, AnswerSheet> rows, String key) {
    AnswerSheet row = rows.get(key);
    if (row == null) {
      throw new IllegalArgumentException("no row '%s'".formatted(key));
    }
    return row;
  }

  static AnswerSheet best(Collection<AnswerSheet> rows) {
    return rows.stream().max(Comparator.comparingDouble(AnswerSheet::mean)).orElseThrow();
  }

  static Difference difference(AnswerSheet one, AnswerSheet other) {
    return Bootstrap.DEFAULT.difference(one.averaged(), other.averaged());
  }

  /**
   * One of several rows that are compared with the same one.
   *
   * @param corrected the p-value of the difference, by Holm for all comparisons
   * @param comparisons how many there are
   */
  record Compared(AnswerSheet row, Difference difference, double corrected, int comparisons) {
    /** True if the row is better by more than noise, however many rows are compared. */
    boolean isBetter() {
      return difference.interval().lower() > 0 && difference.significant(corrected);
    }

    /** The difference in points, and whether it is noise. */
    String text() {
      boolean onlyAlone = difference.significant() && !difference.significant(corrected);
      return differenceWithNoise(difference)
          + (onlyAlone ? ", within noise of %d comparisons".formatted(comparisons) : "");
    }
  }

  /** Compares several rows with one, in their order. */
  static List<Compared> against(AnswerSheet reference, List<AnswerSheet> rows) {
    List<Difference> differences = rows.stream().map(row -> difference(row, reference)).toList();
    double[] corrected =
        Confidence.holm(differences.stream().mapToDouble(Difference::pValue).toArray());
    return IntStream.range(0, rows.size())
        .mapToObj(i -> new Compared(rows.get(i), differences.get(i), corrected[i], rows.size()))
        .toList();
  }

  static String signed(double share) {
    return String.format(Locale.ROOT, "%+.1f", 100 * share);
  }

  static String text(Difference difference) {
    Interval interval = difference.interval().times(100);
    return String.format(
        Locale.ROOT,
        "%+.1f points [%.1f, %.1f]",
        interval.mean(),
        interval.lower(),
        interval.upper());
  }

  static String differenceWithNoise(Difference difference) {
    Interval interval = difference.interval();
    boolean noise = interval.lower() <= 0 && interval.upper() >= 0;
    return text(difference) + (noise ? ", within noise" : "");
  }
}
