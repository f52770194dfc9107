package org.optmerge.evaluation;

import org.apiguardian.api.API;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.CapabilityMetric;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.stage.ModalityBenchmark;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.metric.Metric;

/**
 * The questions that choose λ, and the questions that judge models and merges.
 *
 * @param validation by which λ is chosen; never tested on
 * @param choice whose mean decides
 * @param test by which rows are judged
 * @param grouping of the rows
 * @param metric of both
 */
@API(status = API.Status.EXPERIMENTAL)
public record Examination(
    Benchmark validation, Grouping choice, Benchmark test, Grouping grouping, Metric metric) {
  /** The whole of the miniature's capabilities: questions of each task for validation, for test. */
  public static final int VALIDATION = MiniSplit.VALIDATION.size();

  /** Test questions of each task. */
  public static final int TEST = MiniSplit.TEST.size();

  /** Modalities: questions of each type for validation. */
  public static final int MODALITY_VALIDATION = 20;

  /** Modalities: test questions of each type. */
  public static final int MODALITY_TEST = 100;

  /**
   * The miniature's capabilities.
   *
   * @param validation questions of each capability
   * @param test questions of each task
   * @throws IllegalArgumentException if one is not positive
   */
  public static Examination capabilities(int validation, int test) {
    check(validation, test);
    return new Examination(
        new CapabilityBenchmark(
            CapabilityBenchmark.NAME,
            MiniGenerator.SEED,
            MiniSplit.VALIDATION,
            MiniTask.CAPABILITIES,
            validation),
        Grouping.CAPABILITIES,
        CapabilityBenchmark.whole(MiniSplit.TEST, test),
        Grouping.CAPABILITIES,
        new CapabilityMetric());
  }

  /**
   * The miniature's modalities: λ is chosen by questions of one modality each, asked with all
   * modalities present, and tested on questions that need several, which no model was trained on.
   *
   * @param validation questions of each type
   * @param test questions of each type
   * @throws IllegalArgumentException if one is not positive
   */
  public static Examination modalities(int validation, int test) {
    check(validation, test);
    return new Examination(
        new ModalityBenchmark(
            ModalityBenchmark.NAME,
            MiniSplit.VALIDATION,
            StageQuestionType.ALL.stream().filter(type -> !type.isCrossModal()).toList(),
            validation),
        Grouping.TYPES,
        ModalityBenchmark.of(ModalityBenchmark.NAME, MiniSplit.TEST, test),
        Grouping.MODALITIES,
        Metrics.named(Metrics.VERBATIM));
  }

  private static void check(int validation, int test) {
    if (validation < 1 || test < 1) {
      throw new IllegalArgumentException(
          "a study needs at least one question of each task, has %d for validation and %d for the test"
              .formatted(validation, test));
    }
  }
}
