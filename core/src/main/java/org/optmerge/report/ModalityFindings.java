package org.optmerge.report;

import static org.optmerge.report.SheetTables.row;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.optmerge.base.Percent;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import org.optmerge.model.OnlineComposition;
import org.optmerge.report.Exhibit.Finding;
import org.optmerge.report.SheetTables.Compared;
import tech.tablesaw.api.Table;

/**
 * Merges of modalities against what needs no merge, on questions of several modalities, which no
 * model was trained on.
 *
 * @param words the language model, told everything in words
 * @param own each modality's model with its own input
 * @param alone what a single adapter, or none, does with everything that a merge is given
 * @param online compositions that keep every adapter
 * @param merges of all three, given everything
 */
record ModalityFindings(
    AnswerSheet words,
    Map<StageModality, AnswerSheet> own,
    Map<String, AnswerSheet> alone,
    Map<String, AnswerSheet> online,
    List<AnswerSheet> merges) {
  private static final double TEXT_GOAL = 0.9;
  private static final double LOSS = 0.1;

  /**
   * Of the rows of a study.
   *
   * @throws IllegalArgumentException if one is missing
   */
  static ModalityFindings of(ModelFamily family, Map<String, AnswerSheet> rows) {
    Set<StageModality> everything = EnumSet.allOf(StageModality.class);
    Map<StageModality, AnswerSheet> own = new LinkedHashMap<>();
    Map<String, AnswerSheet> alone = new LinkedHashMap<>();
    alone.put("No adapter", row(rows, ModalityExhibits.unmerged(family).key()));
    for (StageModality one : StageModality.ALL) {
      own.put(one, row(rows, ModalityExhibits.single(family, one, EnumSet.of(one)).key()));
      Study.Single given = ModalityExhibits.single(family, one, everything);
      alone.put(given.label(), row(rows, given.key()));
    }
    Map<String, AnswerSheet> online = new LinkedHashMap<>();
    for (OnlineComposition.Mode mode : OnlineComposition.Mode.values()) {
      AnswerSheet sheet = row(rows, ModalityExhibits.composed(family, mode).key());
      online.put(sheet.label(), sheet);
    }
    List<AnswerSheet> merges = new ArrayList<>();
    for (Study.Wanted wanted : ModalityExhibits.rows(family)) {
      if (wanted instanceof Study.Merged && wanted.presentation().given().equals(everything)) {
        merges.add(row(rows, wanted.key()));
      }
    }
    return new ModalityFindings(
        row(rows, ModalityExhibits.words(family).key()), own, alone, online, merges);
  }

  /** What merges are compared with, by what it is called. */
  Map<String, AnswerSheet> controls() {
    List<AnswerSheet> singles = List.copyOf(own.values());
    List<AnswerSheet> adapters = List.copyOf(alone.values());
    Map<String, AnswerSheet> controls = new LinkedHashMap<>();
    AnswerSheet best = SheetTables.best(singles);
    controls.put(best.label() + ", own input", best);
    controls.put(
        "best of each type, own input", AnswerSheet.bestOfEachGroup("best of each type", singles));
    alone.forEach((label, sheet) -> controls.put(label + ", all inputs", sheet));
    controls.put(
        "best of each type, all inputs",
        AnswerSheet.bestOfEachGroup("best of each type", adapters));
    controls.putAll(online);
    return controls;
  }

  /** Differences of each merge to each control, and what it loses on each modality's questions. */
  Table table() {
    Columns<AnswerSheet> columns =
        new Columns<>("Merges of modalities against what needs no merge, points", merges)
            .text("merge", AnswerSheet::label)
            .percent("mean", AnswerSheet::mean);
    controls()
        .forEach(
            (label, control) -> {
              Map<String, String> texts = new LinkedHashMap<>();
              SheetTables.against(control, merges)
                  .forEach(one -> texts.put(one.row().label(), one.text()));
              columns.text(label, merge -> texts.getOrDefault(merge.label(), ""));
            });
    for (StageModality modality : StageModality.ALL) {
      columns.number("loss " + modality.key(), merge -> 100 * loss(merge, modality));
    }
    return columns.table();
  }

  private double loss(AnswerSheet merge, StageModality modality) {
    AnswerSheet single = own.getOrDefault(modality, words);
    return ModalityExhibits.own(single, modality) - ModalityExhibits.own(merge, modality);
  }

  List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    findings.add(
        new Finding(
            "told in words, the language model answers at least 90 % of these questions",
            words.mean() >= TEXT_GOAL, Percent.of(words.mean()) + " %"));
    StageQuestionType hardest = StageQuestionType.COLOUR;
    for (StageQuestionType type : StageQuestionType.ALL) {
      hardest = words.accuracy(type.key()) < words.accuracy(hardest.key()) ? type : hardest;
    }
    findings.add(
        new Finding(
            "told in words, it answers at least 90 % of every kind",
            words.accuracy(hardest.key()) >= TEXT_GOAL,
            "least: %s, %s %%"
                .formatted(hardest.key(), Percent.of(words.accuracy(hardest.key())))));
    List<String> beatAll = new ArrayList<>(merges.stream().map(AnswerSheet::label).toList());
    for (Map.Entry<String, AnswerSheet> control : controls().entrySet()) {
      List<Compared> compared = SheetTables.against(control.getValue(), merges);
      List<String> better =
          compared.stream().filter(Compared::isBetter).map(one -> one.row().label()).toList();
      Compared top = compared.get(merges.indexOf(SheetTables.best(merges)));
      findings.add(
          new Finding(
              "a merge beats '%s' with an interval that excludes zero".formatted(control.getKey()),
              !better.isEmpty(),
              "%d of %d do; %s %s"
                  .formatted(better.size(), merges.size(), top.row().label(), top.text())));
      if (!online.containsKey(control.getKey())) {
        beatAll.retainAll(better);
      }
    }
    findings.add(
        new Finding(
            "one and the same merge beats every control that keeps one adapter or none",
            !beatAll.isEmpty(),
            beatAll.isEmpty() ? "none does" : String.join(", ", beatAll)));
    AnswerSheet best = SheetTables.best(merges);
    List<String> losses = new ArrayList<>();
    double most = 0;
    for (StageModality modality : StageModality.ALL) {
      double loss = loss(best, modality);
      most = Math.max(most, loss);
      losses.add(String.format(Locale.ROOT, "%s %.1f", modality.key(), 100 * loss));
    }
    findings.add(
        new Finding(
            "%s, given everything, loses at most 10 points on the questions of each modality"
                .formatted(best.label()),
            most <= LOSS,
            "loss: " + String.join(", ", losses)));
    return findings;
  }
}
