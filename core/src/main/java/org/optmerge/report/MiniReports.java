package org.optmerge.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.MiniFamily;
import org.optmerge.evaluation.MiniMerge;
import org.optmerge.evaluation.MiniRow;
import org.optmerge.evaluation.MiniStudy;
import org.optmerge.report.MiniReport.Finding;
import org.optmerge.report.PaperTables.PaperTable;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** The paper's tables of merging capabilities, made on the miniature, beside what was published. */
public final class MiniReports {
  private static final String BASE = "Base";
  private static final String MIXTURE = "Mixture training";
  private static final String TASK_ARITHMETIC = "Task Arithmetic";

  private MiniReports() {}

  /**
   * Capability merging of one family: tables 2 and 3 of the paper.
   *
   * @param study of the family's seed; rows it lacks are computed
   * @param published the table of the paper that this family is the miniature of; null if none
   */
  public static MiniReport capabilities(
      MiniStudy study, MiniFamily family, @Nullable PaperTable published, PaperTables paper) {
    Map<String, MiniRow> rows = new LinkedHashMap<>();
    family.singles().forEach((label, model) -> rows.put(label, study.single(family, label, model)));
    merges(family).forEach(merge -> rows.put(merge.label(), study.merge(family, merge)));
    return capabilities(family, rows, published, paper);
  }

  /** The merges of a family's table, in order. */
  public static List<MiniMerge> merges(MiniFamily family) {
    return Stream.concat(
            MiniMerge.ofPaper(family.adapters()).stream(), MiniMerge.scaleAware().stream())
        .toList();
  }

  /** The same of rows that are known, such as means over several seeds. */
  public static MiniReport capabilities(
      MiniFamily family,
      Map<String, MiniRow> rows,
      @Nullable PaperTable published,
      PaperTables paper) {
    return new MiniReport(
        "capabilities-" + family.name(),
        "Capability merging: " + family.title(),
        table(family.title(), rows.values()),
        published == null ? null : published(published, paper),
        findings(family, rows));
  }

  /** Accuracies in percent, with the interval of their mean. */
  static Table table(String title, Iterable<MiniRow> rows) {
    Table table = Table.create(title, StringColumn.create("model or method"));
    for (MiniTask task : MiniTask.CAPABILITIES) {
      table.addColumns(DoubleColumn.create(task.label()));
    }
    table.addColumns(
        DoubleColumn.create("mean"),
        StringColumn.create("95 % interval"),
        DoubleColumn.create("new skills"),
        DoubleColumn.create(MiniTask.COMBINED.label()),
        DoubleColumn.create("λ"));
    for (MiniRow row : rows) {
      tech.tablesaw.api.Row cells = table.appendRow();
      cells.setString("model or method", row.label());
      for (MiniTask task : MiniTask.CAPABILITIES) {
        cells.setDouble(task.label(), 100 * row.accuracy(task));
      }
      Interval interval = Bootstrap.DEFAULT.mean(row.capabilities()).times(100);
      cells.setDouble("mean", interval.mean());
      cells.setString(
          "95 % interval",
          String.format(Locale.ROOT, "[%.1f, %.1f]", interval.lower(), interval.upper()));
      cells.setDouble("new skills", 100 * row.newSkills());
      if (row.correct().containsKey(MiniTask.COMBINED)) {
        cells.setDouble(MiniTask.COMBINED.label(), 100 * row.accuracy(MiniTask.COMBINED));
      } else {
        cells.setMissing(MiniTask.COMBINED.label());
      }
      if (row.scaling() == null) {
        cells.setMissing("λ");
      } else {
        cells.setDouble("λ", row.scaling());
      }
    }
    return table;
  }

  /** A published table by capability: the mean of the data sets of each. */
  static Table published(PaperTable published, PaperTables paper) {
    Table table =
        Table.create(
            "%s: %s".formatted(published.name(), published.title()),
            StringColumn.create("model or method"));
    paper.groups().keySet().forEach(group -> table.addColumns(DoubleColumn.create(group)));
    table.addColumns(DoubleColumn.create("average as printed"));
    for (PaperTables.Row row : published.rows()) {
      tech.tablesaw.api.Row cells = table.appendRow();
      cells.setString("model or method", row.name());
      paper.groups().forEach((group, columns) -> cells.setDouble(group, row.mean(columns)));
      cells.setDouble("average as printed", row.average().orElse(Double.NaN));
    }
    return table;
  }

  private static List<Finding> findings(MiniFamily family, Map<String, MiniRow> rows) {
    List<Finding> findings = new ArrayList<>();
    MiniRow base = row(rows, BASE);
    List<MiniRow> experts = new ArrayList<>();
    double gain = Double.POSITIVE_INFINITY;
    double own = 0;
    for (MiniTask task : family.experts().keySet()) {
      MiniRow expert = row(rows, "Expert " + task.label());
      experts.add(expert);
      gain = Math.min(gain, expert.accuracy(task) - base.accuracy(task));
      own += expert.accuracy(task) / family.experts().size();
    }
    findings.add(
        new Finding(
            "every expert gains at least 20 points on its own task",
            gain >= 0.2,
            "the least gain is %s points".formatted(points(gain))));

    List<String> paperMerges =
        MiniMerge.ofPaper(family.adapters()).stream().map(MiniMerge::label).toList();
    double best =
        Stream.concat(Stream.of(base), experts.stream())
            .mapToDouble(MiniRow::mean)
            .max()
            .orElseThrow();
    List<String> below =
        paperMerges.stream().filter(label -> row(rows, label).mean() <= best).toList();
    findings.add(
        new Finding(
            "every merging method of the paper beats the base and every single expert",
            below.isEmpty(),
            below.isEmpty()
                ? "the best single model has %s %%".formatted(points(best))
                : "not above the best single model's %s %%: %s"
                    .formatted(points(best), String.join(", ", below))));

    for (List<String> any :
        List.of(
            List.of("TSV Merging"),
            List.of("WUDI Merging", "SWUDI"),
            Stream.concat(
                    Stream.of("OptMerge"),
                    MiniMerge.scaleAware().stream()
                        .map(MiniMerge::label)
                        .filter(label -> label.startsWith("OptMerge")))
                .toList())) {
      findings.add(against(rows, any));
    }

    MiniRow winner =
        rows.values().stream()
            .filter(row -> row.scaling() != null)
            .max(Comparator.comparingDouble(MiniRow::mean))
            .orElseThrow();
    double closed = (winner.mean() - base.mean()) / (own - base.mean());
    findings.add(
        new Finding(
            "the best merge closes at least 60 % of the gap between the base and the experts' own tasks",
            closed >= 0.6,
            "%s: %s of %s points, %.0f %%"
                .formatted(
                    winner.label(),
                    points(winner.mean() - base.mean()),
                    points(own - base.mean()),
                    100 * closed)));
    findings.add(
        new Finding(
            "OptMerge as published is the best method of the paper",
            paperMerges.stream()
                .allMatch(label -> row(rows, label).mean() <= row(rows, "OptMerge").mean()),
            "OptMerge %s %%, best: %s"
                .formatted(points(row(rows, "OptMerge").mean()), bestOf(rows, paperMerges))));
    MiniRow mixture = row(rows, MIXTURE);
    Difference toMixture =
        Bootstrap.DEFAULT.difference(winner.capabilities(), mixture.capabilities());
    findings.add(
        new Finding(
            "the best merge reaches mixture training",
            toMixture.interval().upper() >= 0,
            "%s − mixture: %s".formatted(winner.label(), difference(toMixture))));
    return findings;
  }

  /** The best of some methods against task arithmetic, on the same questions. */
  private static Finding against(Map<String, MiniRow> rows, List<String> labels) {
    MiniRow best =
        labels.stream()
            .map(label -> row(rows, label))
            .max(Comparator.comparingDouble(MiniRow::mean))
            .orElseThrow();
    Difference difference =
        Bootstrap.DEFAULT.difference(
            best.capabilities(), row(rows, TASK_ARITHMETIC).capabilities());
    return new Finding(
        "%s beats task arithmetic with an interval that excludes zero".formatted(best.label()),
        difference.interval().lower() > 0,
        difference(difference));
  }

  private static String bestOf(Map<String, MiniRow> rows, List<String> labels) {
    MiniRow best =
        labels.stream()
            .map(label -> row(rows, label))
            .max(Comparator.comparingDouble(MiniRow::mean))
            .orElseThrow();
    return "%s %s %%".formatted(best.label(), points(best.mean()));
  }

  private static MiniRow row(Map<String, MiniRow> rows, String label) {
    return Objects.requireNonNull(rows.get(label), () -> "no row '%s'".formatted(label));
  }

  private static String points(double share) {
    return String.format(Locale.ROOT, "%.1f", 100 * share);
  }

  private static String difference(Difference difference) {
    Interval interval = difference.interval().times(100);
    return String.format(
        Locale.ROOT,
        "%+.1f points [%.1f, %.1f]",
        interval.mean(),
        interval.lower(),
        interval.upper());
  }
}
