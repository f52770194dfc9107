package org.optmerge.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import org.apiguardian.api.API;
import org.knowm.xchart.CategoryChart;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Confidence;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.ModelEvaluation;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import org.optmerge.evaluation.StudyMerge;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergedWeights;
import org.optmerge.model.MultimodalModel;
import tech.tablesaw.api.Table;

/**
 * One capability of the miniature: how much of it the base, its expert and merges have, by recorded
 * rows of 1,000 questions; and the same models, to be asked again. What the notebooks of the five
 * capabilities have in common.
 *
 * @param task which
 * @param family whose models they are
 * @param study where the rows are
 */
@API(status = API.Status.EXPERIMENTAL)
public record Capability(MiniTask task, ModelFamily family, Study study) {
  private static final double PERCENT = 100;

  /**
   * A capability of the shipped family that was fully fine-tuned.
   *
   * @throws IllegalStateException outside a clone of the project
   */
  public static Capability of(MiniTask task) {
    return new Capability(
        task,
        ModelFamily.of("full", Project.file("data-manifests/mini")),
        Study.recorded(Project.file(CapabilityExhibits.RECORDED).resolve("seed-1.json")));
  }

  /** The key of the capability's own expert. */
  public String expert() {
    return ModelFamily.expertKey(task.label());
  }

  /**
   * The keys of what is compared: base, expert, merges of the paper and their relatives, mixture.
   */
  public List<String> compared() {
    return List.of(
        Study.BASE,
        expert(),
        "weight-average",
        "task-arithmetic",
        "ties-tensor",
        "tsv",
        "wudi",
        "optmerge",
        "optmerge-flow-100",
        Study.MIXTURE);
  }

  /**
   * The share of right answers of a model or merge in percent, with its 95 % interval.
   *
   * @throws org.optmerge.benchmark.BenchmarkException if there is no such row
   */
  public Interval accuracy(String key) {
    return Confidence.mean(scores(key), Bootstrap.DEFAULT).times(PERCENT);
  }

  /** The lead of the first over the second on the same questions, as shares. */
  public Difference difference(String first, String second) {
    return Confidence.difference(scores(first), scores(second), Bootstrap.DEFAULT);
  }

  /** The part of the expert's gain over the base that a model or merge has, in percent. */
  public double kept(String key) {
    double base = row(Study.BASE).accuracy(task.label());
    return PERCENT
        * (row(key).accuracy(task.label()) - base)
        / (row(expert()).accuracy(task.label()) - base);
  }

  /**
   * Every model and merge that is compared.
   *
   * @return columns "model or method", "accuracy", "lower", "upper", "gain kept"; all but the first
   *     in percent
   */
  public Table table() {
    record Line(String key, Interval accuracy) {}
    List<Line> lines = compared().stream().map(key -> new Line(key, accuracy(key))).toList();
    String title =
        String.format(
            Locale.ROOT, "%s: %,d questions, percent", task.label(), scores(Study.BASE).length);
    return new Columns<>(title, lines)
        .text("model or method", line -> row(line.key).label())
        .number("accuracy", line -> line.accuracy.mean())
        .number("lower", line -> line.accuracy.lower())
        .number("upper", line -> line.accuracy.upper())
        .number("gain kept", line -> kept(line.key))
        .table();
  }

  /** A bar for each model and merge that is compared, with its 95 % interval. */
  public CategoryChart chart() {
    Map<String, Interval> intervals = new LinkedHashMap<>();
    compared().forEach(key -> intervals.put(row(key).label(), accuracy(key)));
    String title = "%s: base, expert, merges, mixture".formatted(task.label());
    return PaperFigures.intervals(title, "right answers (%)", intervals);
  }

  /**
   * Right answers by the kind of question.
   *
   * @param keys of rows, a column each
   * @return columns "kind", "questions", and one in percent for each row
   */
  public Table kinds(String... keys) {
    List<String> types;
    try (var examples = CapabilityBenchmark.of("mini:" + task.key()).questions()) {
      types = examples.map(Question::type).toList();
    }
    Map<String, List<Integer>> places = new TreeMap<>();
    for (int i = 0; i < types.size(); i++) {
      places.computeIfAbsent(types.get(i), any -> new ArrayList<>()).add(i);
    }
    Columns<Map.Entry<String, List<Integer>>> columns =
        new Columns<>(
                "%s: right answers by kind of question, percent".formatted(task.label()),
                List.copyOf(places.entrySet()))
            .text("kind", Map.Entry::getKey)
            .count("questions", kind -> kind.getValue().size());
    for (String key : keys) {
      double[] scores = scores(key);
      columns.percent(
          row(key).label(),
          kind ->
              kind.getValue().stream()
                  .mapToDouble(place -> scores[place])
                  .average()
                  .orElse(Double.NaN));
    }
    return columns.table();
  }

  /**
   * The paper's scores of this capability: the mean of its data sets, in percent.
   *
   * @param tables such as {@code table2} and {@code table3}
   * @return column "model or method", and a column for each table; missing where a table has none
   */
  public Table published(String... tables) {
    PaperTables paper = PaperTables.read();
    List<String> columns = Objects.requireNonNull(paper.groups().get(task.label()));
    Map<String, Map<String, Double>> rows = new LinkedHashMap<>();
    for (String name : tables) {
      for (PaperTables.Row row : paper.table(name).rows()) {
        boolean other =
            row.name().startsWith("Individual ") && !row.name().endsWith(" " + task.label());
        if (!other) {
          rows.computeIfAbsent(row.name(), any -> new TreeMap<>()).put(name, row.mean(columns));
        }
      }
    }
    Columns<Map.Entry<String, Map<String, Double>>> table =
        new Columns<>(
                "The paper: mean of %s".formatted(String.join(", ", columns)),
                List.copyOf(rows.entrySet()))
            .text("model or method", Map.Entry::getKey);
    for (String name : tables) {
      table.number(name, row -> row.getValue().get(name));
    }
    return table.table();
  }

  /**
   * Asks a model or merge: a merge is made again, with the λ that was chosen for it.
   *
   * @param key a single model's, or that of a merge of {@link CapabilityExhibits#merges}
   * @param questions what is asked
   * @param progress is told how many more were answered
   * @throws IllegalArgumentException if there is no such model or merge
   */
  public ModelEvaluation ask(String key, Evaluator questions, IntConsumer progress) {
    Study.Wanted wanted =
        CapabilityExhibits.rows(family).stream()
            .filter(one -> one.name().equals(key))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "no model or merge '%s'; there are %s"
                            .formatted(
                                key,
                                CapabilityExhibits.rows(family).stream()
                                    .map(Study.Wanted::name)
                                    .toList())));
    if (wanted instanceof Study.Single single) {
      try (MultimodalModel model = MultimodalModel.open(family.reference(single.model()))) {
        return questions.evaluate(single.label(), model, progress);
      }
    }
    StudyMerge merge = ((Study.Merged) wanted).merge();
    double scaling = Objects.requireNonNull(row(key).scaling(), "λ");
    try (MultimodalModel model = MultimodalModel.open(family.base());
        MergePlan plan = merge.plan(family, 0)) {
      MergedWeights merged = MergedWeights.of(plan);
      merged.names().forEach(name -> model.load(name, merged.weights(name, scaling)));
      return questions.evaluate(merge.label(), model, progress);
    }
  }

  /** {@link #ask(String, Evaluator, IntConsumer)} of several, in their order, by their keys. */
  public Map<String, ModelEvaluation> ask(
      Evaluator questions, IntConsumer progress, String... keys) {
    Map<String, ModelEvaluation> answers = new LinkedHashMap<>();
    for (String key : keys) {
      answers.put(key, ask(key, questions, progress));
    }
    return answers;
  }

  /** The examples that an evaluator of this task asks first. */
  public List<Question> examples(int number) {
    try (var examples =
        CapabilityBenchmark.of("mini:" + task.key()).withPerTask(number).questions()) {
      return examples.toList();
    }
  }

  /**
   * The first test example of some kinds of question, beside each other; of all, if none is named.
   *
   * @throws IllegalArgumentException if there is no question of a kind; the message lists all
   */
  public Card.Cards kindsShown(String... kinds) {
    Map<String, Question> first = new TreeMap<>();
    examples(Math.toIntExact(CapabilityBenchmark.of("mini:" + task.key()).size()))
        .forEach(example -> first.putIfAbsent(example.type(), example));
    List<Question> shown = new ArrayList<>();
    for (String kind : kinds.length == 0 ? first.keySet() : List.of(kinds)) {
      Question example = first.get(kind);
      if (example == null) {
        throw new IllegalArgumentException(
            "%s has no questions of kind '%s'; it has %s"
                .formatted(task.label(), kind, first.keySet()));
      }
      shown.add(example);
    }
    return Card.rowOf(shown);
  }

  private double[] scores(String key) {
    return row(key).scores(task.label());
  }

  private AnswerSheet row(String key) {
    return study.row(family, key);
  }
}
