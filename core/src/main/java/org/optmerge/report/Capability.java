package org.optmerge.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import org.knowm.xchart.CategoryChart;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.MiniBenchmark;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.MiniEvaluator;
import org.optmerge.evaluation.MiniFamily;
import org.optmerge.evaluation.MiniMerge;
import org.optmerge.evaluation.MiniResult;
import org.optmerge.evaluation.MiniRow;
import org.optmerge.evaluation.MiniStudy;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergedWeights;
import org.optmerge.model.InternVL;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
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
public record Capability(MiniTask task, MiniFamily family, MiniStudy study) {
  private static final String BASE = "Base";
  private static final double PERCENT = 100;

  /**
   * A capability of the shipped family that was fully fine-tuned.
   *
   * @throws IllegalStateException outside a clone of the project
   */
  public static Capability of(MiniTask task) {
    return new Capability(
        task,
        MiniFamily.of("full", Project.file("data-manifests/mini")),
        MiniStudy.recorded(Project.file(MiniReports.RECORDED).resolve("seed-1.json")));
  }

  /** The label of the capability's own expert. */
  public String expert() {
    return "Expert " + task.label();
  }

  /** Base, expert, the merges of the paper and their relatives, mixture: what is compared. */
  public List<String> labels() {
    return List.of(
        BASE,
        expert(),
        "Weight Average",
        "Task Arithmetic",
        "TIES Merging",
        "TSV Merging",
        "WUDI Merging",
        "OptMerge",
        "OptMerge, flow t = 100",
        "Mixture training");
  }

  /**
   * The share of right answers of a model or merge in percent, with its 95 % interval.
   *
   * @throws org.optmerge.benchmark.BenchmarkException if there is no such row
   */
  public Interval accuracy(String label) {
    return Bootstrap.DEFAULT.mean(scores(label)).times(PERCENT);
  }

  /** How much better the first is than the second on the same questions, as shares. */
  public Difference difference(String first, String second) {
    return Bootstrap.DEFAULT.difference(scores(first), scores(second));
  }

  /** How much of what the expert gained over the base a model or merge has, in percent. */
  public double kept(String label) {
    double base = row(BASE).accuracy(task);
    return PERCENT * (row(label).accuracy(task) - base) / (row(expert()).accuracy(task) - base);
  }

  /**
   * Every model and merge that is compared.
   *
   * @return columns "model or method", "accuracy", "lower", "upper", "gain kept"; all but the first
   *     in percent
   */
  public Table table() {
    StringColumn names = StringColumn.create("model or method");
    DoubleColumn means = DoubleColumn.create("accuracy");
    DoubleColumn lower = DoubleColumn.create("lower");
    DoubleColumn upper = DoubleColumn.create("upper");
    DoubleColumn kept = DoubleColumn.create("gain kept");
    for (String label : labels()) {
      Interval interval = accuracy(label);
      names.append(label);
      means.append(interval.mean());
      lower.append(interval.lower());
      upper.append(interval.upper());
      kept.append(kept(label));
    }
    return Table.create(
        "%s: %,d questions, percent".formatted(task.label(), scores(BASE).length),
        names,
        means,
        lower,
        upper,
        kept);
  }

  /** A bar for each model and merge that is compared, with its 95 % interval. */
  public CategoryChart chart() {
    Map<String, Double> means = new LinkedHashMap<>();
    Map<String, Double> halfWidths = new LinkedHashMap<>();
    for (String label : labels()) {
      Interval interval = accuracy(label);
      means.put(label, interval.mean());
      halfWidths.put(label, (interval.upper() - interval.lower()) / 2);
    }
    return Plots.methods(
        "%s: base, expert, merges, mixture".formatted(task.label()),
        "right answers (%)",
        means,
        halfWidths);
  }

  /**
   * Right answers by the kind of question.
   *
   * @param labels of rows, a column each
   * @return columns "kind", "questions", and one in percent for each label
   */
  public Table kinds(String... labels) {
    List<String> types;
    try (var examples = MiniBenchmark.of("mini:" + task.key()).questions()) {
      types = examples.map(Question::type).toList();
    }
    Map<String, List<Integer>> places = new TreeMap<>();
    for (int i = 0; i < types.size(); i++) {
      places.computeIfAbsent(types.get(i), any -> new ArrayList<>()).add(i);
    }
    Table table =
        Table.create(
            "%s: right answers by kind of question, percent".formatted(task.label()),
            StringColumn.create("kind", places.keySet()),
            IntColumn.create("questions", places.values().stream().mapToInt(List::size).toArray()));
    for (String label : labels) {
      double[] scores = scores(label);
      table.addColumns(
          DoubleColumn.create(
              label,
              places.values().stream()
                  .mapToDouble(
                      of ->
                          PERCENT
                              * of.stream()
                                  .mapToDouble(place -> scores[place])
                                  .average()
                                  .orElse(Double.NaN))
                  .toArray()));
    }
    return table;
  }

  /**
   * What the paper has for this capability: the mean of its data sets, in percent.
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
    Table table =
        Table.create(
            "The paper: mean of %s".formatted(String.join(", ", columns)),
            StringColumn.create("model or method", rows.keySet()));
    for (String name : tables) {
      table.addColumns(
          DoubleColumn.create(
              name,
              rows.values().stream()
                  .mapToDouble(row -> row.getOrDefault(name, Double.NaN))
                  .toArray()));
    }
    return table;
  }

  /**
   * Asks a model or merge: a merge is made again, with the λ that was chosen for it.
   *
   * @param label a single model's, or that of a merge of {@link MiniReports#merges}
   * @param questions what is asked
   * @param progress is told how many more were answered
   * @throws IllegalArgumentException if there is no such model or merge
   */
  public MiniResult ask(String label, MiniEvaluator questions, IntConsumer progress) {
    if (family.singles().containsKey(label)) {
      try (InternVL model = InternVL.open(Objects.requireNonNull(family.singles().get(label)))) {
        return questions.evaluate(label, model, progress);
      }
    }
    MiniMerge merge =
        MiniReports.merges(family).stream()
            .filter(one -> one.label().equals(label))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "no model or merge '%s'; there are %s and %s"
                            .formatted(
                                label,
                                family.singles().keySet(),
                                MiniReports.merges(family).stream()
                                    .map(MiniMerge::label)
                                    .toList())));
    double scaling = Objects.requireNonNull(row(label).scaling(), "λ");
    try (InternVL model = InternVL.open(family.base());
        MergePlan plan = merge.plan(family, 0)) {
      MergedWeights merged = MergedWeights.of(plan);
      merged.names().forEach(name -> model.load(name, merged.weights(name, scaling)));
      return questions.evaluate(label, model, progress);
    }
  }

  /** {@link #ask(String, MiniEvaluator, IntConsumer)} of several, in their order. */
  public Map<String, MiniResult> ask(
      MiniEvaluator questions, IntConsumer progress, String... labels) {
    Map<String, MiniResult> answers = new LinkedHashMap<>();
    for (String label : labels) {
      answers.put(label, ask(label, questions, progress));
    }
    return answers;
  }

  /** The examples that an evaluator of this task asks first. */
  public List<Question> examples(int number) {
    try (var examples = MiniBenchmark.of("mini:" + task.key()).withPerTask(number).questions()) {
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
    examples(Math.toIntExact(MiniBenchmark.of("mini:" + task.key()).size()))
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

  private double[] scores(String label) {
    return row(label).scores(task);
  }

  private MiniRow row(String label) {
    return study.row(family, label);
  }
}
