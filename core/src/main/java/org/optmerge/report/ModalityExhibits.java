package org.optmerge.report;

import static org.optmerge.report.SheetTables.difference;
import static org.optmerge.report.SheetTables.row;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Percent;
import org.optmerge.benchmark.mini.stage.StageCeilings;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.Grouping;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Presentation;
import org.optmerge.evaluation.Study;
import org.optmerge.evaluation.Study.Composed;
import org.optmerge.evaluation.Study.Merged;
import org.optmerge.evaluation.Study.Single;
import org.optmerge.evaluation.Study.Wanted;
import org.optmerge.evaluation.StudyMerge;
import org.optmerge.model.OnlineComposition;
import org.optmerge.report.Exhibit.Finding;
import org.optmerge.report.PaperTables.PaperTable;
import tech.tablesaw.api.Table;

/** Tables of modality merging on the miniature, beside the published ones. */
@API(status = API.Status.EXPERIMENTAL)
public final class ModalityExhibits {
  /** The folder of the rows of the shipped models, from the top of the project. */
  public static final String RECORDED = "notebooks/results/modality";

  private static final double TEXT_GOAL = 0.9;

  /** The methods that the paper's claim is tested with. */
  private static final List<String> CLAIMED =
      List.of("tsv", StudyMerge.TASK_ARITHMETIC, StudyMerge.OPTMERGE);

  private ModalityExhibits() {}

  /** Recorded rows of each seed by key, in order; none outside of a clone of the project. */
  public static List<Map<String, AnswerSheet>> recordedSeeds() {
    return SheetTables.recordedSeeds(RECORDED);
  }

  /** The language model alone, told everything in words: what can be hoped for. */
  public static Single words(ModelFamily family) {
    return new Single(
        family,
        Study.BASE,
        "Facts in words",
        family.base(),
        new Presentation(Presentation.Form.WORDS));
  }

  /** The language model with every connector and no adapter. */
  public static Single unmerged(ModelFamily family) {
    return new Single(family, Study.BASE, "No adapter", family.base());
  }

  /** One modality's model, given some modalities. */
  public static Single single(
      ModelFamily family, StageModality modality, Set<StageModality> given) {
    String key = modality.key();
    return new Single(
        family,
        ModelFamily.expertKey(key),
        Character.toUpperCase(key.charAt(0)) + key.substring(1),
        family.experts().getOrDefault(key, family.base()),
        Presentation.given(given));
  }

  /** A merge of some modalities' models, given these. */
  public static Merged merged(ModelFamily family, StudyMerge merge, Set<StageModality> modalities) {
    List<String> experts =
        family.experts().entrySet().stream()
            .filter(
                expert -> modalities.stream().anyMatch(one -> one.key().equals(expert.getKey())))
            .map(expert -> family.reference(expert.getValue()))
            .toList();
    return new Merged(family, merge, experts, Presentation.given(modalities));
  }

  /** All rows, in the order of tables. */
  public static List<Wanted> rows(ModelFamily family) {
    Set<StageModality> everything = EnumSet.allOf(StageModality.class);
    Map<String, Wanted> rows = new LinkedHashMap<>();
    List<Wanted> all = new ArrayList<>(List.of(words(family)));
    StageModality.ALL.forEach(one -> all.add(single(family, one, EnumSet.of(one))));
    all.add(unmerged(family));
    StageModality.ALL.forEach(one -> all.add(single(family, one, everything)));
    CapabilityExhibits.merges(family).forEach(merge -> all.add(merged(family, merge, everything)));
    StudyMerge.ablation().forEach(merge -> all.add(merged(family, merge, everything)));
    for (OnlineComposition.Mode mode : OnlineComposition.Mode.values()) {
      all.add(composed(family, mode));
    }
    for (String method : List.of(StudyMerge.TASK_ARITHMETIC, "tsv", StudyMerge.OPTMERGE)) {
      StudyMerge merge =
          CapabilityExhibits.merges(family).stream()
              .filter(one -> one.key().equals(method))
              .findFirst()
              .orElseThrow();
      all.add(merged(family, merge, EnumSet.of(StageModality.VISION, StageModality.AUDIO)));
      all.add(merged(family, merge, EnumSet.of(StageModality.AUDIO, StageModality.VIDEO)));
      all.add(merged(family, merge, EnumSet.of(StageModality.VISION, StageModality.VIDEO)));
    }
    all.forEach(wanted -> rows.putIfAbsent(wanted.key(), wanted));
    return List.copyOf(rows.values());
  }

  private static Composed composed(ModelFamily family, OnlineComposition.Mode mode) {
    return new Composed(family, mode == OnlineComposition.Mode.NAIVE ? "NaiveMC" : "DAMC", mode);
  }

  /** Table 5: single modalities, all three merged, pairs, and online composition. */
  public static Exhibit table5(Study study, ModelFamily family, PaperTables paper) {
    Map<String, AnswerSheet> rows = study.byKey(rows(family));
    return new Exhibit(
        "table5",
        "Table 5: merging modalities",
        table(rows.values()),
        published(paper.table("table5")),
        findings(family, rows));
  }

  /** The second half of table 4: from WUDI to OptMerge with modalities. */
  public static Exhibit table4(Study study, ModelFamily family, PaperTables paper) {
    Set<StageModality> everything = EnumSet.allOf(StageModality.class);
    List<AnswerSheet> steps = new ArrayList<>();
    List<Finding> findings = new ArrayList<>();
    for (AnswerSheet row :
        study.rows(
            StudyMerge.ablation().stream()
                .map(merge -> merged(family, merge, everything))
                .toList())) {
      if (!steps.isEmpty()) {
        AnswerSheet before = steps.get(steps.size() - 1);
        Difference difference = difference(row, before);
        findings.add(
            new Finding(
                "'%s' is above '%s' with an interval that excludes zero"
                    .formatted(row.label(), before.label()),
                difference.interval().lower() > 0,
                SheetTables.text(difference)));
      }
      steps.add(row);
    }
    return new Exhibit(
        "table4-vicuna",
        "Table 4, Vicuna: from WUDI to OptMerge with modalities",
        table(steps),
        published(paper.table("table4")),
        findings);
  }

  /**
   * Modality merging as the mean over several seeds of the whole training.
   *
   * @param seeds rows by key, as {@link #recordedSeeds} gives them
   * @throws IllegalArgumentException if a row that findings need is missing in one of them
   */
  public static Exhibit seeds(ModelFamily family, List<Map<String, AnswerSheet>> seeds) {
    Map<String, AnswerSheet> means = SheetTables.means(rows(family), seeds);
    return new Exhibit(
        "seeds-" + family.name(),
        "Merging modalities, mean of %d seeds".formatted(seeds.size()),
        SheetTables.seeds(family, seeds, means),
        null,
        findings(family, means));
  }

  /** The ceilings of questions of several modalities: what the best guess of fewer would get. */
  public static Table ceilings() {
    record Ceilings(StageQuestionType type, Map<Set<StageModality>, Double> best) {}
    Columns<Ceilings> columns =
        new Columns<>(
                "Best guess of a part of the modalities, %",
                StageQuestionType.ALL.stream()
                    .filter(StageQuestionType::isCrossModal)
                    .map(type -> new Ceilings(type, StageCeilings.of(type)))
                    .toList())
            .text("question", ceilings -> ceilings.type.key())
            .text("aspect", ceilings -> ceilings.type.aspect())
            .number("nothing", ceilings -> percent(ceilings.best.get(Set.of())));
    for (StageModality modality : StageModality.ALL) {
      columns.number(modality.key(), ceilings -> percent(ceilings.best.get(Set.of(modality))));
    }
    return columns
        .percent(
            "best pair",
            ceilings ->
                ceilings.best.entrySet().stream()
                    .filter(one -> one.getKey().size() == 2)
                    .mapToDouble(Map.Entry::getValue)
                    .max()
                    .orElse(0))
        .table();
  }

  /**
   * One line a row: the groups of questions, their mean, and the questions of one modality each.
   */
  public static Table table(Collection<AnswerSheet> rows) {
    Columns<AnswerSheet> columns =
        new Columns<>("Modality merging, %", List.copyOf(rows))
            .text("model", AnswerSheet::label)
            .text(
                "given",
                row ->
                    row.given().size() == StageModality.ALL.size()
                        ? "all"
                        : String.join("+", row.given()));
    Grouping.MODALITIES
        .averaged(List.of())
        .forEach((name, types) -> columns.percent(name, row -> row.accuracy(types)));
    SheetTables.mean(columns);
    for (StageModality modality : StageModality.ALL) {
      columns.number(
          modality.key(),
          row -> row.given().contains(modality.key()) ? percent(own(row, modality)) : null);
    }
    return columns
        .number("λ", AnswerSheet::scaling)
        .number("ms", AnswerSheet::milliseconds)
        .table();
  }

  private static @Nullable Double percent(@Nullable Double share) {
    return share == null ? null : (Double) (100 * share);
  }

  /** Share of right answers among the questions that need one modality. */
  public static double own(AnswerSheet row, StageModality modality) {
    return row.accuracy(Grouping.needing(EnumSet.of(modality)));
  }

  private static Table published(PaperTable published) {
    return SheetTables.published(published, published.title(), "model", true);
  }

  private static List<Finding> findings(ModelFamily family, Map<String, AnswerSheet> rows) {
    Set<StageModality> everything = EnumSet.allOf(StageModality.class);
    List<Finding> findings = new ArrayList<>();
    AnswerSheet words = row(rows, words(family).key());
    findings.add(
        new Finding(
            "told in words, the language model answers at least 90 % of the questions",
            words.mean() >= TEXT_GOAL,
            Percent.of(words.mean()) + " %"));
    List<AnswerSheet> singles =
        StageModality.ALL.stream()
            .map(one -> row(rows, single(family, one, EnumSet.of(one)).key()))
            .toList();
    AnswerSheet best = SheetTables.best(singles);
    AnswerSheet chosen = AnswerSheet.bestOfEachGroup("best of each type", singles);
    AnswerSheet unmerged = row(rows, unmerged(family).key());
    List<AnswerSheet> claimed =
        CLAIMED.stream().map(key -> row(rows, family.name() + "/" + key)).toList();
    List<List<Finding>> above =
        List.of(
            above(claimed, best, "the best single modality, " + best.label()),
            above(claimed, chosen, "the best single modality of each type of question"),
            above(claimed, unmerged, "the language model with all connectors, not merged"));
    for (int i = 0; i < claimed.size(); i++) {
      for (List<Finding> one : above) {
        findings.add(one.get(i));
      }
    }
    List<AnswerSheet> connected = new ArrayList<>(List.of(unmerged));
    StageModality.ALL.forEach(
        one -> connected.add(row(rows, single(family, one, everything).key())));
    AnswerSheet strict = SheetTables.best(connected);
    findings.addAll(
        above(claimed, strict, "the best single adapter with all connectors, " + strict.label()));
    for (AnswerSheet merged : claimed) {
      List<String> losses = new ArrayList<>();
      double most = 0;
      for (int i = 0; i < singles.size(); i++) {
        StageModality one = StageModality.ALL.get(i);
        double loss = own(singles.get(i), one) - own(merged, one);
        most = Math.max(most, loss);
        losses.add("%s %s".formatted(singles.get(i).label(), Percent.of(loss)));
      }
      findings.add(
          new Finding(
              "%s, given everything, loses at most 10 points on the questions of each modality"
                  .formatted(merged.label()),
              most <= 0.1,
              "loss: " + String.join(", ", losses)));
    }
    for (OnlineComposition.Mode mode : OnlineComposition.Mode.values()) {
      AnswerSheet online = row(rows, composed(family, mode).key());
      findings.addAll(
          above(claimed.subList(0, 1), online, online.label() + ", which keeps all adapters"));
    }
    return findings;
  }

  /** Whether rows are above another, corrected for how many they are. */
  private static List<Finding> above(List<AnswerSheet> rows, AnswerSheet other, String what) {
    return SheetTables.against(other, rows).stream()
        .map(
            one ->
                new Finding(
                    "%s beats %s with an interval that excludes zero"
                        .formatted(one.row().label(), what),
                    one.isBetter(),
                    SheetTables.text(one.difference())))
        .toList();
  }

  /**
   * The row beside a row of the paper's table 5: a single modality with its own input, anything
   * else with all three.
   *
   * @param printed the name in the paper's table
   * @throws IllegalArgumentException if there is none
   */
  public static AnswerSheet claimed(Study study, ModelFamily family, String printed) {
    return rows(family).stream()
        .filter(wanted -> wanted.label().equals(printed))
        .map(study::row)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no row '%s'".formatted(printed)));
  }
}
