package org.optmerge.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.MiniEvaluator;
import org.optmerge.evaluation.MiniResult;
import org.optmerge.evaluation.StageStudy;
import org.optmerge.model.InternVL;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code optmerge evaluate}. */
@Command(
    name = "evaluate",
    description = {
      "Ask a model the questions of a benchmark, and mark its answers.",
      "Accuracies have 95 %% intervals; beside them stands what the best constant answer to each"
          + " type of question would score."
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final String MINI = "mini";

  /** The miniature as a whole, and task by task. */
  static final class Benchmarks implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Stream.concat(
              Stream.of(MINI), Stream.of(MiniTask.values()).map(task -> MINI + ":" + task.key()))
          .iterator();
    }
  }

  /** The splits that a model is not trained on. */
  static final class Splits implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return List.of(MiniSplit.TEST.key(), MiniSplit.VALIDATION.key()).iterator();
    }
  }

  @ParentCommand private Main main;
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "A model folder, or BASE+ADAPTER: a model and a LoRA adapter's folder.")
  private String model;

  @Option(
      names = "--benchmark",
      paramLabel = "NAME",
      completionCandidates = Benchmarks.class,
      description =
          "mini for all tasks, or one of them, such as mini:chart (default: ${DEFAULT-VALUE}).")
  private String benchmark = MINI;

  @Option(
      names = "--split",
      paramLabel = "NAME",
      completionCandidates = Splits.class,
      description = "test or val (default: ${DEFAULT-VALUE}).")
  private String split = MiniSplit.TEST.key();

  @Option(
      names = "--count",
      paramLabel = "N",
      description = "Questions of each task (default: all of the split).")
  private @Nullable Integer count;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      description =
          "How the same is asked: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). A statement"
              + " is what the base family's base was trained on.")
  private Dialogue.Form form = Dialogue.Form.QUESTION;

  @Option(
      names = "--given",
      split = ",",
      paramLabel = "MODALITY",
      description =
          "Of a model of several modalities: those that it gets, some of ${COMPLETION-CANDIDATES}"
              + " (default: all).")
  private List<StageModality> given = StageModality.ALL;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "Write predictions.jsonl and scores.json there.")
  private @Nullable Path out;

  @Override
  public Integer call() throws IOException {
    Console console = main.console();
    if (OmniEvaluation.isOf(model)) {
      Map<StageQuestionType, double[]> scores =
          new OmniEvaluation(model, Set.copyOf(given))
              .scores(split(), count == null ? StageStudy.TEST : count);
      TextTable table =
          new TextTable()
              .left("question")
              .left("needs")
              .left("aspect")
              .right("correct, %")
              .right("95 %");
      OmniEvaluation.lines(scores).forEach(table::row);
      console.result(() -> console.lines(table), () -> OmniEvaluation.json(scores));
      return 0;
    }
    List<MiniTask> tasks = tasks();
    MiniSplit from = split();
    int each = count == null ? from.size() : count;
    if (each < 1) {
      throw wrong("--count must be at least 1, is %d".formatted(each));
    }
    MiniResult result;
    try (StatusLine status = console.status();
        InternVL opened = open()) {
      MiniEvaluator evaluator = new MiniEvaluator(from, tasks, each, form);
      int[] done = {0};
      result =
          evaluator.evaluate(
              model,
              opened,
              answered -> {
                done[0] += answered;
                status.show(
                    () -> "%d of %d questions".formatted(done[0], evaluator.size()),
                    () -> {
                      ObjectNode event = Console.event("progress");
                      event.put("answered", done[0]);
                      event.put("questions", evaluator.size());
                      return event;
                    });
              });
    }
    ObjectNode scores = json(result);
    if (out != null) {
      write(out, result, scores);
    }
    console.result(() -> console.lines(table(result)), () -> scores);
    return 0;
  }

  private InternVL open() {
    int plus = model.indexOf('+');
    if (plus < 0 || Files.exists(Path.of(model))) {
      return InternVL.open(Path.of(model));
    }
    InternVL opened = InternVL.open(Path.of(model.substring(0, plus)));
    try {
      opened.apply(Path.of(model.substring(plus + 1)));
      return opened;
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private List<MiniTask> tasks() {
    if (benchmark.equals(MINI)) {
      return List.of(MiniTask.values());
    }
    if (!benchmark.startsWith(MINI + ":")) {
      throw wrong(
          "no benchmark '%s' that a model can be asked here; there are mini and mini:TASK"
              .formatted(benchmark));
    }
    try {
      return List.of(MiniTask.of(benchmark.substring(MINI.length() + 1)));
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private MiniSplit split() {
    try {
      return split(split);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  /**
   * A split that no model was trained on.
   *
   * @throws IllegalArgumentException if it is none of those
   */
  static MiniSplit split(String name) {
    return Stream.of(MiniSplit.TEST, MiniSplit.VALIDATION)
        .filter(split -> split.key().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no split '%s' to ask questions of; there are test and val".formatted(name)));
  }

  private ParameterException wrong(@Nullable String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private static TextTable table(MiniResult result) {
    TextTable table =
        new TextTable()
            .left("task")
            .right("questions")
            .right("accuracy %")
            .left("95 % interval")
            .right("constant answer %");
    Map<MiniTask, Double> constant = result.constantAnswers();
    result
        .scores(answer -> true)
        .forEach(
            (task, scores) -> {
              Interval interval = Bootstrap.DEFAULT.mean(scores);
              table.row(
                  task.label(),
                  Integer.toString(scores.length),
                  percent(interval.mean()),
                  range(interval),
                  percent(constant.getOrDefault(task, Double.NaN)));
            });
    List<double[]> capabilities = result.capabilities();
    if (capabilities.size() > 1) {
      Interval interval = Bootstrap.DEFAULT.mean(capabilities);
      table.row(
          "Mean of capabilities",
          Integer.toString(capabilities.stream().mapToInt(scores -> scores.length).sum()),
          percent(interval.mean()),
          range(interval),
          percent(
              MiniTask.CAPABILITIES.stream()
                  .filter(constant::containsKey)
                  .mapToDouble(constant::get)
                  .average()
                  .orElse(Double.NaN)));
    }
    return table;
  }

  private static String percent(double share) {
    return "%.1f".formatted(100 * share);
  }

  private static String range(Interval interval) {
    return "[%.1f, %.1f]".formatted(100 * interval.lower(), 100 * interval.upper());
  }

  private static ObjectNode json(MiniResult result) {
    ObjectNode node = Console.object();
    node.put("model", result.model());
    node.put("split", result.split().key());
    node.put("form", result.form().name().toLowerCase(Locale.ROOT));
    Map<MiniTask, Double> constant = result.constantAnswers();
    ObjectNode tasks = node.putObject("tasks");
    result
        .scores(answer -> true)
        .forEach(
            (task, scores) -> {
              ObjectNode one = tasks.putObject(task.key());
              one.put("questions", scores.length);
              put(one, Bootstrap.DEFAULT.mean(scores));
              one.put("constant_answer", constant.get(task));
            });
    if (result.capabilities().size() > 1) {
      put(node.putObject("capabilities"), Bootstrap.DEFAULT.mean(result.capabilities()));
      Console.put(node, "new_skills", result.newSkills());
    }
    return node;
  }

  private static void put(ObjectNode node, Interval interval) {
    node.put("accuracy", interval.mean());
    node.putArray("interval").add(interval.lower()).add(interval.upper());
  }

  private static void write(Path folder, MiniResult result, ObjectNode scores) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    List<String> lines = new ArrayList<>();
    for (MiniResult.Answer answer : result.answers()) {
      ObjectNode line = Console.object();
      line.put("id", answer.id());
      line.put("task", answer.task().key());
      line.put("type", answer.type());
      line.put("prediction", answer.given());
      line.put("answer", answer.expected());
      line.put("score", answer.correct() ? 1 : 0);
      lines.add(mapper.writeValueAsString(line));
    }
    Files.createDirectories(folder);
    Files.write(folder.resolve("predictions.jsonl"), lines);
    Files.writeString(
        folder.resolve("scores.json"),
        mapper.writerWithDefaultPrettyPrinter().writeValueAsString(scores) + "\n");
  }
}
