package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.base.Progress;
import org.optmerge.base.Sha256;
import org.optmerge.base.TextTable;
import org.optmerge.benchmark.Selection;
import org.optmerge.evaluation.EvaluationFolder;
import org.optmerge.evaluation.MergeSearch;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.PlanDescription;
import org.optmerge.merge.ScalingSearch;
import org.optmerge.method.scaling.MeasuredScaling;
import org.optmerge.method.scaling.ScalingRule;
import org.optmerge.model.Architecture;
import org.optmerge.model.MultimodalModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code optmerge tune}. */
@Command(
    name = "tune",
    description = {
      "Search the scaling (λ) of a merge on a benchmark or on questions of your own, in memory:"
          + " nothing is written, and the recipe's own scaling is not used.",
      "The grid is the paper's; if its largest value is the best, the search goes on above it.",
      "Of published data sets every tenth question chooses λ; 'optmerge evaluate --split test' asks"
          + " the others."
    })
final class TuneCommand extends Subcommand {
  private static final int MOST_COLUMNS = 8;

  @Mixin private RecipeSource recipe;

  @Mixin private QuestionSource source;

  @Mixin private PublishedOptions published;

  @Mixin private PrecisionOption precision;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description =
          "Write answers there as they are given, a folder for each λ, and tune.json at the end: a"
              + " search that was interrupted goes on.")
  private @Nullable Path out;

  @Option(
      names = "--force",
      description = "Replace the answers of another search that --out holds.")
  private boolean force;

  @Option(
      names = "--grid",
      split = ",",
      paramLabel = "λ",
      description = "Values to try instead, such as 0.2,0.4 (default: ${DEFAULT-VALUE}).")
  private List<Double> grid = MergeSearch.PAPER_GRID;

  @Override
  public Integer call() throws IOException {
    source.check();
    for (double scaling : grid) {
      if (!Double.isFinite(scaling)) {
        throw wrong("--grid: λ must be a finite number, is " + scaling);
      }
    }
    published.check(source.isPublished());
    Console console = main.console();
    try (MergePlan plan = recipe.plan(false);
        MultimodalModel model = MultimodalModel.open(plan.donor().folder(), precision.precision());
        StatusLine status = console.asking(out != null)) {
      plan.warnings().forEach(console::warning);
      QuestionSource.Chosen chosen =
          source.isPublished()
              ? published.chosen(
                  Architecture.of(plan.donor().folder()).key(),
                  source.benchmarks(),
                  source.publishedSplit(Selection.Split.VAL))
              : source.choose(model, true);
      boolean given = spec.commandLine().getParseResult().hasMatchedOption("--grid");
      MergeSearch.Outcome outcome =
          new MergeSearch(model, chosen.evaluator(), chosen.mean(), null)
              .search(
                  plan.method(),
                  plan,
                  grid.stream().sorted().collect(Collectors.toList()),
                  given ? List.of() : MergeSearch.BEYOND,
                  new Search(status, chosen, grid.size(), chosen.evaluator().size()),
                  asking(plan));
      List<MeasuredScaling> unseen = fromTheWeights(plan);
      if (out != null) {
        AtomicFiles.write(out.resolve("tune.json"), Json.pretty(json(chosen, outcome, unseen)));
      }
      console.result(
          () -> text(console, chosen, outcome, unseen), () -> json(chosen, outcome, unseen));
    }
    return 0;
  }

  /** The λ that {@code scaling: auto} finds without a question; none where weights are merged. */
  private static List<MeasuredScaling> fromTheWeights(MergePlan plan) {
    MergePlan measured =
        ScalingSearch.measured(plan.seeking(ScalingRule.AUTO), MergeOptions.DEFAULT, Progress.NONE);
    return PlanDescription.of(measured).scalings();
  }

  /** Keeps answers in a folder for each λ, if they are to be kept. */
  private MergeSearch.Asking asking(MergePlan plan) throws IOException {
    Path folder = out;
    if (folder == null) {
      return (scaling, questions, model, progress) ->
          questions.evaluate(plan.method(), model, progress);
    }
    String origin = AskedModel.origin(recipe.text(), plan);
    return (scaling, questions, model, progress) ->
        new EvaluationFolder(folder.resolve("lambda-" + scaling))
            .evaluate(
                questions,
                plan.method(),
                Sha256.of("%s, λ %s".formatted(origin, scaling)),
                model,
                force,
                progress);
  }

  /** Shows how the search goes on, and each λ as it is done. */
  private static final class Search implements MergeSearch.Listener {
    private final StatusLine status;
    private final int scalings;
    private final long questions;
    private final QuestionSource.Chosen chosen;
    private final long begin = System.nanoTime();
    private long answered;
    private int done;

    Search(StatusLine status, QuestionSource.Chosen chosen, int scalings, long questions) {
      this.status = status;
      this.chosen = chosen;
      this.scalings = scalings;
      this.questions = questions;
    }

    @Override
    public void answered(double scaling, int more) {
      answered += more;
      double seconds = (System.nanoTime() - begin) / 1e9;
      long all = Math.max(scalings, done + 1) * questions;
      double left = seconds / answered * (all - answered);
      status.show(
          () ->
              "λ = %s (%d of %d)  %d %%  %s left"
                  .formatted(
                      scaling,
                      done + 1,
                      Math.max(scalings, done + 1),
                      100 * answered / all,
                      Quantities.seconds(left)),
          () -> {
            ObjectNode event = Console.event("progress");
            event.put("scaling", scaling);
            event.put("answered", answered);
            event.put("questions", all);
            Json.put(event, "seconds_left", left);
            return event;
          });
    }

    @Override
    public void tried(MergeSearch.Tried tried) {
      done++;
      status.say(
          "λ = %s: %s %%".formatted(tried.scaling(), Percent.of(tried.mean())),
          () -> {
            ObjectNode event = json(chosen, tried);
            event.put("event", "tried");
            return event;
          });
    }
  }

  private static List<String> text(
      Console console,
      QuestionSource.Chosen chosen,
      MergeSearch.Outcome outcome,
      List<MeasuredScaling> unseen) {
    List<String> lines = new ArrayList<>(console.lines(table(chosen, outcome)));
    lines.add("");
    if (chosen.split().isEmpty()) {
      lines.add("Metric: %s. --metric chooses another.".formatted(chosen.metric()));
    }
    lines.add("In the recipe: parameters: {scaling: %s}".formatted(outcome.best().scaling()));
    unseen.forEach(found -> lines.add("From the weights alone: %s".formatted(found)));
    return lines;
  }

  private static TextTable table(QuestionSource.Chosen chosen, MergeSearch.Outcome outcome) {
    TextTable table = new TextTable().right("λ");
    List<String> parts = List.copyOf(accuracies(chosen, outcome.best()).keySet());
    // More columns than these are no table that can be read.
    List<String> shown = parts.size() > MOST_COLUMNS ? List.of() : parts;
    shown.forEach(part -> table.right(part + " %"));
    table.right("mean %").left("");
    for (MergeSearch.Tried tried : outcome.tried()) {
      List<String> cells = new ArrayList<>(List.of(Double.toString(tried.scaling())));
      Map<String, Double> accuracies = accuracies(chosen, tried);
      shown.forEach(part -> cells.add(Percent.of(accuracies.getOrDefault(part, Double.NaN))));
      cells.add(Percent.of(tried.mean()));
      cells.add(tried == outcome.best() ? "best" : "");
      table.row(cells);
    }
    return table;
  }

  /** The mean score of each group that the mean is over. */
  private static Map<String, Double> accuracies(
      QuestionSource.Chosen chosen, MergeSearch.Tried tried) {
    Map<String, Double> accuracies = new LinkedHashMap<>();
    Map<String, double[]> scores = tried.validation().scores(chosen.mean());
    chosen
        .mean()
        .averaged(scores.keySet())
        .keySet()
        .forEach(
            part ->
                accuracies.put(
                    part,
                    Arrays.stream(scores.getOrDefault(part, new double[0]))
                        .average()
                        .orElse(Double.NaN)));
    return accuracies;
  }

  private static ObjectNode json(
      QuestionSource.Chosen chosen, MergeSearch.Outcome outcome, List<MeasuredScaling> unseen) {
    ObjectNode node = Json.object();
    node.put("method", outcome.label());
    node.put("best", outcome.best().scaling());
    if (chosen.split().isEmpty()) {
      node.put("metric", chosen.metric());
    }
    ArrayNode tried = node.putArray("tried");
    outcome.tried().forEach(one -> tried.add(json(chosen, one)));
    if (!unseen.isEmpty()) {
      node.set("from_weights", Json.snakeCase().valueToTree(unseen.get(0)));
    }
    return node;
  }

  private static ObjectNode json(QuestionSource.Chosen chosen, MergeSearch.Tried tried) {
    ObjectNode node = Json.object();
    node.put("scaling", tried.scaling());
    node.put("mean", tried.mean());
    accuracies(chosen, tried).forEach((part, mean) -> node.put(chosen.key(part), mean));
    return node;
  }
}
