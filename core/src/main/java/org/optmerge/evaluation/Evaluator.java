package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Question;
import org.optmerge.metric.Metric;
import org.optmerge.metric.MetricException;
import org.optmerge.metric.Prediction;
import org.optmerge.model.Decoding;
import org.optmerge.model.FeatureCache;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/**
 * Asks models the questions of a benchmark, and scores their answers with a metric.
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
  /** Questions that a model is given at a time. */
  private static final int PORTION = 1024;

  /** Bytes of media that a model is given at a time. */
  private static final long PORTION_BYTES = 256L << 20;

  /** Bytes of media that are kept from one model to the next. */
  private static final long KEPT_BYTES = Math.min(512L << 20, Runtime.getRuntime().maxMemory() / 4);

  private final Questions questions;
  private final Presentation presentation;
  private final Metric metric;
  private final Predicate<Question> asked;

  /** Asks questions as they are, with all their media. */
  public Evaluator(Benchmark benchmark, Metric metric) {
    this(benchmark, metric, Presentation.DEFAULT);
  }

  /** Asks questions in another way. */
  public Evaluator(Benchmark benchmark, Metric metric, Presentation presentation) {
    this(new Questions(benchmark), metric, presentation, question -> true);
  }

  private Evaluator(
      Questions questions, Metric metric, Presentation presentation, Predicate<Question> asked) {
    this.questions = questions;
    this.metric = metric;
    this.presentation = presentation;
    this.asked = asked;
  }

  /** An evaluator of the same questions put in another way. */
  Evaluator put(Presentation other) {
    return new Evaluator(questions, metric, other, asked);
  }

  /** An evaluator without the questions that need a modality that is not given. */
  Evaluator answerable() {
    return new Evaluator(questions, metric, presentation, presentation::suffices);
  }

  /** The number of questions. */
  public long size() {
    return questions.benchmark.size();
  }

  /**
   * The provenance of a model's answers.
   *
   * @param reference of the model, such as {@code BASE+ADAPTER}
   */
  Provenance provenance(String reference) {
    return new Provenance(
        Provenance.ofModel(reference),
        Sha256.of(
            "[%s], %s, %d tokens"
                .formatted(presentation, metric, questions.benchmark.answerTokens())),
        questions.benchmark.digest());
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
   * @param known answers by the ids of their questions
   * @param listener is given each new answer, in any order, from any thread but one at a time
   */
  ModelEvaluation evaluate(
      String name,
      MultimodalModel model,
      Map<String, String> known,
      Consumer<Predicted> listener,
      IntConsumer progress) {
    List<Predicted> items = new ArrayList<>();
    model.useFeatures(questions.features);
    questions.forEachPortion(
        asked,
        portion -> {
          Predicted[] answers = new Predicted[portion.size()];
          List<Integer> open = new ArrayList<>();
          for (int i = 0; i < answers.length; i++) {
            String before = known.get(portion.get(i).id());
            if (before == null) {
              open.add(i);
            } else {
              answers[i] = scored(portion.get(i), before);
            }
          }
          model.answer(
              open.stream().map(i -> presentation.prompt(portion.get(i))).toList(),
              new Decoding(questions.benchmark.answerTokens()),
              (index, text) -> {
                Predicted item = scored(portion.get(open.get(index)), text);
                answers[open.get(index)] = item;
                listener.accept(item);
                progress.accept(1);
              });
          for (int i = 0; i < answers.length; i++) {
            items.add(Objects.requireNonNull(answers[i], "no answer to " + portion.get(i).id()));
          }
        });
    if (items.isEmpty()) {
      throw new BenchmarkException(
          "%s: has no question for a model that is given %s"
              .formatted(questions.benchmark.name(), presentation.modalities()));
    }
    return new ModelEvaluation(name, presentation, items);
  }

  private Predicted scored(Question question, String answer) {
    Predicted item = Predicted.of(question, answer);
    try {
      return item.scored(metric.score(new Prediction(answer), question.reference()));
    } catch (MetricException e) {
      throw new BenchmarkException(
          "%s, question '%s' cannot be scored: %s; choose another metric or add the field"
              .formatted(questions.benchmark.name(), question.id(), e.getMessage()),
          e);
    }
  }

  /** The questions of a benchmark, and what encoders made of their media, as far as they fit. */
  private static final class Questions {
    private final Benchmark benchmark;
    private final FeatureCache features = new FeatureCache();

    /** Null if they have not been read, or do not fit. */
    private @Nullable List<Question> kept;

    Questions(Benchmark benchmark) {
      this.benchmark = benchmark;
    }

    void forEachPortion(Predicate<Question> asked, Consumer<List<Question>> consumer) {
      List<Question> before = kept;
      if (before != null) {
        portions(before.iterator(), asked, consumer);
        return;
      }
      List<Question> all = new ArrayList<>();
      long[] bytes = {0};
      try (Stream<Question> stream = benchmark.questions()) {
        portions(
            stream
                .peek(
                    question -> {
                      bytes[0] += bytes(question);
                      if (bytes[0] <= KEPT_BYTES) {
                        all.add(question);
                      } else {
                        all.clear();
                      }
                    })
                .iterator(),
            asked,
            consumer);
      }
      kept = bytes[0] <= KEPT_BYTES ? List.copyOf(all) : null;
    }

    private static void portions(
        Iterator<Question> all, Predicate<Question> asked, Consumer<List<Question>> consumer) {
      List<Question> portion = new ArrayList<>();
      long bytes = 0;
      while (all.hasNext()) {
        Question question = all.next();
        if (asked.test(question)) {
          portion.add(question);
          bytes += bytes(question);
        }
        if (portion.size() == PORTION || bytes > PORTION_BYTES) {
          consumer.accept(portion);
          portion = new ArrayList<>();
          bytes = 0;
        }
      }
      if (!portion.isEmpty()) {
        consumer.accept(portion);
      }
    }
  }

  private static long bytes(Question question) {
    return question.media().stream().mapToLong(Evaluator::bytes).sum();
  }

  private static long bytes(Media medium) {
    if (medium instanceof Image image) {
      return image.rgb().length;
    }
    if (medium instanceof Audio audio) {
      return (long) Float.BYTES * audio.samples().length;
    }
    return ((Video) medium).frames().stream().mapToLong(Evaluator::bytes).sum();
  }
}
