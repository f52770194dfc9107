package org.optmerge.report;

import static org.optmerge.report.SheetTables.MODEL;
import static org.optmerge.report.SheetTables.best;
import static org.optmerge.report.SheetTables.difference;
import static org.optmerge.report.SheetTables.differenceWithNoise;
import static org.optmerge.report.SheetTables.row;
import static org.optmerge.report.SheetTables.signed;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Percent;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Confidence;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import org.optmerge.evaluation.Study.Merged;
import org.optmerge.evaluation.Study.Single;
import org.optmerge.evaluation.Study.Wanted;
import org.optmerge.evaluation.StudyMerge;
import org.optmerge.report.Exhibit.Finding;
import org.optmerge.report.PaperTables.PaperTable;
import tech.tablesaw.api.Table;

/** The paper's tables of merging capabilities, made on the miniature, beside what was published. */
@API(status = API.Status.EXPERIMENTAL)
public final class CapabilityExhibits {
  /** The folder of the project's own rows, a file for each seed of the training. */
  public static final String RECORDED = "notebooks/results/miniature";

  private static final String COMBINED = MiniTask.COMBINED.label();

  private CapabilityExhibits() {}

  /**
   * The project's own results by key: first those of the shipped models, then those of other seeds
   * of the same training. Empty outside a clone of the project.
   */
  public static List<Map<String, AnswerSheet>> recordedSeeds() {
    return SheetTables.recordedSeeds(RECORDED);
  }

  /**
   * Capability merging as the mean over several seeds of the whole training. Rows that a seed lacks
   * are left out.
   *
   * @param seeds rows by key, as {@link #recordedSeeds} gives them
   * @throws IllegalArgumentException if a row that findings need is missing in one of them
   */
  public static Exhibit seeds(
      ModelFamily family, List<Map<String, AnswerSheet>> seeds, PaperTables paper) {
    Map<String, AnswerSheet> means = SheetTables.means(rows(family), seeds);
    Exhibit exhibit = capabilities(family, means, null, paper);
    return new Exhibit(
        "seeds-" + family.name(),
        "%s, mean of %d seeds".formatted(exhibit.title(), seeds.size()),
        SheetTables.seeds(family, seeds, means),
        null,
        exhibit.findings());
  }

  /** True if there are several seeds and each has every row of a family. */
  public static boolean inEverySeed(ModelFamily family, List<Map<String, AnswerSheet>> seeds) {
    return seeds.size() > 1
        && seeds.stream()
            .allMatch(
                seed -> rows(family).stream().map(Wanted::key).allMatch(seed::containsKey));
  }

  /**
   * Capability merging of one family: tables 2 and 3 of the paper.
   *
   * @param study of the family's seed; rows it lacks are computed
   * @param published the table of the paper that this family is the miniature of; null if none
   */
  public static Exhibit capabilities(
      Study study, ModelFamily family, @Nullable PaperTable published, PaperTables paper) {
    return capabilities(family, study.byKey(rows(family)), published, paper);
  }

  /** The rows of a family's table, in order: its models, then the merges. */
  public static List<Wanted> rows(ModelFamily family) {
    List<Wanted> rows = new ArrayList<>(family.singles());
    merges(family).forEach(merge -> rows.add(new Merged(family, merge)));
    return List.copyOf(rows);
  }

  /** The merges of a family's table, in order. */
  public static List<StudyMerge> merges(ModelFamily family) {
    return Stream.concat(
            StudyMerge.ofPaper(family.adapters()).stream(), StudyMerge.scaleAware().stream())
        .toList();
  }

  private static Exhibit capabilities(
      ModelFamily family,
      Map<String, AnswerSheet> rows,
      @Nullable PaperTable published,
      PaperTables paper) {
    return new Exhibit(
        "capabilities-" + family.name(),
        "Capability merging: " + family.title(),
        table(family.title(), rows.values()),
        published == null ? null : published(published, paper),
        findings(family, rows));
  }

  /** The ablation of the paper's table 4, on one family: from WUDI to OptMerge. */
  public static Exhibit table4(Study study, ModelFamily family, PaperTables paper) {
    List<AnswerSheet> rows =
        study.rows(StudyMerge.ablation().stream().map(merge -> new Merged(family, merge)).toList());
    Difference sgd = difference(rows.get(1), rows.get(0));
    Difference whole = difference(rows.get(3), rows.get(0));
    double start = rows.get(2).mean() - rows.get(1).mean();
    double low = rows.get(3).mean() - rows.get(2).mean();
    return new Exhibit(
        "table4",
        "Ablation: " + family.title(),
        table(family.title(), rows),
        plain(paper.table("table4")),
        List.of(
            new Finding(
                "SGD alone, from the sum, is worse than Adam",
                sgd.interval().upper() < 0,
                differenceWithNoise(sgd)),
            new Finding(
                "of the later changes, the start from the mean matters more than the low rank",
                Math.abs(start) > Math.abs(low),
                signed(start) + " against " + signed(low) + " points"),
            new Finding(
                "OptMerge is better than WUDI",
                whole.interval().lower() > 0,
                differenceWithNoise(whole))));
  }

  /** Table 8: the rank of OptMerge's targets as a share of the full one. */
  public static Exhibit table8(Study study, ModelFamily family, PaperTables paper) {
    List<Wanted> wanted = new ArrayList<>();
    for (int percent = 10; percent <= 50; percent += 10) {
      wanted.add(
          new Merged(
              family,
              new StudyMerge(
                  "rank-share-" + percent,
                  "rank share %d %%".formatted(percent),
                  "optmerge-full-rel",
                  "rank_share: %s".formatted(percent / 100.0))));
    }
    List<AnswerSheet> rows = study.rows(wanted);
    double range = range(rows.stream().map(AnswerSheet::mean).toList());
    PaperTable published = paper.table("table8");
    return new Exhibit(
        "table8",
        "Rank share of OptMerge (relative Adam): " + family.title(),
        table(family.title(), rows),
        published(published, paper),
        List.of(
            new Finding(
                "the rank share matters little: all are within two points",
                range <= 0.02,
                "a range of %s points, published %s"
                    .formatted(
                        Percent.of(range),
                        Percent.of(
                            range(
                                    published.rows().stream()
                                        .map(row -> row.average().orElseThrow())
                                        .toList())
                                / 100)))));
  }

  private static double range(List<Double> values) {
    return values.stream().max(Comparator.naturalOrder()).orElseThrow()
        - values.stream().min(Comparator.naturalOrder()).orElseThrow();
  }

  /** Table 10: questions that need two abilities, which no model was trained on. */
  public static Exhibit table10(Study study, ModelFamily family, PaperTables paper) {
    return table10(family, study.byKey(rows(family)), "", paper);
  }

  /** Table 10 as the mean over several seeds of the whole training. */
  public static Exhibit table10(
      ModelFamily family, List<Map<String, AnswerSheet>> seeds, PaperTables paper) {
    return table10(
        family,
        SheetTables.means(rows(family), seeds),
        ", mean of %d seeds".formatted(seeds.size()),
        paper);
  }

  private static Exhibit table10(
      ModelFamily family, Map<String, AnswerSheet> rows, String seeds, PaperTables paper) {
    String prefix = family.name() + "/";
    Comparator<AnswerSheet> combined = Comparator.comparingDouble(row -> row.accuracy(COMBINED));
    AnswerSheet base = row(rows, prefix + Study.BASE);
    AnswerSheet expert =
        family.experts().keySet().stream()
            .map(group -> row(rows, prefix + ModelFamily.expertKey(group)))
            .max(combined)
            .orElseThrow();
    List<AnswerSheet> merged =
        merges(family).stream()
            .map(merge -> row(rows, prefix + merge.key()))
            .sorted(combined.reversed())
            .toList();
    AnswerSheet merge = merged.get(0);
    List<Finding> findings = new ArrayList<>();
    findings.add(
        above("the merged model is above every expert where two abilities are needed", merge, expert));
    findings.add(above("the merged model is above the base there", merge, base));
    findings.add(
        above(
            "the best merge is above task arithmetic there",
            merge,
            row(rows, prefix + StudyMerge.TASK_ARITHMETIC)));
    findings.add(above("the best merge is above the second there", merge, merged.get(1)));
    if (family.mixture() != null) {
      double mixture = row(rows, prefix + Study.MIXTURE).accuracy(COMBINED);
      findings.add(
          new Finding(
              "mixture training answers at least 60 % of them",
              mixture >= 0.6,
              Percent.of(mixture) + " %"));
    }
    return new Exhibit(
        seeds.isEmpty() ? "table10" : "table10-seeds",
        "Questions that need two abilities: " + family.title() + seeds,
        table(family.title(), rows.values()),
        plain(paper.table("table10")),
        findings);
  }

  private static Finding above(String claim, AnswerSheet one, AnswerSheet other) {
    Difference difference =
        Confidence.difference(one.scores(COMBINED), other.scores(COMBINED), Bootstrap.DEFAULT);
    return new Finding(
        claim,
        difference.interval().lower() > 0,
        "%s − %s: %s".formatted(one.label(), other.label(), differenceWithNoise(difference)));
  }

  /**
   * Table 6: experts that were not made side by side: on other images, by full fine-tuning and by
   * adapters of several ranks, at several rates and for different numbers of steps.
   */
  public static Exhibit table6(Study study, ModelFamily independent, PaperTables paper) {
    List<Wanted> wanted = rows(independent);
    List<StudyMerge> merges = merges(independent);
    List<AnswerSheet> rows = study.rows(wanted);
    AnswerSheet best = best(rows.subList(rows.size() - merges.size(), rows.size()));
    return new Exhibit(
        "table6",
        "Experts that were not made side by side, by full fine-tuning and by LoRA",
        table(independent.title(), rows),
        published(paper.table("table6"), paper),
        List.of(
            new Finding(
                "OptMerge is the best method",
                merges.get(rows.indexOf(best) - (rows.size() - merges.size())).isOptMerge(),
                "best: %s, %s %%".formatted(best.label(), Percent.of(best.mean())))));
  }

  /** Table 9: a larger model. */
  public static Exhibit table9(Study study, ModelFamily large, PaperTables paper) {
    Map<String, AnswerSheet> rows = study.byKey(rows(large));
    return new Exhibit(
        "table9",
        "A larger model: " + large.title(),
        table(large.title(), rows.values()),
        plain(paper.table("table9")),
        findings(large, rows));
  }

  /** Steps after which the long fine-tunings of {@link #steps} were kept, the last their end. */
  public static final List<Integer> STEPS = List.of(15, 45, 120, 400, 1600);

  /**
   * Appendix B.1: how long experts were fine-tuned, and what merging makes of them.
   *
   * @param models the folder of the family's models, which holds those of earlier steps
   */
  public static Exhibit steps(Study study, ModelFamily family, Path models) {
    List<Wanted> wanted = new ArrayList<>(List.of(family.singles().get(0)));
    List<Integer> optMerges = new ArrayList<>();
    for (int steps : STEPS) {
      String behind = steps == STEPS.get(STEPS.size() - 1) ? "" : "-" + steps;
      List<String> experts = new ArrayList<>();
      for (MiniTask task : List.of(MiniTask.VQA, MiniTask.OCR)) {
        Path expert = models.resolve("long-%s%s".formatted(task.key(), behind));
        experts.add(expert.toAbsolutePath().toString());
        wanted.add(
            new Single(
                family,
                "long-%s-%d".formatted(task.key(), steps),
                "Expert %s, %d steps".formatted(task.label(), steps),
                expert));
      }
      for (String method : List.of(StudyMerge.TASK_ARITHMETIC, "optmerge-full-rel")) {
        if (!method.equals(StudyMerge.TASK_ARITHMETIC)) {
          optMerges.add(wanted.size());
        }
        wanted.add(
            new Merged(
                family,
                new StudyMerge(
                    "%s-vqa-ocr-%d".formatted(method, steps),
                    "%s of VQA and OCR, %d steps".formatted(method, steps),
                    method,
                    ""),
                experts));
      }
    }
    List<AnswerSheet> rows = study.rows(wanted);
    List<Double> merged =
        optMerges.stream()
            .map(rows::get)
            .map(
                row ->
                    (row.accuracy(MiniTask.VQA.label()) + row.accuracy(MiniTask.OCR.label())) / 2)
            .toList();
    int most = merged.indexOf(merged.stream().max(Comparator.naturalOrder()).orElseThrow());
    return new Exhibit(
        "appB1",
        "Fine-tuning steps against merging: " + family.title(),
        table(family.title(), rows),
        null,
        List.of(
            new Finding(
                "longer fine-tuning first helps the merged model, then hurts",
                most > 0 && most < merged.size() - 1,
                "mean of VQA and OCR after %s steps: %s %%"
                    .formatted(STEPS, merged.stream().map(Percent::of).toList()))));
  }

  /** Accuracies in percent, with the interval of their mean. */
  public static Table table(String title, Collection<AnswerSheet> rows) {
    Columns<AnswerSheet> columns =
        new Columns<>(title, List.copyOf(rows)).text(MODEL, AnswerSheet::label);
    for (MiniTask task : MiniTask.CAPABILITIES) {
      columns.percent(task.label(), row -> row.accuracy(task.label()));
    }
    return SheetTables.mean(columns)
        .percent("new skills", AnswerSheet::newSkills)
        .number(
            COMBINED,
            row ->
                row.right().containsKey(COMBINED) ? (Double) (100 * row.accuracy(COMBINED)) : null)
        .number("λ", AnswerSheet::scaling)
        .table();
  }

  /** A published table by capability: the mean of the data sets of each. */
  static Table published(PaperTable published, PaperTables paper) {
    Columns<PaperTables.Row> columns =
        new Columns<>(title(published), published.rows()).text(MODEL, PaperTables.Row::name);
    paper.groups().forEach((group, of) -> columns.number(group, row -> row.mean(of)));
    return columns.number("average as printed", row -> row.average().orElse(Double.NaN)).table();
  }

  private static Table plain(PaperTable published) {
    return SheetTables.published(published, title(published), MODEL, false);
  }

  private static String title(PaperTable published) {
    return "%s: %s".formatted(published.name(), published.title());
  }

  private static List<Finding> findings(ModelFamily family, Map<String, AnswerSheet> rows) {
    String prefix = family.name() + "/";
    List<Finding> findings = new ArrayList<>();
    AnswerSheet base = row(rows, prefix + Study.BASE);
    List<AnswerSheet> singles = new ArrayList<>(List.of(base));
    double gain = Double.POSITIVE_INFINITY;
    double own = 0;
    for (String group : family.experts().keySet()) {
      AnswerSheet expert = row(rows, prefix + ModelFamily.expertKey(group));
      singles.add(expert);
      gain = Math.min(gain, expert.accuracy(group) - base.accuracy(group));
      own += expert.accuracy(group) / family.experts().size();
    }
    findings.add(
        new Finding(
            "every expert gains at least 20 points on its own task",
            gain >= 0.2,
            "the least gain is %s points".formatted(Percent.of(gain))));

    List<AnswerSheet> ofPaper =
        StudyMerge.ofPaper(family.adapters()).stream()
            .map(merge -> row(rows, prefix + merge.key()))
            .toList();
    double best = best(singles).mean();
    List<String> below =
        ofPaper.stream().filter(row -> row.mean() <= best).map(AnswerSheet::label).toList();
    findings.add(
        new Finding(
            "every merging method of the paper beats the base and every single expert",
            below.isEmpty(),
            below.isEmpty()
                ? "the best single model has %s %%".formatted(Percent.of(best))
                : "not above the best single model's %s %%: %s"
                    .formatted(Percent.of(best), String.join(", ", below))));

    AnswerSheet arithmetic = row(rows, prefix + StudyMerge.TASK_ARITHMETIC);
    List<AnswerSheet> spectral =
        Stream.of(
                List.of("tsv"),
                List.of("wudi", "swudi"),
                merges(family).stream()
                    .filter(StudyMerge::isOptMerge)
                    .map(StudyMerge::key)
                    .toList())
            .map(any -> best(any.stream().map(key -> row(rows, prefix + key)).toList()))
            .toList();
    for (SheetTables.Compared one : SheetTables.against(arithmetic, spectral)) {
      findings.add(
          new Finding(
              "%s beats task arithmetic with an interval that excludes zero"
                  .formatted(one.row().label()),
              one.isBetter(),
              one.text()));
    }

    AnswerSheet winner = best(rows.values().stream().filter(row -> row.scaling() != null).toList());
    double closed = (winner.mean() - base.mean()) / (own - base.mean());
    findings.add(
        new Finding(
            "the best merge closes at least 60 % of the gap between the base and the experts' own tasks",
            closed >= 0.6,
            "%s: %s of %s points, %s %%"
                .formatted(
                    winner.label(),
                    Percent.of(winner.mean() - base.mean()),
                    Percent.of(own - base.mean()),
                    Percent.of(closed))));
    AnswerSheet optMerge = row(rows, prefix + StudyMerge.OPTMERGE);
    AnswerSheet bestOfPaper = best(ofPaper);
    findings.add(
        new Finding(
            "OptMerge as published is the best method of the paper",
            ofPaper.stream().allMatch(row -> row.mean() <= optMerge.mean()),
            "OptMerge %s %%, best: %s %s %%"
                .formatted(
                    Percent.of(optMerge.mean()),
                    bestOfPaper.label(),
                    Percent.of(bestOfPaper.mean()))));
    Difference toMixture = difference(winner, row(rows, prefix + Study.MIXTURE));
    findings.add(
        new Finding(
            "the best merge reaches mixture training",
            toMixture.interval().upper() >= 0,
            "%s − mixture: %s".formatted(winner.label(), differenceWithNoise(toMixture))));
    return findings;
  }
}
