package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.MergeSearch;
import org.optmerge.evaluation.MiniEvaluator;
import org.optmerge.evaluation.MiniResult;
import org.optmerge.merge.MergePlan;
import org.optmerge.model.InternVL;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code optmerge tune}. */
@Command(
    name = "tune",
    description = {
      "Search the scaling (λ) of a merge on a benchmark, in memory: nothing is written, and the"
          + " recipe's own scaling is not used.",
      "The grid is the paper's; if its largest value is the best, the search goes on above it."
    })
final class TuneCommand implements Callable<Integer> {
  /** For completion. */
  static final class Benchmarks implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return List.of("mini").iterator();
    }
  }

  @ParentCommand private Main main;
  @Spec private CommandSpec spec;

  @Mixin private RecipeSource recipe;

  @Option(
      names = "--benchmark",
      paramLabel = "NAME",
      completionCandidates = Benchmarks.class,
      description = "What to be good at (default: ${DEFAULT-VALUE}, the only one so far).")
  private String benchmark = "mini";

  @Option(
      names = "--split",
      paramLabel = "NAME",
      completionCandidates = EvaluateCommand.Splits.class,
      description = "Which questions decide (default: ${DEFAULT-VALUE}).")
  private String split = MiniSplit.VALIDATION.key();

  @Option(
      names = "--grid",
      split = ",",
      paramLabel = "λ",
      description = "Values to try instead, such as 0.2,0.4 (default: ${DEFAULT-VALUE}).")
  private List<Double> grid = MergeSearch.PAPER_GRID;

  @Option(
      names = "--count",
      paramLabel = "N",
      description = "Questions of each task (default: ${DEFAULT-VALUE}).")
  private int count = MiniSplit.VALIDATION.size();

  @Option(
      names = "--form",
      paramLabel = "FORM",
      description =
          "How the questions are put: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Dialogue.Form form = Dialogue.Form.QUESTION;

  @Override
  public Integer call() {
    if (!benchmark.equals("mini")) {
      throw wrong("no benchmark '%s' to tune on; there is mini".formatted(benchmark));
    }
    if (count < 1) {
      throw wrong("--count must be at least 1, is %d".formatted(count));
    }
    MiniSplit from;
    try {
      from = EvaluateCommand.split(split);
    } catch (IllegalArgumentException e) {
      throw wrong(String.valueOf(e.getMessage()));
    }
    Console console = main.console();
    try (MergePlan plan = recipe.plan();
        InternVL model = InternVL.open(plan.donor().folder());
        StatusLine status = console.status()) {
      MiniEvaluator evaluator = new MiniEvaluator(from, MiniTask.CAPABILITIES, count, form);
      boolean given = spec.commandLine().getParseResult().hasMatchedOption("--grid");
      MergeSearch.Outcome outcome =
          new MergeSearch(model, evaluator, null)
              .search(
                  plan.method(),
                  plan,
                  grid.stream().sorted().collect(Collectors.toList()),
                  given ? List.of() : MergeSearch.BEYOND,
                  new Search(status, grid.size(), evaluator.size()));
      console.result(() -> text(console, outcome), () -> json(outcome));
    }
    return 0;
  }

  /** Shows how the search goes on, and each λ as it is done. */
  private static final class Search implements MergeSearch.Listener {
    private final StatusLine status;
    private final int scalings;
    private final int questions;
    private final long begin = System.nanoTime();
    private long answered;
    private int done;

    Search(StatusLine status, int scalings, int questions) {
      this.status = status;
      this.scalings = scalings;
      this.questions = questions;
    }

    @Override
    public void answered(double scaling, int more) {
      answered += more;
      double seconds = (System.nanoTime() - begin) / 1e9;
      long all = Math.max(scalings, done + 1) * (long) questions;
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
            Console.put(event, "seconds_left", left);
            return event;
          });
    }

    @Override
    public void tried(MergeSearch.Tried tried) {
      done++;
      status.say(
          "λ = %s: %s %%".formatted(tried.scaling(), percent(tried.validation().mean())),
          () -> {
            ObjectNode event = json(tried);
            event.put("event", "tried");
            return event;
          });
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private static List<String> text(Console console, MergeSearch.Outcome outcome) {
    List<String> lines = new ArrayList<>(console.lines(table(outcome)));
    lines.add("");
    lines.add("In the recipe: parameters: {scaling: %s}".formatted(outcome.best().scaling()));
    return lines;
  }

  private static TextTable table(MergeSearch.Outcome outcome) {
    TextTable table = new TextTable().right("λ");
    MiniTask.CAPABILITIES.forEach(task -> table.right(task.label() + " %"));
    table.right("mean %").left("");
    for (MergeSearch.Tried tried : outcome.tried()) {
      List<String> cells = new ArrayList<>(List.of(Double.toString(tried.scaling())));
      MiniResult result = tried.validation();
      MiniTask.CAPABILITIES.forEach(task -> cells.add(percent(result.accuracy(task))));
      cells.add(percent(result.mean()));
      cells.add(tried == outcome.best() ? "best" : "");
      table.row(cells);
    }
    return table;
  }

  private static String percent(double share) {
    return "%.1f".formatted(100 * share);
  }

  private static ObjectNode json(MergeSearch.Outcome outcome) {
    ObjectNode node = Console.object();
    node.put("method", outcome.label());
    node.put("best", outcome.best().scaling());
    ArrayNode tried = node.putArray("tried");
    outcome.tried().forEach(one -> tried.add(json(one)));
    return node;
  }

  private static ObjectNode json(MergeSearch.Tried tried) {
    ObjectNode node = Console.object();
    node.put("scaling", tried.scaling());
    node.put("mean", tried.validation().mean());
    MiniTask.CAPABILITIES.forEach(task -> node.put(task.key(), tried.validation().accuracy(task)));
    return node;
  }
}
