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

  /** Table 10: questions that need two abilities, which no expert was trained on. */
  public static Exhibit table10(Study study, ModelFamily family, PaperTables paper) {
    List<Single> singles = family.singles();
    List<StudyMerge> merges =
        merges(family).stream()
            .filter(merge -> merge.isOptMerge() || merge.key().equals(StudyMerge.TASK_ARITHMETIC))
            .toList();
    List<Wanted> wanted = new ArrayList<>(singles);
    merges.forEach(merge -> wanted.add(new Merged(family, merge)));
    List<AnswerSheet> rows = study.rows(wanted);
    List<AnswerSheet> experts = new ArrayList<>();
    List<AnswerSheet> merged = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      if (i >= singles.size()) {
        if (merges.get(i - singles.size()).isOptMerge()) {
          merged.add(rows.get(i));
        }
      } else if (family.experts().containsValue(singles.get(i).model())) {
        experts.add(rows.get(i));
      }
    }
    Comparator<AnswerSheet> combined = Comparator.comparingDouble(row -> row.accuracy(COMBINED));
    AnswerSheet expert = experts.stream().max(combined).orElseThrow();
    AnswerSheet merge = merged.stream().max(combined).orElseThrow();
    Difference difference =
        Confidence.difference(merge.scores(COMBINED), expert.scores(COMBINED), Bootstrap.DEFAULT);
    return new Exhibit(
        "table10",
        "Questions that need two abilities: " + family.title(),
        table(family.title(), rows),
        plain(paper.table("table10")),
        List.of(
            new Finding(
                "the merged model is above every expert where two abilities are needed",
                difference.interval().lower() > 0,
                "%s − %s: %s"
                    .formatted(merge.label(), expert.label(), differenceWithNoise(difference)))));
  }

  /** Full fine-tuning (VQA, Chart, Grounding) and adapters (Geometry, OCR) of one base. */
  public static ModelFamily mixed(ModelFamily full, ModelFamily lora) {
    Map<String, Path> experts = new LinkedHashMap<>();
    full.experts()
        .forEach(
            (group, expert) ->
                experts.put(
                    group,
                    experts.size() % 2 == 0 ? expert : lora.experts().getOrDefault(group, expert)));
    return full.withExperts("independent", "Independent experts", experts);
  }

  /**
   * Table 6: experts that were not made side by side: full fine-tuning and adapters, trained for
   * different numbers of steps.
   */
  public static Exhibit table6(Study study, ModelFamily full, ModelFamily lora, PaperTables paper) {
    ModelFamily mixed = mixed(full, lora);
    List<Wanted> wanted = new ArrayList<>(List.of(full.singles().get(0)));
    List<StudyMerge> merges = merges(full);
    merges.forEach(merge -> wanted.add(new Merged(mixed, merge)));
    List<AnswerSheet> rows = study.rows(wanted);
    AnswerSheet best = best(rows);
    int place = rows.indexOf(best) - 1;
    return new Exhibit(
        "table6",
        "Experts by full fine-tuning (VQA, Chart, Grounding) and by LoRA (Geometry, OCR) together",
        table(mixed.title(), rows),
        published(paper.table("table6"), paper),
        List.of(
            new Finding(
                "OptMerge is the best method",
                place >= 0 && merges.get(place).isOptMerge(),
                "best: %s, %s %%".formatted(best.label(), Percent.of(best.mean())))));
  }

  /**
   * Appendix B.1: how long experts were fine-tuned, and what merging makes of them.
   *
   * @param models the folder of the family's models, which holds those of earlier steps
   * @param steps after which experts were kept, the last one being the end
   */
  public static Exhibit steps(Study study, ModelFamily family, Path models, List<Integer> steps) {
    List<Wanted> wanted = new ArrayList<>(List.of(family.singles().get(0)));
    List<Integer> optMerges = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      String behind = i == steps.size() - 1 ? "" : "-" + steps.get(i);
      List<String> experts = new ArrayList<>();
      for (MiniTask task : List.of(MiniTask.VQA, MiniTask.OCR)) {
        Path expert = models.resolve("expert-%s%s".formatted(task.key(), behind));
        experts.add(expert.toAbsolutePath().toString());
        wanted.add(
            new Single(
                family,
                "%s-%d".formatted(ModelFamily.expertKey(task.label()), steps.get(i)),
                "Expert %s, %d steps".formatted(task.label(), steps.get(i)),
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
                    "%s-vqa-ocr-%d".formatted(method, steps.get(i)),
                    "%s of VQA and OCR, %d steps".formatted(method, steps.get(i)),
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
                    .formatted(steps, merged.stream().map(Percent::of).toList()))));
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
