package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.UnaryOperator;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.KitPrompt;
import org.optmerge.benchmark.Selection;
import org.optmerge.metric.Metric;
import org.optmerge.model.MultimodalModel;

/**
 * Asks models the questions of a benchmark, or of several, and scores their answers with a metric.
 *
 * <pre>{@code
 * try (MultimodalModel model = MultimodalModel.open("merged")) {
 *   Evaluator evaluator = new Evaluator(QuestionFile.open(file), metric);
 *   System.out.println(evaluator.evaluate("mine", model, more -> {}).scores());
 * }
 * }</pre>
 *
 * <p>Questions are read in portions. As far as they fit they are kept, and with them what encoders
 * make of their media: a search over merges, which share their encoders, spends its time on answers
 * alone.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Evaluator {
  private final List<EvaluatorPart> parts;

  /** Asks questions as they are, with all their media. */
  public Evaluator(Benchmark benchmark, Metric metric) {
    this(benchmark, metric, Presentation.DEFAULT);
  }

  /** Asks questions in another way. */
  public Evaluator(Benchmark benchmark, Metric metric, Presentation presentation) {
    this(
        List.of(
            new EvaluatorPart(
                new EvaluatorPart.Questions(benchmark),
                presentation,
                null,
                metric,
                question -> true)));
  }

  private Evaluator(List<EvaluatorPart> parts) {
    this.parts = parts;
  }

  /**
   * Asks questions as an evaluation kit asks them. One that cannot be asked, since its picture
   * cannot be read, counts as wrong and has a field that says why.
   *
   * @param selection which of them
   * @param metric null where the benchmark hides its answers: they are not scored
   */
  public static Evaluator ofKit(
      Benchmark benchmark, Selection selection, KitPrompt kit, @Nullable Metric metric) {
    return new Evaluator(
        List.of(
            new EvaluatorPart(
                new EvaluatorPart.Questions(benchmark, selection),
                Presentation.DEFAULT,
                kit,
                metric,
                question -> true)));
  }

  /** Asks the questions of several evaluators, one after the other. */
  public static Evaluator together(List<Evaluator> evaluators) {
    return new Evaluator(evaluators.stream().flatMap(one -> one.parts.stream()).toList());
  }

  /** An evaluator of the same questions put in another way; those of a kit stay as they are. */
  Evaluator put(Presentation other) {
    return each(
        part ->
            part.kit() != null
                ? part
                : new EvaluatorPart(part.questions(), other, null, part.metric(), part.asked()));
  }

  /** An evaluator without the questions that need a modality that is not given. */
  Evaluator answerable() {
    return each(
        part ->
            new EvaluatorPart(
                part.questions(),
                part.presentation(),
                part.kit(),
                part.metric(),
                part.presentation()::suffices));
  }

  private Evaluator each(UnaryOperator<EvaluatorPart> change) {
    return new Evaluator(parts.stream().map(change).toList());
  }

  /** The number of questions. */
  public long size() {
    return parts.stream().mapToLong(EvaluatorPart::size).sum();
  }

  /**
   * The provenance of a model's answers.
   *
   * @param model a digest of all that its answers depend on
   */
  Provenance provenance(String model) {
    return new Provenance(model, Sha256.of(settings()), digest());
  }

  /** All that answers of a model depend on besides its weights, by names that a refusal can say. */
  Map<String, String> named(MultimodalModel model) {
    Map<String, String> named = new LinkedHashMap<>();
    named.put("precision", model.precision().key());
    for (EvaluatorPart part : parts) {
      String of = parts.size() == 1 ? "" : " of " + part.questions().name();
      part.named(model).forEach((name, value) -> named.put(name + of, value));
    }
    return named;
  }

  /** The way of asking and scoring, in words. */
  String settings() {
    return String.join("\n", parts.stream().map(EvaluatorPart::settings).toList());
  }

  /** Of all questions. */
  String digest() {
    return EvaluatorPart.digest(parts);
  }

  /**
   * Asks a model all questions.
   *
   * @param name of the model, for tables
   * @param progress is told how many more were answered, from any thread but one at a time
   * @throws BenchmarkException if a question cannot be read or put in this form, or its answer
   *     cannot be scored
   */
  public ModelEvaluation evaluate(String name, MultimodalModel model, IntConsumer progress) {
    return evaluate(name, model, Map.of(), answered -> {}, progress);
  }

  /**
   * Asks a model what it was not asked before.
   *
   * @param known answers by the tasks and ids of their questions
   * @param listener is given each new answer, in any order, from any thread but one at a time
   */
  ModelEvaluation evaluate(
      String name,
      MultimodalModel model,
      Map<EvaluatorPart.Key, String> known,
      Consumer<Predicted> listener,
      IntConsumer progress) {
    List<Predicted> items = new ArrayList<>();
    EvaluatorPart.Listener told = EvaluatorPart.listener(known, listener, progress);
    parts.forEach(part -> items.addAll(part.evaluate(model, told)));
    Presentation presentation = parts.get(0).presentation();
    if (items.isEmpty()) {
      throw new BenchmarkException(
          "%s: has no question for a model that is given %s"
              .formatted(parts.get(0).questions().name(), presentation.modalities()));
    }
    return new ModelEvaluation(name, presentation, items);
  }
}
