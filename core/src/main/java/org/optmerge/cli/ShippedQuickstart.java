package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Examination;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import org.optmerge.evaluation.Study.Wanted;
import org.optmerge.evaluation.StudyMerge;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.report.CapabilityExhibits;
import org.optmerge.report.PaperFigures;
import org.optmerge.report.Plots;
import org.optmerge.report.Tables;
import tech.tablesaw.api.Table;

/**
 * The quickstart on the miniature: the shipped experts merged with every method of the paper, each
 * with the λ that is best on the validation split, judged on the test split, and the best of them
 * written to disk.
 *
 * @param models the folder with one folder for each model
 * @param chosen methods as recipes name them; empty: all of the paper and the scale-aware ones
 * @param out where everything is written
 */
record ShippedQuickstart(
    Path models, List<String> chosen, int validation, int test, int threads, Path out) {

  private static final Tables.Format FORMAT = Tables.Format.DEFAULT.decimals(1).largest("mean");

  /** The results. */
  private record Outcome(
      List<AnswerSheet> rows,
      Map<AnswerSheet, StudyMerge> merges,
      AnswerSheet best,
      List<Path> written) {}

  /** The methods that can be chosen, as recipes name them. */
  static List<String> methods(ModelFamily family) {
    return CapabilityExhibits.merges(family).stream().map(StudyMerge::method).toList();
  }

  void run(Console console) throws IOException {
    ModelFamily family = ModelFamily.of("full", models);
    List<Wanted> wanted =
        CapabilityExhibits.rows(family).stream()
            .filter(
                one ->
                    !(one instanceof Study.Merged merged)
                        || chosen.isEmpty()
                        || chosen.contains(merged.merge().method()))
            .toList();
    Files.createDirectories(out);
    Outcome outcome;
    try (StatusLine status = console.status()) {
      Study study =
          new Study(
              out.resolve("rows.json"),
              Map.of(),
              Examination.capabilities(validation, test),
              new StudyProgress(status, ""));
      List<AnswerSheet> rows = study.rows(wanted);
      Map<AnswerSheet, StudyMerge> merges = new IdentityHashMap<>();
      for (int i = 0; i < rows.size(); i++) {
        if (wanted.get(i) instanceof Study.Merged merged) {
          merges.put(rows.get(i), merged.merge());
        }
      }
      AnswerSheet best =
          rows.stream()
              .filter(merges::containsKey)
              .max(Comparator.comparingDouble(AnswerSheet::mean))
              .orElseThrow();
      outcome = new Outcome(rows, merges, best, write(family, merges, rows, best));
    }
    console.result(() -> text(outcome), () -> json(outcome));
  }

  private List<Path> write(
      ModelFamily family,
      Map<AnswerSheet, StudyMerge> merges,
      List<AnswerSheet> rows,
      AnswerSheet best)
      throws IOException {
    Path recipes = Files.createDirectories(out.resolve("recipes"));
    for (AnswerSheet row : rows) {
      StudyMerge merge = merges.get(row);
      if (merge != null && row.scaling() != null) {
        Files.writeString(
            recipes.resolve(fileName(merge)),
            merge.recipe(family.base(), family.recipeModels(), row.scaling(), 0));
      }
    }
    StudyMerge winner = merges.get(best);
    if (winner == null) {
      throw new IllegalStateException("the best of the merges is one of them");
    }
    Path recipe = recipes.resolve(fileName(winner));
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe))) {
      MergeOptions options =
          MergeOptions.DEFAULT.withThreads(threads).withFlags(MergeOptions.Flag.FORCE);
      Merger.run(plan, out.resolve("best"), options, Progress.NONE);
    }
    Path table = out.resolve("table.md");
    Files.writeString(
        table,
        "# Five experts merged, on the miniature%n%n%s%n%s%n"
            .formatted(Tables.markdown(table(rows), FORMAT), String.join("\n", notes())));
    Path means = out.resolve("means.png");
    Plots.savePng(PaperFigures.means("Five experts merged into one model", rows), means);
    Path accuracies = out.resolve("accuracies.png");
    Plots.savePng(PaperFigures.accuracies("What each merge can do", rows), accuracies);
    Path scalings = out.resolve("scalings.png");
    Plots.savePng(
        PaperFigures.scalings("How far to go along the merged task vector", rows), scalings);
    return List.of(recipe, out.resolve("best"), table, means, accuracies, scalings);
  }

  private static String fileName(StudyMerge merge) {
    return merge.method() + ".yaml";
  }

  private static Table table(List<AnswerSheet> rows) {
    Table table = CapabilityExhibits.table("Five experts merged", rows);
    table.removeColumns("new skills"); // it belongs to the other family
    return table;
  }

  private List<String> notes() {
    return List.of(
        "Accuracy in percent; λ chosen by %d questions of each task, judged by %d others."
            .formatted(validation, test),
        "Combined: questions that need two abilities at once, which no model was trained on.");
  }

  private List<String> text(Outcome outcome) {
    List<String> lines =
        new ArrayList<>(Tables.text(table(outcome.rows()), FORMAT).lines().toList());
    lines.add("");
    lines.addAll(notes());
    if (test < Examination.TEST) {
      lines.add(
          "This is the quick form. All of the benchmark: --validation-size %d --test-size %d."
              .formatted(Examination.VALIDATION, Examination.TEST));
    }
    lines.add("");
    lines.add(
        "Best merge: %s, λ = %s. Written to %s:"
            .formatted(outcome.best().label(), outcome.best().scaling(), out));
    lines.add("  best/  the merged model, with optmerge.json saying how it was made");
    lines.add("  recipes/*.yaml, to change and run again: optmerge merge RECIPE --out DIR");
    lines.add("  table.md, means.png, accuracies.png, scalings.png");
    lines.add("  rows.json, every answer right or wrong: what is known is not computed again");
    return lines;
  }

  private ObjectNode json(Outcome outcome) {
    ObjectNode node = Json.object();
    node.put("validation_size", validation);
    node.put("test_size", test);
    var rows = node.putArray("rows");
    for (AnswerSheet row : outcome.rows()) {
      ObjectNode one = rows.addObject();
      one.put("label", row.label());
      StudyMerge merge = outcome.merges().get(row);
      if (merge != null) {
        one.put("method", merge.method());
        one.put("scaling", row.scaling());
        Json.put(one, "validation", row.curve());
      }
      Interval interval = Bootstrap.DEFAULT.mean(row.averaged());
      one.put("mean", interval.mean());
      one.putArray("interval").add(interval.lower()).add(interval.upper());
      ObjectNode tasks = one.putObject("tasks");
      for (MiniTask task : MiniTask.values()) {
        tasks.put(task.key(), row.accuracy(task.label()));
      }
    }
    node.put("best", outcome.best().label());
    Json.put(node, "written", outcome.written());
    return node;
  }
}
