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

  /** OptMerge with the constants that are published for full fine-tuning. */
  private static final StudyMerge FULL =
      StudyMerge.published("OptMerge, Adam 1e-5 (full)", "optmerge-full");

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
    all.add(merged(family, FULL, everything));
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

  static Composed composed(ModelFamily family, OnlineComposition.Mode mode) {
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
        ModalityFindings.of(family, rows).findings());
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
        ModalityFindings.of(family, means).findings());
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

  /** Differences of each merge to each control, and what it loses on each modality's questions. */
  public static Table controls(ModelFamily family, Map<String, AnswerSheet> rows) {
    return ModalityFindings.of(family, rows).table();
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
