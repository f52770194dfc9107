package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;
import org.optmerge.benchmark.Selection;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Confidence;
import org.optmerge.evaluation.EvaluationFolder;
import org.optmerge.evaluation.Grouping;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.ModelEvaluation;
import org.optmerge.evaluation.Presentation;
import org.optmerge.evaluation.published.Shards;
import org.optmerge.model.MultimodalModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge evaluate}. */
@Command(
    name = "evaluate",
    description = {
      "Ask a model the questions of a benchmark or of your own, and mark its answers.",
      "Accuracies have 95 %% intervals; beside them stands what the best constant answer to each"
          + " type of question would score."
    })
final class EvaluateCommand extends Subcommand {
  @Parameters(
      paramLabel = "MODEL",
      description =
          "A model folder, BASE+ADAPTER (a model and a LoRA adapter's folder), or a recipe (.yaml),"
              + " whose merge is made in memory.")
  private String model;

  @Mixin private QuestionSource source;

  @Mixin private PublishedOptions published;

  @Mixin private PrecisionOption precision;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description =
          "Write predictions.jsonl and scores.json there. Answers are written as they are given: an"
              + " evaluation that was interrupted goes on.")
  private @Nullable Path out;

  @Option(
      names = "--join",
      split = ",",
      paramLabel = "DIR",
      description =
          "Join evaluations of published data sets that were made with --shard, all of them, in"
              + " --out: nothing is asked again. Such as --join part1,part2.")
  private @Nullable List<Path> join;

  @Option(
      names = "--force",
      description = "Replace the answers of another evaluation that --out holds.")
  private boolean force;

  @Override
  public Integer call() throws IOException {
    source.check();
    published.check(source.isPublished());
    Console console = main.console();
    AskedModel asked = new AskedModel(model);
    if (source.isPublished()) {
      Selection selection = published.selection(source.publishedSplit(Selection.Split.ALL));
      if (join != null && (out == null || selection.shards() > 1)) {
        throw wrong("--join makes the whole of shards, in the folder that --out names");
      }
      return new PublishedRun(
              console,
              asked,
              precision.precision(),
              out,
              force,
              join == null ? null : new Shards(join))
          .evaluate(published.open(asked.family(), source.benchmarks(), selection), selection);
    }
    if (join != null) {
      throw wrong("--join belongs to published data sets");
    }
    QuestionSource.Chosen chosen;
    ModelEvaluation evaluation;
    try (StatusLine status = console.asking(out != null);
        MultimodalModel opened = asked.open(precision.precision(), console)) {
      chosen = source.choose(opened, false);
      long questions = chosen.evaluator().size();
      long[] done = {0};
      IntConsumer progress =
          more -> {
            done[0] += more;
            status.show(
                () -> "%d of %d questions".formatted(done[0], questions),
                () -> {
                  ObjectNode event = Console.event("progress");
                  event.put("answered", done[0]);
                  event.put("questions", questions);
                  return event;
                });
          };
      evaluation =
          out == null
              ? chosen.evaluator().evaluate(model, opened, progress)
              : new EvaluationFolder(out)
                  .evaluate(chosen.evaluator(), model, asked.origin(), opened, force, progress);
    }
    ObjectNode scores = json(chosen, evaluation);
    if (out != null) {
      AtomicFiles.write(out.resolve("scores.json"), Json.pretty(scores));
    }
    console.result(() -> text(console, chosen, evaluation), () -> scores);
    return 0;
  }

  private static List<String> text(
      Console console, QuestionSource.Chosen chosen, ModelEvaluation evaluation) {
    List<String> lines = new ArrayList<>(console.lines(table(chosen, evaluation)));
    if (chosen.split().isEmpty()) {
      lines.add("");
      lines.add("Metric: %s. --metric chooses another.".formatted(chosen.metric()));
    }
    return lines;
  }

  private static TextTable table(QuestionSource.Chosen chosen, ModelEvaluation evaluation) {
    TextTable table = new TextTable().left(chosen.left());
    if (chosen.isStage()) {
      table.left("needs").left("aspect");
    }
    table.right("questions").right("accuracy %").left("95 % interval").right("constant answer %");
    Map<String, Double> constant = evaluation.constantAnswers(chosen.shown());
    evaluation
        .scores(chosen.shown())
        .forEach(
            (group, scores) -> {
              List<String> cells = new ArrayList<>(List.of(group));
              if (chosen.isStage()) {
                cells.addAll(nature(group));
              }
              cells.addAll(
                  figures(
                      scores.length,
                      Confidence.mean(scores, Bootstrap.DEFAULT),
                      constant.getOrDefault(group, Double.NaN)));
              table.row(cells);
            });
    Map<String, List<String>> parts = chosen.mean().averaged(constant.keySet());
    List<double[]> averaged = averaged(chosen, evaluation);
    if (averaged.size() > 1) {
      List<String> cells =
          new ArrayList<>(
              List.of(
                  "Mean of "
                      + (chosen.isMini()
                          ? "capabilities"
                          : chosen.isStage() ? String.join(", ", parts.keySet()) : "groups")));
      if (chosen.isStage()) {
        cells.addAll(List.of("", ""));
      }
      cells.addAll(
          figures(
              averaged.stream().mapToInt(scores -> scores.length).sum(),
              Bootstrap.DEFAULT.mean(averaged),
              parts.values().stream()
                  .mapToDouble(
                      groups ->
                          groups.stream()
                              .mapToDouble(group -> constant.getOrDefault(group, Double.NaN))
                              .average()
                              .orElse(Double.NaN))
                  .average()
                  .orElse(Double.NaN)));
      table.row(cells);
    }
    return table;
  }

  /** The parts of the mean, if all of them were asked. */
  private static List<double[]> averaged(QuestionSource.Chosen chosen, ModelEvaluation evaluation) {
    List<double[]> averaged = evaluation.averaged(chosen.mean());
    return averaged.stream().anyMatch(scores -> scores.length == 0) ? List.of() : averaged;
  }

  private static List<String> nature(String type) {
    return StageQuestionType.ALL.stream()
        .filter(one -> one.key().equals(type))
        .findFirst()
        .map(
            one ->
                List.of(
                    String.join("+", Presentation.given(one.modalities()).modalities()),
                    one.aspect()))
        .orElseThrow();
  }

  private static List<String> figures(int questions, Interval interval, double constant) {
    return List.of(
        Integer.toString(questions),
        Percent.of(interval.mean()),
        Percent.range(interval.lower(), interval.upper()),
        Percent.of(constant));
  }

  private static ObjectNode json(QuestionSource.Chosen chosen, ModelEvaluation evaluation) {
    ObjectNode node = Json.object();
    node.put("model", evaluation.model());
    if (chosen.split().isEmpty()) {
      node.put("questions", chosen.name());
      node.put("metric", chosen.metric());
    } else {
      node.put("split", chosen.split());
    }
    node.put("form", evaluation.presentation().form().name().toLowerCase(Locale.ROOT));
    Map<String, double[]> scores = evaluation.scores(chosen.shown());
    List<double[]> averaged = averaged(chosen, evaluation);
    if (chosen.isStage()) {
      evaluation.presentation().modalities().forEach(node.putArray("given")::add);
      scores.forEach((type, of) -> node.put(type, Bootstrap.DEFAULT.mean(of).mean()));
    } else {
      Map<String, Double> constant = evaluation.constantAnswers(chosen.shown());
      ObjectNode groups = node.putObject(chosen.isMini() ? "tasks" : "groups");
      scores.forEach(
          (group, of) -> {
            ObjectNode one = groups.putObject(chosen.key(group));
            one.put("questions", of.length);
            put(one, Confidence.mean(of, Bootstrap.DEFAULT));
            one.put("constant_answer", constant.get(group));
          });
    }
    if (averaged.size() > 1) {
      put(
          node.putObject(chosen.isMini() ? "capabilities" : "mean"),
          Bootstrap.DEFAULT.mean(averaged));
    }
    if (chosen.mean() == Grouping.CAPABILITIES && averaged.size() > 1) {
      Json.put(node, "new_skills", AnswerSheet.of(evaluation, Grouping.CAPABILITIES).newSkills());
    }
    return node;
  }

  private static void put(ObjectNode node, Interval interval) {
    node.put("accuracy", interval.mean());
    node.putArray("interval").add(interval.lower()).add(interval.upper());
  }
}
