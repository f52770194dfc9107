package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.optmerge.analysis.TaskVectorStatistics;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;
import org.optmerge.base.TextTable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergeResult;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MethodParameters;
import org.optmerge.method.MethodParameters.Kind;
import org.optmerge.method.MethodParameters.Parameter;
import org.optmerge.method.NamedMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code optmerge quickstart}: every method there is, on the same models, with its recipe.
 *
 * <p>On the shipped experts it measures ability, since there is a benchmark ({@link
 * ShippedQuickstart}); on models of one's own geometry: the cosine between what a merged model
 * changed and what each expert changed, and the length of that change.
 */
@Command(
    name = "quickstart",
    description = {
      "Merge the same models with every method there is, and compare what comes out.",
      "Without models: the five experts that are shipped, merged with every method of the paper,"
          + " each with its best λ, judged on the miniature benchmark. Leaves recipes, the best"
          + " merged checkpoint, a table and figures; started again, it goes on from what is"
          + " known.",
      "With models of your own: leaves for each method its recipe and the merged checkpoint, and a"
          + " table and a figure of how their directions compare."
    })
final class QuickstartCommand extends Subcommand {
  @Mixin private ThreadsOption threads;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "BASE",
      description = "The checkpoint that the experts were fine-tuned from.")
  private @Nullable Path givenBase;

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "EXPERT",
      description = "Fine-tuned checkpoints.")
  private List<Path> experts = List.of();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description =
          "Where everything is written (default: ${DEFAULT-VALUE}); merged checkpoints of an"
              + " earlier quickstart are replaced.")
  private Path out = Path.of("quickstart-output");

  @Option(
      names = "--methods",
      split = ",",
      paramLabel = "NAME",
      description = "Only these methods (default: all; 'optmerge methods' lists them).")
  private @Nullable List<String> methods;

  @Option(
      names = "--test-size",
      paramLabel = "N",
      description =
          "Questions of each task that judge the shipped experts' merges (default:"
              + " ${DEFAULT-VALUE}; the benchmark has 1000).")
  private int testSize = 300;

  @Option(
      names = "--validation-size",
      paramLabel = "N",
      description =
          "Questions of each task that choose λ (default: ${DEFAULT-VALUE}; the benchmark has"
              + " 250).")
  private int validationSize = 60;

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "Other models of the miniature than the shipped ones, one folder each.")
  private @Nullable Path miniature;

  /**
   * A method's result.
   *
   * @param experts how many of the experts it was given; some methods take one or two
   * @param cosines with each expert; NaN if nothing changed
   * @param length of the change, in those of the average expert
   */
  record Row(String method, int experts, List<Double> cosines, double length, MergeResult result) {
    double leastCosine() {
      return cosines.stream().mapToDouble(Double::doubleValue).min().orElse(Double.NaN);
    }

    double meanCosine() {
      return cosines.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }
  }

  @Override
  public Integer call() throws IOException {
    Console console = main.console();
    Path base = givenBase;
    if (base == null) {
      miniature(console);
      return 0;
    }
    if (experts.isEmpty()) {
      throw wrong("missing required parameter: 'EXPERT', at least one model to merge");
    }
    requireNoneOf("--test-size", "--validation-size", "--models");
    List<NamedMethod> chosen =
        (methods == null ? MergeMethods.names() : methods)
            .stream().map(name -> named(name, MergeMethods::named)).toList();
    List<String> names = DiffCommand.names(experts);
    Map<String, Checkpoint> opened = new LinkedHashMap<>();
    List<Row> rows = new ArrayList<>();
    Map<String, String> unsuited = new LinkedHashMap<>();
    List<Path> written = new ArrayList<>();
    try (Checkpoint origin = Checkpoint.open(base);
        Inputs inputs = new Inputs(opened)) {
      for (int t = 0; t < names.size(); t++) {
        opened.put(names.get(t), Checkpoint.open(experts.get(t)));
      }
      Path recipes = Files.createDirectories(out.resolve("recipes"));
      requireSpace(origin, chosen.size());
      try (ProgressLine progress = console.progress()) {
        for (NamedMethod method : chosen) {
          String step =
              "%s (%d of %d): "
                  .formatted(method.name(), rows.size() + unsuited.size() + 1, chosen.size());
          Planned planned = plan(method, base, recipes.resolve(method.name() + ".yaml"));
          if (planned.plan() == null) {
            unsuited.put(method.name(), planned.obstacle());
            continue;
          }
          rows.add(run(method.name(), planned, origin, opened, progress, step));
        }
        progress.step("").phase("drawing");
        TaskVectorStatistics learned =
            TaskVectorStatistics.of(origin, opened, name -> true, threads.count(), Progress.NONE);
        written.addAll(QuickstartReport.write(out, learned, rows));
      }
    }
    unsuited.forEach(
        (method, obstacle) -> console.notice("%s was left out: %s".formatted(method, obstacle)));
    console.result(() -> text(console, rows, written), () -> json(rows, unsuited, written));
    return 0;
  }

  private void miniature(Console console) throws IOException {
    requirePositive("--test-size", testSize);
    requirePositive("--validation-size", validationSize);
    Path folder = ShippedModels.folder(miniature, spec.commandLine());
    List<String> known = ShippedQuickstart.methods(ModelFamily.of("full", folder));
    List<String> chosen = methods == null ? List.of() : methods;
    for (String method : chosen) {
      if (!known.contains(method)) {
        throw wrong(
            "no method '%s' on the shipped experts; there are %s"
                .formatted(method, String.join(", ", known)));
      }
    }
    new ShippedQuickstart(folder, chosen, validationSize, testSize, threads.count(), out)
        .run(console);
  }

  private void requireNoneOf(String... options) {
    for (String option : options) {
      if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
        throw wrong(
            "%s belongs to the shipped experts, not to models of one's own".formatted(option));
      }
    }
  }

  /** Closes what was opened until then. */
  private record Inputs(Map<String, Checkpoint> checkpoints) implements AutoCloseable {
    @Override
    public void close() {
      checkpoints.values().forEach(Checkpoint::close);
    }
  }

  /** A plan, or why there is none. */
  private record Planned(@Nullable MergePlan plan, int experts, String obstacle) {}

  private void requireSpace(Checkpoint origin, int merges) throws IOException {
    long needed =
        Math.multiplyExact(merges, origin.tensors().stream().mapToLong(TensorInfo::bytes).sum());
    long free = Files.getFileStore(out).getUsableSpace();
    if (needed > free) {
      throw wrong(
          "%d merged checkpoints need %s, %s has %s free; choose fewer with --methods"
              .formatted(merges, Quantities.bytes(needed), out, Quantities.bytes(free)));
    }
  }

  /** With all experts, or with as many of them as the method takes. */
  private Planned plan(NamedMethod method, Path base, Path file) throws IOException {
    String obstacle = "";
    for (int count : new int[] {experts.size(), 2, 1}) {
      if (count > experts.size()) {
        continue;
      }
      Files.writeString(file, recipe(method, base, experts.subList(0, count)));
      try {
        return new Planned(Planner.plan(RecipeParser.parse(file)), count, "");
      } catch (RecipeException | IllegalArgumentException e) {
        obstacle = obstacle.isEmpty() ? String.valueOf(e.getMessage()) : obstacle;
      }
    }
    Files.delete(file);
    return new Planned(null, 0, obstacle);
  }

  /** A recipe with the method's defaults, and plain values for what has none. */
  private static String recipe(NamedMethod method, Path base, List<Path> models) {
    List<Parameter> required =
        MethodParameters.of(method.method()).stream().filter(Parameter::required).toList();
    StringBuilder text = new StringBuilder();
    text.append("merge_method: ").append(method.name()).append('\n');
    boolean takesBase = method.base() != NamedMethod.Base.INPUT;
    if (takesBase) {
      text.append("base_model: ").append(quoted(base)).append('\n');
    }
    text.append("models:\n");
    for (Path model : models) {
      text.append("  - model: ").append(quoted(model)).append('\n');
      text.append(settings(required.stream().filter(Parameter::perModel).toList(), "    "));
    }
    text.append(settings(required.stream().filter(one -> !one.perModel()).toList(), ""));
    return text.toString();
  }

  private static String settings(List<Parameter> parameters, String indent) {
    StringBuilder text = new StringBuilder();
    for (Parameter parameter : parameters) {
      text.append(text.isEmpty() ? indent + "parameters:\n" : "")
          .append(indent)
          .append("  ")
          .append(parameter.name())
          .append(": ")
          .append(plainValue(parameter))
          .append('\n');
    }
    return text.toString();
  }

  /** 1 for a weight, a half for a place between two models. */
  private static String plainValue(Parameter parameter) {
    if (parameter.kind() == Kind.NUMBER) {
      return parameter.perModel() ? "1.0" : "0.5";
    }
    return switch (parameter.kind()) {
      case INTEGER -> "1";
      case BOOLEAN -> "false";
      default -> parameter.choices().get(0);
    };
  }

  private static String quoted(Path path) {
    String text = path.toAbsolutePath().normalize().toString();
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private Row run(
      String method,
      Planned planned,
      Checkpoint origin,
      Map<String, Checkpoint> opened,
      ProgressLine progress,
      String step) {
    MergeResult result;
    try (MergePlan plan = Objects.requireNonNull(planned.plan())) {
      MergeOptions options =
          MergeOptions.DEFAULT.withThreads(threads.count()).withFlags(MergeOptions.Flag.FORCE);
      result = Merger.run(plan, out.resolve(method), options, progress.step(step));
    }
    Map<String, Checkpoint> compared = new LinkedHashMap<>(opened);
    String merged = "merged by " + method;
    try (Checkpoint checkpoint = Checkpoint.open(result.folder())) {
      compared.put(merged, checkpoint);
      TaskVectorStatistics.Parameter all =
          TaskVectorStatistics.of(
                  origin,
                  compared,
                  name -> true,
                  threads.count(),
                  progress.step(step + "measuring "))
              .total();
      int last = opened.size();
      double length =
          all.experts().subList(0, last).stream()
              .mapToDouble(one -> one.norm())
              .average()
              .orElse(0);
      return new Row(
          method,
          planned.experts(),
          IntStream.range(0, last).mapToObj(t -> all.cosine(last, t)).toList(),
          all.experts().get(last).norm() / length,
          result);
    }
  }

  private List<String> text(Console console, List<Row> rows, List<Path> written) {
    TextTable table =
        new TextTable()
            .left("method")
            .right("experts")
            .right("tensors merged")
            .right("cosine: least")
            .right("mean")
            .right("length")
            .right("time");
    for (Row row : rows) {
      table.row(
          row.method(),
          String.valueOf(row.experts()),
          String.valueOf(row.result().merged()),
          Quantities.number(row.leastCosine()),
          Quantities.number(row.meanCosine()),
          Quantities.number(row.length()),
          Quantities.seconds(row.result().seconds()));
    }
    List<String> lines = new ArrayList<>(console.lines(table));
    lines.add("");
    lines.add("cosine: between what the merged model changed and what each expert changed");
    lines.add("length: of the change, in those of the average expert");
    lines.add("");
    lines.add("Written to " + out + ":");
    lines.add("  a checkpoint for each method, with optmerge.json saying how it was made");
    lines.add("  recipes/*.yaml, to change and run again: optmerge merge RECIPE --out DIR");
    written.forEach(file -> lines.add("  " + out.relativize(file)));
    return lines;
  }

  private ObjectNode json(List<Row> rows, Map<String, String> unsuited, List<Path> written) {
    ObjectNode node = Json.object();
    node.put("folder", out.toString());
    ArrayNode results = node.putArray("methods");
    for (Row row : rows) {
      ObjectNode result = results.addObject();
      result.put("method", row.method());
      result.put("experts", row.experts());
      result.put("merged", row.result().merged());
      result.put("copied", row.result().copied());
      Json.put(result, "cosines", row.cosines());
      Json.put(result, "length", row.length());
      result.put("seconds", row.result().seconds());
    }
    Json.put(node, "left_out", unsuited);
    Json.put(node, "written", written);
    return node;
  }
}
