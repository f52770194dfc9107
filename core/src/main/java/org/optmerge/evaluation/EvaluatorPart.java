package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.Benchmark.Numbered;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.KitPrompt;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.Selection;
import org.optmerge.metric.Metric;
import org.optmerge.metric.MetricException;
import org.optmerge.metric.Prediction;
import org.optmerge.model.AnswerListener;
import org.optmerge.model.Decoding;
import org.optmerge.model.FeatureCache;
import org.optmerge.model.ModelException;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.Prompt;
import org.optmerge.model.media.Media;

/**
 * The questions of one benchmark on their way to a model: in portions, put in one form, scored.
 *
 * <p>Questions that a kit asks may be faulty: they are not asked, and count as wrong. Of questions
 * of one's own a fault ends the evaluation.
 *
 * @param kit whose prompts are used; null: questions are put as the presentation says
 * @param metric null where the benchmark hides its answers
 */
record EvaluatorPart(
    Questions questions,
    Presentation presentation,
    @Nullable KitPrompt kit,
    @Nullable Metric metric,
    Predicate<Question> asked) {
  /** Questions that a model is given at a time. */
  private static final int PORTION = 1024;

  /** Different pictures of a kit's questions at a time, which their features have room for. */
  private static final int PICTURES = 48;

  /** Bytes of media that a model is given at a time. */
  private static final long PORTION_BYTES = 256L << 20;

  /** Bytes of media that are kept from one model to the next. */
  private static final long KEPT_BYTES = Math.min(512L << 20, Runtime.getRuntime().maxMemory() / 4);

  /** Receiver of what happens while a model is asked. */
  interface Listener {
    /** The answer that is known already; null if there is none. */
    @Nullable String known(Question question);

    /** A new answer; one at a time. */
    void answered(Predicted item);

    /** So many more are done. */
    void progress(int more);
  }

  static Listener listener(
      Map<Key, String> known, Consumer<Predicted> answered, IntConsumer progress) {
    return new Listener() {
      @Override
      public @Nullable String known(Question question) {
        return known.get(new Key(question.group(), question.id()));
      }

      @Override
      public void answered(Predicted item) {
        answered.accept(item);
      }

      @Override
      public void progress(int more) {
        progress.accept(more);
      }
    };
  }

  /** The key of an answer among those of several benchmarks. */
  record Key(String task, String id) {}

  /** Everything that is asked; results are those of the same text. */
  String settings() {
    return kit == null
        ? "[%s], %s, %d tokens".formatted(presentation, metric, questions.benchmark.answerTokens())
        : "%s, %s, %s".formatted(kit.settings(), metric, questions.selected());
  }

  /** The settings one by one, by names that a refusal can say. */
  Map<String, String> named(MultimodalModel model) {
    Map<String, String> named = new LinkedHashMap<>();
    KitPrompt by = kit;
    if (by == null) {
      named.put("way of asking", presentation.toString());
      named.put("decoding", String.valueOf(new Decoding(questions.benchmark.answerTokens())));
    } else {
      named.put("prompts", by.withMaxNewTokens(1).settings());
      named.put("decoding", String.valueOf(by.decoding(model)));
      named.put(EvaluationFolder.SHARD, questions.selected());
    }
    named.put("metric", String.valueOf(metric));
    named.put(
        "data", "%d questions, SHA-256 %.16s".formatted(questions.benchmark.size(), digest()));
    return named;
  }

  String digest() {
    return questions.benchmark.digest();
  }

  long size() {
    return questions.size();
  }

  /** Asks a model, and gives its answers in the order of the questions. */
  List<Predicted> evaluate(MultimodalModel model, Listener listener) {
    List<Done> done = new ArrayList<>();
    questions.forEachPortion(
        asked,
        kit != null,
        (portion, features) -> {
          model.useFeatures(features);
          evaluate(portion, model, listener, done);
        });
    done.sort(Comparator.comparingLong(Done::number));
    return done.stream().map(Done::item).toList();
  }

  private record Done(long number, Predicted item) {}

  private void evaluate(
      List<Numbered> portion, MultimodalModel model, Listener listener, List<Done> done) {
    Predicted[] answers = new Predicted[portion.size()];
    List<Integer> open = new ArrayList<>();
    for (int i = 0; i < answers.length; i++) {
      Question question = portion.get(i).question();
      if (question.fault().isPresent()) {
        answers[i] = unanswered(question);
        listener.progress(1);
        continue;
      }
      String before = listener.known(question);
      if (before == null) {
        open.add(i);
      } else {
        answers[i] = scored(question, before);
      }
    }
    ask(
        open.stream().map(i -> portion.get(i).question()).toList(),
        model,
        (index, item) -> {
          answers[open.get(index)] = item;
          if (item.reference().fields().containsKey(Question.FAULT)) {
            listener.progress(1);
          } else {
            listener.answered(item);
            listener.progress(1);
          }
        });
    for (int i = 0; i < answers.length; i++) {
      Predicted item =
          Objects.requireNonNull(answers[i], "no answer to " + portion.get(i).question().id());
      done.add(new Done(portion.get(i).number(), item));
    }
  }

  /** Receiver of answers. */
  private interface Answered {
    void answered(int index, Predicted item);
  }

  private void ask(List<Question> open, MultimodalModel model, Answered answered) {
    KitPrompt by = kit;
    List<Prompt> prompts =
        by == null ? open.stream().map(presentation::prompt).toList() : by.ask(open);
    Decoding decoding =
        by == null ? new Decoding(questions.benchmark.answerTokens()) : by.decoding(model);
    AnswerListener each =
        (index, text) ->
            answered.answered(index, scored(open.get(index), by == null ? text : by.written(text)));
    if (by == null) {
      model.answer(prompts, decoding, each);
      return;
    }
    try {
      model.answer(prompts, decoding, each);
    } catch (ModelException e) {
      // Nothing has been answered; which question is it?
      oneByOne(open, prompts, decoding, model, answered, e);
    }
  }

  private void oneByOne(
      List<Question> open,
      List<Prompt> prompts,
      Decoding decoding,
      MultimodalModel model,
      Answered answered,
      ModelException all) {
    int faults = 0;
    for (int i = 0; i < open.size(); i++) {
      Question question = open.get(i);
      Predicted item;
      try {
        String text = model.answer(List.of(prompts.get(i)), decoding).get(0);
        item = scored(question, Objects.requireNonNull(kit).written(text));
      } catch (ModelException e) {
        item = unanswered(question.withFault(String.valueOf(e.getMessage())));
        faults++;
      }
      if (faults == open.size()) {
        throw all; // it is the model
      }
      answered.answered(i, item);
    }
  }

  private static Predicted unanswered(Question question) {
    return Predicted.of(question, "").scored(0);
  }

  private Predicted scored(Question question, String answer) {
    Predicted item = Predicted.of(question, answer);
    Metric by = metric;
    if (by == null) {
      return item;
    }
    try {
      return item.scored(by.score(new Prediction(answer), question.reference()));
    } catch (MetricException e) {
      throw new BenchmarkException(
          "%s, question '%s' cannot be scored: %s; choose another metric or add the field"
              .formatted(questions.benchmark.name(), question.id(), e.getMessage()),
          e);
    }
  }

  /** The questions of a benchmark, and what encoders made of their media, as far as they fit. */
  static final class Questions {
    private final Benchmark benchmark;
    private final Selection selection;
    private final FeatureCache features;

    /** Null if they have not been read, or do not fit. */
    private @Nullable List<Numbered> kept;

    Questions(Benchmark benchmark) {
      this(benchmark, Selection.ALL, new FeatureCache());
    }

    Questions(Benchmark benchmark, Selection selection) {
      this(benchmark, selection, new FeatureCache(Runtime.getRuntime().maxMemory() / 4));
    }

    private Questions(Benchmark benchmark, Selection selection, FeatureCache features) {
      this.benchmark = benchmark;
      this.selection = selection;
      this.features = features;
    }

    long size() {
      return selection.of(benchmark.size());
    }

    String name() {
      return benchmark.name();
    }

    /** The questions that are asked, but for how many: more of the same are not others. */
    String selected() {
      return "%s, %d/%d".formatted(selection.split().key(), selection.shard(), selection.shards());
    }

    /** Receiver of portions. */
    interface Portions {
      /**
       * @param features where they are kept
       */
      void portion(List<Numbered> portion, FeatureCache features);
    }

    void forEachPortion(Predicate<Question> asked, boolean lenient, Portions consumer) {
      List<Numbered> before = kept;
      if (before != null) {
        portions(before.iterator(), asked, lenient, portion -> consumer.portion(portion, features));
        return;
      }
      List<Numbered> all = new ArrayList<>();
      long[] bytes = {0};
      try (Stream<Numbered> stream = stream(lenient)) {
        portions(
            stream
                .filter(numbered -> selection.has(numbered.number()))
                .peek(
                    numbered -> {
                      bytes[0] += bytes(numbered.question());
                      if (bytes[0] <= KEPT_BYTES) {
                        all.add(numbered);
                      } else {
                        all.clear();
                      }
                    })
                .iterator(),
            asked,
            lenient,
            portion ->
                consumer.portion(
                    portion,
                    // Pictures of a long list do not come again.
                    bytes[0] <= KEPT_BYTES || !lenient
                        ? features
                        : new FeatureCache(Runtime.getRuntime().maxMemory() / 4)));
      }
      kept = bytes[0] <= KEPT_BYTES ? List.copyOf(all) : null;
    }

    private Stream<Numbered> stream(boolean lenient) {
      if (lenient) {
        return benchmark.numbered();
      }
      long[] next = {0};
      return benchmark.questions().map(question -> new Numbered(next[0]++, question));
    }

    private static void portions(
        Iterator<Numbered> all,
        Predicate<Question> asked,
        boolean fewPictures,
        Consumer<List<Numbered>> consumer) {
      List<Numbered> portion = new ArrayList<>();
      Set<Media> pictures = Collections.newSetFromMap(new IdentityHashMap<>());
      long bytes = 0;
      while (all.hasNext()) {
        Numbered numbered = all.next();
        if (asked.test(numbered.question())) {
          portion.add(numbered);
          for (Media medium : numbered.question().media()) {
            bytes += pictures.add(medium) ? medium.bytes() : 0;
          }
        }
        if (portion.size() == PORTION
            || bytes > PORTION_BYTES
            || fewPictures && pictures.size() >= PICTURES) {
          consumer.accept(portion);
          portion = new ArrayList<>();
          pictures.clear();
          bytes = 0;
        }
      }
      if (!portion.isEmpty()) {
        consumer.accept(portion);
      }
    }

    private static long bytes(Question question) {
      return question.media().stream().mapToLong(Media::bytes).sum();
    }
  }

  /** Of the questions, as {@link Benchmark#digest} has it, and which of them. */
  static String digest(List<EvaluatorPart> parts) {
    return parts.size() == 1
        ? parts.get(0).digest()
        : Sha256.of(String.join("\n", parts.stream().map(EvaluatorPart::digest).toList()));
  }
}
