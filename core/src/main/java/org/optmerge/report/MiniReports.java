package org.optmerge.report;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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
import org.optmerge.evaluation.MiniStudy.Merged;
import org.optmerge.evaluation.MiniStudy.Single;
import org.optmerge.evaluation.MiniStudy.Wanted;
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

  /** Where the project keeps the rows of its own models, a file for each seed of the training. */
  public static final String RECORDED = "notebooks/results/miniature";

  private MiniReports() {}

  /**
   * The project's own results, by family and label: first those of the shipped models, then those
   * of other seeds of the same training. Empty outside a clone of the project.
   */
  public static List<Map<String, MiniRow>> recordedSeeds() {
    List<Map<String, MiniRow>> seeds = new ArrayList<>();
    try {
      Path folder = Project.file(RECORDED);
      for (int seed = 1; Files.exists(folder.resolve("seed-%d.json".formatted(seed))); seed++) {
        seeds.add(MiniStudy.read(folder.resolve("seed-%d.json".formatted(seed))));
      }
    } catch (IllegalStateException e) {
      return List.of();
    }
    return seeds;
  }

  /**
   * Capability merging as the mean over several seeds of the whole training. Rows that a seed lacks
   * are left out.
   *
   * @param seeds rows by family and label, as {@link #recordedSeeds} gives them
   * @throws IllegalArgumentException if a row that findings need is missing in one of them
   */
  public static MiniReport seeds(
      MiniFamily family, List<Map<String, MiniRow>> seeds, PaperTables paper) {
    Map<String, MiniRow> means = new LinkedHashMap<>();
    for (Wanted wanted : rows(family)) {
      String key = family.name() + "/" + wanted.label();
      if (!seeds.isEmpty() && seeds.stream().allMatch(rows -> rows.containsKey(key))) {
        means.put(
            wanted.label(),
            MiniRow.mean(
                seeds.stream().map(rows -> Objects.requireNonNull(rows.get(key))).toList()));
      }
    }
    MiniReport report = capabilities(family, means, null, paper);
    return new MiniReport(
        "seeds-" + family.name(),
        "%s, mean of %d seeds".formatted(report.title(), seeds.size()),
        seedsTable(family, seeds, means),
        null,
        report.findings());
  }

  /** Mean accuracies in percent by seed, their mean, and its difference to task arithmetic. */
  private static Table seedsTable(
      MiniFamily family, List<Map<String, MiniRow>> seeds, Map<String, MiniRow> means) {
    Table table = Table.create(family.title(), StringColumn.create("model or method"));
    for (int seed = 1; seed <= seeds.size(); seed++) {
      table.addColumns(DoubleColumn.create("seed " + seed));
    }
    table.addColumns(
        DoubleColumn.create("mean"),
        StringColumn.create("95 % interval"),
        StringColumn.create("against task arithmetic"));
    MiniRow reference = row(means, TASK_ARITHMETIC);
    means.forEach(
        (label, mean) -> {
          tech.tablesaw.api.Row cells = table.appendRow();
          cells.setString("model or method", label);
          for (int seed = 1; seed <= seeds.size(); seed++) {
            MiniRow row = seeds.get(seed - 1).get(family.name() + "/" + label);
            cells.setDouble("seed " + seed, 100 * Objects.requireNonNull(row).mean());
          }
          Interval interval = Bootstrap.DEFAULT.mean(mean.capabilities()).times(100);
          cells.setDouble("mean", interval.mean());
          cells.setString("95 % interval", text(interval));
          boolean itself = family.singles().containsKey(label) || label.equals(TASK_ARITHMETIC);
          cells.setString(
              "against task arithmetic",
              itself
                  ? ""
                  : difference(
                      Bootstrap.DEFAULT.difference(mean.capabilities(), reference.capabilities())));
        });
    return table;
  }

  private static String text(Interval interval) {
    return String.format(Locale.ROOT, "[%.1f, %.1f]", interval.lower(), interval.upper());
  }

  /**
   * Capability merging of one family: tables 2 and 3 of the paper.
   *
   * @param study of the family's seed; rows it lacks are computed
   * @param published the table of the paper that this family is the miniature of; null if none
   */
  public static MiniReport capabilities(
      MiniStudy study, MiniFamily family, @Nullable PaperTable published, PaperTables paper) {
    return capabilities(family, byLabel(study.rows(rows(family))), published, paper);
  }

  /** The rows of a family's table, in order: its models, then the merges. */
  public static List<Wanted> rows(MiniFamily family) {
    return Stream.concat(
            singles(family).stream(),
            merges(family).stream().map(merge -> new Merged(family, merge)))
        .toList();
  }

  private static List<Wanted> singles(MiniFamily family) {
    List<Wanted> singles = new ArrayList<>();
    family.singles().forEach((label, model) -> singles.add(new Single(family, label, model)));
    return singles;
  }

  private static Map<String, MiniRow> byLabel(List<MiniRow> rows) {
    Map<String, MiniRow> byLabel = new LinkedHashMap<>();
    rows.forEach(row -> byLabel.put(row.label(), row));
    return byLabel;
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

  /** Table 4: from WUDI to OptMerge, one change at a time. */
  public static List<MiniMerge> ablation() {
    return List.of(
        MiniMerge.published("WUDI Merging", "wudi"),
        new MiniMerge("+ SGD", "optmerge-lora", "init: sum, rank_share: 1.0, projector: full"),
        new MiniMerge(
            "+ Initialization", "optmerge-lora", "init: mean, rank_share: 1.0, projector: full"),
        MiniMerge.published("OptMerge", "optmerge-lora"));
  }

  /** The ablation of the paper's table 4, on one family. */
  public static MiniReport table4(MiniStudy study, MiniFamily family, PaperTables paper) {
    List<MiniRow> rows =
        study.rows(ablation().stream().map(merge -> new Merged(family, merge)).toList());
    PaperTable published = paper.table("table4");
    Table numbers =
        Table.create(
            "table4: " + published.title(),
            StringColumn.create("model or method"),
            DoubleColumn.create("Qwen2-VL"),
            DoubleColumn.create("Vicuna-7B"));
    for (PaperTables.Row row : published.rows()) {
      tech.tablesaw.api.Row cells = numbers.appendRow();
      cells.setString("model or method", row.name());
      row.scores().forEach(cells::setDouble);
    }
    Difference sgd =
        Bootstrap.DEFAULT.difference(rows.get(1).capabilities(), rows.get(0).capabilities());
    Difference whole =
        Bootstrap.DEFAULT.difference(rows.get(3).capabilities(), rows.get(0).capabilities());
    double start = rows.get(2).mean() - rows.get(1).mean();
    double low = rows.get(3).mean() - rows.get(2).mean();
    return new MiniReport(
        "table4",
        "Ablation: " + family.title(),
        table(family.title(), rows),
        numbers,
        List.of(
            new Finding(
                "SGD alone, from the sum, is worse than Adam",
                sgd.interval().upper() < 0,
                difference(sgd)),
            new Finding(
                "of the later changes, the start from the mean matters more than the low rank",
                Math.abs(start) > Math.abs(low),
                signed(start) + " against " + signed(low) + " points"),
            new Finding(
                "OptMerge is better than WUDI", whole.interval().lower() > 0, difference(whole))));
  }

  /** Table 8: the rank of OptMerge's targets as a share of the full one. */
  public static MiniReport table8(MiniStudy study, MiniFamily family, PaperTables paper) {
    List<Wanted> wanted = new ArrayList<>();
    for (int percent = 10; percent <= 50; percent += 10) {
      wanted.add(
          new Merged(
              family,
              new MiniMerge(
                  "rank share %d %%".formatted(percent),
                  "optmerge-full-rel",
                  "rank_share: %s".formatted(percent / 100.0))));
    }
    List<MiniRow> rows = study.rows(wanted);
    double most = rows.stream().mapToDouble(MiniRow::mean).max().orElseThrow();
    double least = rows.stream().mapToDouble(MiniRow::mean).min().orElseThrow();
    PaperTable published = paper.table("table8");
    double publishedRange =
        published.rows().stream()
                .mapToDouble(row -> row.average().orElseThrow())
                .max()
                .orElseThrow()
            - published.rows().stream()
                .mapToDouble(row -> row.average().orElseThrow())
                .min()
                .orElseThrow();
    return new MiniReport(
        "table8",
        "Rank share of OptMerge (relative Adam): " + family.title(),
        table(family.title(), rows),
        published(published, paper),
        List.of(
            new Finding(
                "the rank share matters little: all are within two points",
                most - least <= 0.02,
                "a range of %s points, published %.1f"
                    .formatted(points(most - least), publishedRange))));
  }

  /** Table 10: questions that need two abilities, which no expert was trained on. */
  public static MiniReport table10(MiniStudy study, MiniFamily family, PaperTables paper) {
    List<Wanted> wanted = new ArrayList<>(singles(family));
    for (MiniMerge merge : merges(family)) {
      if (merge.label().startsWith("OptMerge") || merge.label().equals(TASK_ARITHMETIC)) {
        wanted.add(new Merged(family, merge));
      }
    }
    List<MiniRow> rows = study.rows(wanted);
    Comparator<MiniRow> combined =
        Comparator.comparingDouble(row -> row.accuracy(MiniTask.COMBINED));
    MiniRow expert =
        rows.stream().filter(row -> row.label().startsWith("Expert")).max(combined).orElseThrow();
    MiniRow merged =
        rows.stream().filter(row -> row.label().startsWith("OptMerge")).max(combined).orElseThrow();
    Difference difference =
        Bootstrap.DEFAULT.difference(
            merged.scores(MiniTask.COMBINED), expert.scores(MiniTask.COMBINED));
    PaperTable published = paper.table("table10");
    Table numbers =
        Table.create("table10: " + published.title(), StringColumn.create("model or method"));
    published.columns().forEach(column -> numbers.addColumns(DoubleColumn.create(column)));
    for (PaperTables.Row row : published.rows()) {
      tech.tablesaw.api.Row cells = numbers.appendRow();
      cells.setString("model or method", row.name());
      row.scores().forEach(cells::setDouble);
    }
    return new MiniReport(
        "table10",
        "Questions that need two abilities: " + family.title(),
        table(family.title(), rows),
        numbers,
        List.of(
            new Finding(
                "the merged model is above every expert where two abilities are needed",
                difference.interval().lower() > 0,
                "%s − %s: %s".formatted(merged.label(), expert.label(), difference(difference)))));
  }

  /**
   * Table 6: experts that were not made side by side: full fine-tuning and adapters, trained for
   * different numbers of steps.
   */
  public static MiniReport table6(
      MiniStudy study, MiniFamily full, MiniFamily lora, PaperTables paper) {
    List<String> models = new ArrayList<>();
    List<String> ofLora = lora.recipeModels();
    List<String> ofFull = full.recipeModels();
    for (int i = 0; i < ofFull.size(); i++) {
      models.add(i % 2 == 0 ? ofFull.get(i) : ofLora.get(i));
    }
    MiniFamily mixed =
        new MiniFamily(
            "independent",
            "Independent experts",
            full.base(),
            full.experts(),
            false,
            full.mixture());
    List<Wanted> wanted = new ArrayList<>(List.of(new Single(full, BASE, full.base())));
    for (MiniMerge merge : merges(full)) {
      wanted.add(new Merged(mixed, merge, models));
    }
    List<MiniRow> rows = study.rows(wanted);
    MiniRow best = rows.stream().max(Comparator.comparingDouble(MiniRow::mean)).orElseThrow();
    return new MiniReport(
        "table6",
        "Experts by full fine-tuning (VQA, Chart, Grounding) and by LoRA (Geometry, OCR) together",
        table(mixed.title(), rows),
        published(paper.table("table6"), paper),
        List.of(
            new Finding(
                "OptMerge is the best method",
                best.label().startsWith("OptMerge"),
                "best: %s, %s %%".formatted(best.label(), points(best.mean())))));
  }

  /**
   * Appendix B.1: how long experts were fine-tuned, and what merging makes of them.
   *
   * @param models the folder of the family's models, which holds those of earlier steps
   * @param steps after which experts were kept, the last one being the end
   */
  public static MiniReport steps(
      MiniStudy study, MiniFamily family, Path models, List<Integer> steps) {
    List<Wanted> wanted = new ArrayList<>();
    wanted.add(new Single(family, BASE, family.base()));
    for (int i = 0; i < steps.size(); i++) {
      String behind = i == steps.size() - 1 ? "" : "-" + steps.get(i);
      List<String> experts = new ArrayList<>();
      for (MiniTask task : List.of(MiniTask.VQA, MiniTask.OCR)) {
        Path expert = models.resolve("expert-%s%s".formatted(task.key(), behind));
        experts.add(expert.toAbsolutePath().toString());
        wanted.add(
            new Single(
                family, "Expert %s, %d steps".formatted(task.label(), steps.get(i)), expert));
      }
      for (String method : List.of("task-arithmetic", "optmerge-full-rel")) {
        wanted.add(
            new Merged(
                family,
                MiniMerge.published(
                    "%s of VQA and OCR, %d steps".formatted(method, steps.get(i)), method),
                experts));
      }
    }
    List<MiniRow> rows = study.rows(wanted);
    List<Double> merged =
        rows.stream()
            .filter(row -> row.label().startsWith("optmerge"))
            .map(row -> (row.accuracy(MiniTask.VQA) + row.accuracy(MiniTask.OCR)) / 2)
            .toList();
    return new MiniReport(
        "appB1",
        "Fine-tuning steps against merging: " + family.title(),
        table(family.title(), rows),
        null,
        List.of(
            new Finding(
                "longer fine-tuning first helps the merged model, then hurts",
                merged.indexOf(merged.stream().max(Comparator.naturalOrder()).orElseThrow()) > 0
                    && merged.indexOf(merged.stream().max(Comparator.naturalOrder()).orElseThrow())
                        < merged.size() - 1,
                "mean of VQA and OCR after %s steps: %s %%"
                    .formatted(steps, merged.stream().map(MiniReports::points).toList()))));
  }

  /** Accuracies in percent, with the interval of their mean. */
  public static Table table(String title, Iterable<MiniRow> rows) {
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
      cells.setString("95 % interval", text(interval));
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
            "%s: %s of %s points, %.1f %%"
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
    return Optional.ofNullable(rows.get(label))
        .orElseThrow(() -> new IllegalArgumentException("no row '%s'".formatted(label)));
  }

  private static String signed(double share) {
    return String.format(Locale.ROOT, "%+.1f", 100 * share);
  }

  private static String points(double share) {
    return String.format(Locale.ROOT, "%.1f", 100 * share);
  }

  private static String difference(Difference difference) {
    Interval interval = difference.interval().times(100);
    boolean noise = interval.lower() <= 0 && interval.upper() >= 0;
    return String.format(
        Locale.ROOT,
        "%+.1f points [%.1f, %.1f]%s",
        interval.mean(),
        interval.lower(),
        interval.upper(),
        noise ? ", within noise" : "");
  }
}
