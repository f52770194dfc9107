package org.optmerge.report;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.stage.StageCeilings;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.StageRow;
import org.optmerge.evaluation.StageStudy;
import org.optmerge.report.MiniReport.Finding;
import org.optmerge.report.PaperTables.PaperTable;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** Tables of modality merging on the miniature, beside the published ones. */
public final class StageReports {
  /** Where the rows of the shipped models are, from the top of the project. */
  public static final String RECORDED = "notebooks/results/modality";

  private static final Bootstrap BOOTSTRAP = Bootstrap.DEFAULT;
  private static final double TEXT_GOAL = 0.9;

  /** The methods that the paper's claim is tested with. */
  private static final List<String> CLAIMED = List.of("TSV Merging", "Task Arithmetic", "OptMerge");

  private StageReports() {}

  /** Recorded rows of each seed, in order; none outside of a clone of the project. */
  public static List<List<StageRow>> recordedSeeds() {
    List<List<StageRow>> seeds = new ArrayList<>();
    try {
      Path folder = Project.file(RECORDED);
      for (int seed = 1; Files.exists(folder.resolve("seed-%d.json".formatted(seed))); seed++) {
        seeds.add(StageRow.read(folder.resolve("seed-%d.json".formatted(seed))));
      }
    } catch (IllegalStateException e) {
      return List.of();
    }
    return seeds;
  }

  /** Table 5: single modalities, all three merged, pairs, and online composition. */
  public static MiniReport table5(List<StageRow> rows, PaperTables paper) {
    return new MiniReport(
        "table5",
        "Table 5: merging modalities",
        table(rows),
        published(paper.table("table5")),
        findings(rows));
  }

  /** The second half of table 4: from WUDI to OptMerge with modalities. */
  public static MiniReport table4(List<StageRow> rows, PaperTables paper) {
    List<StageRow> steps = new ArrayList<>();
    List<Finding> findings = new ArrayList<>();
    for (String label : StageStudy.ablation().stream().map(merge -> merge.label()).toList()) {
      StageRow row = row(rows, label);
      if (!steps.isEmpty()) {
        StageRow before = steps.get(steps.size() - 1);
        Difference difference = difference(row, before);
        findings.add(
            new Finding(
                "'%s' is above '%s' with an interval that excludes zero"
                    .formatted(row.label(), before.label()),
                difference.interval().lower() > 0,
                said(difference)));
      }
      steps.add(row);
    }
    return new MiniReport(
        "table4-vicuna",
        "Table 4, Vicuna: from WUDI to OptMerge with modalities",
        table(steps),
        published(paper.table("table4")),
        findings);
  }

  /** The ceilings of questions of several modalities: what the best guess of fewer would get. */
  public static Table ceilings() {
    Table table =
        Table.create(
            "Best guess of a part of the modalities, %",
            StringColumn.create("question"),
            StringColumn.create("aspect"),
            DoubleColumn.create("nothing"),
            DoubleColumn.create("vision"),
            DoubleColumn.create("audio"),
            DoubleColumn.create("video"),
            DoubleColumn.create("best pair"));
    for (StageQuestionType type : StageQuestionType.ALL) {
      if (!type.isCrossModal()) {
        continue;
      }
      tech.tablesaw.api.Row cells = table.appendRow();
      cells.setString("question", type.key());
      cells.setString("aspect", type.aspect());
      for (String column : List.of("vision", "audio", "video")) {
        cells.setMissing(column);
      }
      double pair = 0;
      for (var ceiling : StageCeilings.of(type).entrySet()) {
        Set<StageModality> given = ceiling.getKey();
        if (given.isEmpty()) {
          cells.setDouble("nothing", 100 * ceiling.getValue());
        } else if (given.size() == 1) {
          cells.setDouble(given.iterator().next().key(), 100 * ceiling.getValue());
        } else if (given.size() == 2) {
          pair = Math.max(pair, ceiling.getValue());
        }
      }
      cells.setDouble("best pair", 100 * pair);
    }
    return table;
  }

  /**
   * One line a row: the groups of questions, their mean, and the questions of one modality each.
   */
  public static Table table(Collection<StageRow> rows) {
    Table table =
        Table.create(
            "Modality merging, %", StringColumn.create("model"), StringColumn.create("given"));
    StageRow.GROUPS.keySet().forEach(group -> table.addColumns(DoubleColumn.create(group)));
    table.addColumns(DoubleColumn.create("mean"), StringColumn.create("95 % interval"));
    for (StageModality modality : StageModality.ALL) {
      table.addColumns(DoubleColumn.create(modality.key()));
    }
    table.addColumns(DoubleColumn.create("beyond"));
    table.addColumns(DoubleColumn.create("λ"), DoubleColumn.create("ms"));
    for (StageRow row : rows) {
      tech.tablesaw.api.Row cells = table.appendRow();
      cells.setString("model", row.label());
      boolean all = row.given().size() == StageModality.ALL.size();
      cells.setString("given", all ? "all" : String.join("+", row.given()));
      StageRow.GROUPS.forEach((name, group) -> cells.setDouble(name, 100 * row.accuracy(group)));
      Interval interval = BOOTSTRAP.mean(row.crossModal()).times(100);
      cells.setDouble("mean", interval.mean());
      cells.setString(
          "95 % interval",
          String.format(Locale.ROOT, "[%.1f, %.1f]", interval.lower(), interval.upper()));
      for (StageModality modality : StageModality.ALL) {
        if (row.given().contains(modality.key())) {
          cells.setDouble(modality.key(), 100 * row.accuracy(EnumSet.of(modality)));
        } else {
          cells.setMissing(modality.key());
        }
      }
      cells.setDouble("beyond", 100 * row.beyondReach());
      set(cells, "λ", row.scaling());
      cells.setDouble("ms", row.milliseconds());
    }
    return table;
  }

  private static void set(tech.tablesaw.api.Row cells, String column, @Nullable Double value) {
    if (value == null) {
      cells.setMissing(column);
    } else {
      cells.setDouble(column, value);
    }
  }

  private static Table published(PaperTable published) {
    Table table = Table.create(published.title(), StringColumn.create("model"));
    published.columns().forEach(column -> table.addColumns(DoubleColumn.create(column)));
    table.addColumns(DoubleColumn.create("average"));
    for (PaperTables.Row row : published.rows()) {
      tech.tablesaw.api.Row cells = table.appendRow();
      cells.setString("model", row.name());
      for (String column : published.columns()) {
        set(cells, column, row.scores().get(column));
      }
      set(cells, "average", row.average().isPresent() ? row.average().getAsDouble() : null);
    }
    return table;
  }

  private static List<Finding> findings(List<StageRow> rows) {
    List<Finding> findings = new ArrayList<>();
    StageRow words = row(rows, StageStudy.WORDS);
    findings.add(
        new Finding(
            "told in words, the language model answers at least 90 % of the questions",
            words.mean() >= TEXT_GOAL, points(words.mean()) + " %"));
    List<StageRow> singles = new ArrayList<>();
    for (StageModality modality : StageModality.ALL) {
      singles.add(row(rows, StageStudy.title(modality), List.of(modality.key())));
    }
    StageRow best = singles.get(0);
    for (StageRow single : singles) {
      best = single.mean() > best.mean() ? single : best;
    }
    StageRow chosen = StageRow.bestOfEachType("best of each type", singles);
    StageRow unmerged = row(rows, StageStudy.UNMERGED);
    for (String label : CLAIMED) {
      StageRow merged = row(rows, label, everything());
      findings.add(above(merged, best, "the best single modality, " + best.label()));
      findings.add(above(merged, chosen, "the best single modality of each type of question"));
      findings.add(above(merged, unmerged, "the language model with all connectors, not merged"));
    }
    StageRow strict = unmerged;
    for (StageModality modality : StageModality.ALL) {
      StageRow one = row(rows, StageStudy.title(modality), everything());
      strict = one.mean() > strict.mean() ? one : strict;
    }
    for (String label : CLAIMED) {
      findings.add(
          above(
              row(rows, label, everything()),
              strict,
              "the best single adapter with all connectors, " + strict.label()));
    }
    for (String label : CLAIMED) {
      StageRow merged = row(rows, label, everything());
      List<String> losses = new ArrayList<>();
      double most = 0;
      for (int i = 0; i < singles.size(); i++) {
        Set<StageModality> one = EnumSet.of(StageModality.ALL.get(i));
        double loss = singles.get(i).accuracy(one) - merged.accuracy(one);
        most = Math.max(most, loss);
        losses.add("%s %s".formatted(singles.get(i).label(), points(loss)));
      }
      findings.add(
          new Finding(
              "%s, given everything, loses at most 10 points on the questions of each modality"
                  .formatted(label),
              most <= 0.1,
              "loss: " + String.join(", ", losses)));
    }
    StageRow naive = row(rows, "NaiveMC");
    StageRow decoupled = row(rows, "DAMC");
    StageRow tsv = row(rows, "TSV Merging", everything());
    findings.add(above(tsv, naive, "NaiveMC, which keeps all adapters"));
    findings.add(above(tsv, decoupled, "DAMC, which keeps all adapters"));
    return findings;
  }

  private static List<String> everything() {
    return StageModality.ALL.stream().map(StageModality::key).toList();
  }

  private static Finding above(StageRow one, StageRow other, String what) {
    Difference difference = difference(one, other);
    return new Finding(
        "%s beats %s with an interval that excludes zero".formatted(one.label(), what),
        difference.interval().lower() > 0,
        said(difference));
  }

  private static Difference difference(StageRow one, StageRow other) {
    return BOOTSTRAP.difference(one.crossModal(), other.crossModal());
  }

  /**
   * The row that stands for a label of the paper's table 5: a single modality with its own input,
   * anything else with all three.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static StageRow claimed(List<StageRow> rows, String label) {
    return rows.stream()
        .filter(row -> row.label().equals(label))
        .filter(row -> row.given().size() == (isSingle(label) ? 1 : StageModality.ALL.size()))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no row '%s'".formatted(label)));
  }

  private static boolean isSingle(String label) {
    return StageModality.ALL.stream().map(StageStudy::title).anyMatch(label::equals);
  }

  private static StageRow row(List<StageRow> rows, String label) {
    return rows.stream()
        .filter(row -> row.label().equals(label))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no row '%s'".formatted(label)));
  }

  private static StageRow row(List<StageRow> rows, String label, List<String> given) {
    return rows.stream()
        .filter(row -> row.label().equals(label) && row.given().equals(given))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("no row '%s' given %s".formatted(label, given)));
  }

  private static String points(double share) {
    return String.format(Locale.ROOT, "%.1f", 100 * share);
  }

  private static String said(Difference difference) {
    Interval interval = difference.interval().times(100);
    return String.format(
        Locale.ROOT,
        "%+.1f points [%.1f, %.1f]",
        interval.mean(),
        interval.lower(),
        interval.upper());
  }
}
