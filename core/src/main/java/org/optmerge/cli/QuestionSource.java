package org.optmerge.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.QuestionFile;
import org.optmerge.benchmark.Selection;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.CapabilityMetric;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.stage.ModalityBenchmark;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.Examination;
import org.optmerge.evaluation.Grouping;
import org.optmerge.evaluation.Metrics;
import org.optmerge.evaluation.Presentation;
import org.optmerge.metric.Metric;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.media.Audio;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say which questions a model is asked, how, and how answers are scored. */
final class QuestionSource {
  private static final String MINI = CapabilityBenchmark.NAME;
  private static final String STAGE = ModalityBenchmark.NAME;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--benchmark",
      paramLabel = "NAME",
      split = ",",
      completionCandidates = Names.Askable.class,
      description =
          "mini for all capabilities, or one of them, such as mini:chart; stage for questions about"
              + " picture, sound and film, or stage:TYPE (default: mini, or stage for a model that"
              + " hears). Or published data sets, such as ChartQA_TEST or RefCOCO; repeatable; paper"
              + " for the ten of its tables 2 and 3.")
  private List<String> benchmarks = List.of();

  @Option(
      names = "--questions",
      paramLabel = "FILE",
      description =
          "Questions of your own: .jsonl, .tsv or .csv with question, answer, image (or audio,"
              + " video) and, where wanted, id, group, type. Paths begin at the file's folder.")
  private @Nullable Path questions;

  @Option(
      names = "--metric",
      paramLabel = "NAME",
      completionCandidates = Names.MetricNames.class,
      description =
          "How answers to --questions are scored: ${COMPLETION-CANDIDATES} (default: "
              + Metrics.EXACT
              + ", equal but for case and white space at the ends).")
  private @Nullable String metric;

  @Option(
      names = "--split",
      paramLabel = "NAME",
      completionCandidates = Names.JudgingSplits.class,
      description =
          "test or val (default: test to evaluate, val to tune). Of a published data set val is every"
              + " tenth question, test the others (default: all to evaluate).")
  private @Nullable String split;

  @Option(
      names = "--count",
      paramLabel = "N",
      description =
          "Questions of each task or type (default: 1000, to tune 250; of stage 100, to tune 20).")
  private @Nullable Integer count;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      description =
          "How the same is asked: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). A statement"
              + " is what the base family's base was trained on; words tell what picture, sound and"
              + " film show.")
  private Presentation.Form form = Presentation.Form.QUESTION;

  @Option(
      names = "--given",
      split = ",",
      paramLabel = "MODALITY",
      description =
          "The modalities that a model gets, some of ${COMPLETION-CANDIDATES} (default: all).")
  private List<StageModality> given = StageModality.ALL;

  /**
   * Questions that were chosen.
   *
   * @param name of the benchmark, or the file
   * @param split empty for questions of one's own
   * @param metric its name
   * @param shown the groups that tables list
   * @param mean the groups that the mean is over
   * @param left the words for a group at the head of its column
   */
  record Chosen(
      String name,
      String split,
      String metric,
      Evaluator evaluator,
      Grouping shown,
      Grouping mean,
      String left) {
    boolean isMini() {
      return mean == Grouping.CAPABILITIES;
    }

    boolean isStage() {
      return shown == Grouping.TYPES;
    }

    /** A group's name in JSON. */
    String key(String group) {
      return isMini() ? group.toLowerCase(Locale.ROOT) : group;
    }
  }

  /** Refuses what can be refused before a model is opened. */
  void check() {
    if (isPublished()) {
      for (String option : List.of("--questions", "--metric", "--count", "--form", "--given")) {
        if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
          throw wrong(
              "%s does not go with published data sets (%s), which are asked as their kits ask them%s"
                  .formatted(
                      option,
                      String.join(", ", benchmarks),
                      option.equals("--count") ? "; --limit asks fewer questions" : ""));
        }
      }
      return;
    }
    if (benchmarks.size() > 1) {
      throw wrong(
          "one benchmark of the miniature at a time, or several published data sets; came %s"
              .formatted(String.join(", ", benchmarks)));
    }
    if (questions != null) {
      for (String option : List.of("--benchmark", "--split", "--count")) {
        if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
          throw wrong("%s belongs to a benchmark, not to questions of one's own".formatted(option));
        }
      }
      metric();
    } else if (metric != null) {
      throw wrong("--metric belongs to --questions; a benchmark has a metric of its own");
    }
    Subcommand.requirePositive(spec, "--count", count == null ? 1 : count);
    split(MiniSplit.TEST);
    if (!benchmarks.isEmpty()) {
      benchmark(benchmarks.get(0), MiniSplit.TEST, 1, false);
    }
  }

  /** True if published data sets were named. */
  boolean isPublished() {
    return !benchmarks.isEmpty()
        && benchmarks.stream().noneMatch(name -> isOf(MINI, name) || isOf(STAGE, name));
  }

  /** The published data sets that were named. */
  List<String> benchmarks() {
    return benchmarks;
  }

  /** The split of published data sets. */
  Selection.Split publishedSplit(Selection.Split usual) {
    return split == null
        ? usual
        : Arrays.stream(Selection.Split.values())
            .filter(one -> one.key().equals(split))
            .findFirst()
            .orElseThrow(
                () ->
                    wrong(
                        "no split '%s' of a published data set; there are test, val and all"
                            .formatted(split)));
  }

  /** The questions, by default those that a model is made for. */
  Chosen choose(MultimodalModel model, boolean tuning) {
    Presentation presentation = new Presentation(form, Set.copyOf(given));
    if (questions != null) {
      return new Chosen(
          questions.toString(),
          "",
          metric == null ? Metrics.EXACT : metric,
          new Evaluator(QuestionFile.open(questions), metric(), presentation),
          Grouping.GROUPS,
          Grouping.GROUPS,
          "group");
    }
    boolean hears = model.media().contains(Audio.class);
    String name = benchmarks.isEmpty() ? (hears ? STAGE : MINI) : benchmarks.get(0);
    MiniSplit from = split(tuning ? MiniSplit.VALIDATION : MiniSplit.TEST);
    boolean stage = isOf(STAGE, name);
    int each =
        count != null
            ? count
            : !stage
                ? from.size()
                : tuning ? Examination.MODALITY_VALIDATION : Examination.MODALITY_TEST;
    Benchmark asked = benchmark(name, from, each, tuning);
    return new Chosen(
        name,
        from.key(),
        stage ? Metrics.VERBATIM : MINI,
        new Evaluator(
            asked, stage ? Metrics.named(Metrics.VERBATIM) : new CapabilityMetric(), presentation),
        stage ? Grouping.TYPES : Grouping.GROUPS,
        stage ? (tuning ? Grouping.TYPES : Grouping.MODALITIES) : Grouping.CAPABILITIES,
        stage ? "question" : "task");
  }

  private static boolean isOf(String whole, String name) {
    return name.equals(whole) || name.startsWith(whole + ":");
  }

  private Benchmark benchmark(String name, MiniSplit from, int each, boolean tuning) {
    try {
      if (name.equals(STAGE) && tuning) {
        return Examination.modalities(each, 1).validation();
      }
      if (isOf(STAGE, name)) {
        return ModalityBenchmark.of(name, from, each);
      }
      if (name.equals(MINI)) {
        return tuning
            ? new CapabilityBenchmark(name, MiniGenerator.SEED, from, MiniTask.CAPABILITIES, each)
            : CapabilityBenchmark.whole(from, each);
      }
      if (isOf(MINI, name)) {
        return CapabilityBenchmark.of(name, from).withPerTask(each);
      }
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
    throw wrong(
        "no benchmark '%s' that a model can be asked here; there are mini, mini:TASK, stage, stage:TYPE, and --questions for your own"
            .formatted(name));
  }

  private MiniSplit split(MiniSplit usual) {
    if (split == null) {
      return usual;
    }
    return Stream.of(MiniSplit.TEST, MiniSplit.VALIDATION)
        .filter(one -> one.key().equals(split))
        .findFirst()
        .orElseThrow(
            () ->
                wrong(
                    "no split '%s' to ask questions of; there are test and val".formatted(split)));
  }

  private Metric metric() {
    return Subcommand.named(spec, () -> Metrics.named(metric == null ? Metrics.EXACT : metric));
  }

  private ParameterException wrong(@Nullable String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
