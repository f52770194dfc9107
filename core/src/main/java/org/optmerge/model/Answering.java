package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.model.DecoderModel.View;
import org.optmerge.model.media.Media;

/**
 * Prompts on their way to answers: tokens, batches of one length, features of the media, decoding.
 *
 * <p>Prompts of equal length are decoded side by side: nothing is padded, and a batch ends when its
 * answers do. Which prompts share a batch depends on the model and the prompts, never on the
 * machine.
 */
final class Answering<F> {
  /** Most prompts of a batch. */
  private static final int BATCH = 128;

  /** Most memory of what a batch computes, in bytes. */
  private static final long BATCH_BYTES = 128L << 20;

  /** A sequence that needs more keeps all threads busy by itself. */
  private static final long LARGE = 32L << 20;

  /** Tokens of media that are encoded at a time: 128 pictures of 16. */
  private static final int TOKENS = 2048;

  private final DecoderModel<F> model;
  private final InternVLConfig.Language language;
  private final Map<DecoderModel.Encoder, String> fingerprints = new HashMap<>();
  private final String template;
  private final GenerationConfig generation;
  private @Nullable FeatureCache cache;

  Answering(DecoderModel<F> model, InternVLConfig.Language language) {
    this.model = model;
    this.language = language;
    Path folder = model.folder();
    this.generation = GenerationConfig.read(folder);
    this.template =
        folder == null ? "" : ConfigReader.read(folder, json -> json.path("template").asText(""));
  }

  GenerationConfig generation() {
    return generation;
  }

  void use(FeatureCache features) {
    this.cache = features;
  }

  /** A parameter has other values now. */
  void changed(String parameter) {
    fingerprints.keySet().removeIf(encoder -> parameter.startsWith(encoder.prefix()));
  }

  /** A prompt as token ids. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Asked(int index, List<View> media, long[] ids) {
    int length() {
      return ids.length;
    }
  }

  /** Media that one encoder takes in one way. */
  private record Kind(Class<?> medium, Prompt.Resolution resolution) {
    static Kind of(View view) {
      return new Kind(view.medium().getClass(), view.resolution());
    }
  }

  void answer(List<Prompt> prompts, Decoding decoding, AnswerListener listener) {
    if (prompts.isEmpty()) {
      return;
    }
    Tokenizer tokenizer = model.tokenizer();
    ChatTemplate template = ChatTemplate.of(this.template, tokenizer);
    List<Asked> asked = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      asked.add(asked(i, prompts.get(i), tokenizer, template));
    }
    asked.sort(Comparator.comparingInt(Asked::length));
    FeatureCache features = model.isAdapted() ? null : cache;
    Map<Kind, String> encoders = features == null ? Map.of() : fingerprints(asked);
    Set<Long> stops = new LinkedHashSet<>(template.stops(tokenizer));
    stops.addAll(generation.stops());
    long pad = template.pad(tokenizer);
    Object oneByOne = new Object();
    List<Runnable> small = new ArrayList<>();
    List<Runnable> large = new ArrayList<>();
    for (int from = 0; from < asked.size(); ) {
      int length = asked.get(from).length();
      int room = Math.min(decoding.maxNewTokens(), language.maxPositions() - length);
      long bytes = bytes(length + room);
      long most = Math.max(1, Math.min(BATCH, BATCH_BYTES / bytes));
      int to = from;
      while (to < asked.size() && to - from < most && asked.get(to).length() == length) {
        to++;
      }
      List<Asked> batch = asked.subList(from, to);
      GreedyDecoding greedy = new GreedyDecoding(room, stops, pad);
      (bytes > LARGE || model.isOneAtATime() ? large : small)
          .add(
              () -> {
                List<long[]> answers =
                    DecoderModel.withoutGradients(
                        () ->
                            decode(
                                batch,
                                decoding,
                                greedy,
                                followed(listener, batch, tokenizer, template, stops),
                                features,
                                encoders));
                synchronized (oneByOne) {
                  for (int i = 0; i < batch.size(); i++) {
                    listener.answered(
                        batch.get(i).index, template.answer(tokenizer, stops, answers.get(i)));
                  }
                }
              });
      from = to;
    }
    EngineThreads.sideBySide(
        Runtime.getRuntime().availableProcessors(),
        small.stream().<Supplier<Boolean>>map(batch -> () -> done(batch)).toList());
    large.forEach(Runnable::run);
  }

  /** Tells of each token of a batch's answers as it is chosen. */
  private static UnaryOperator<TokenChoice> followed(
      AnswerListener listener,
      List<Asked> batch,
      Tokenizer tokenizer,
      ChatTemplate template,
      Set<Long> stops) {
    if (!listener.follows()) {
      return UnaryOperator.identity();
    }
    boolean[] ended = new boolean[batch.size()];
    return choice ->
        (scores, answers, made) -> {
          long[] next = choice.next(scores, answers, made);
          for (int i = 0; i < next.length; i++) {
            ended[i] |= stops.contains(next[i]);
            if (!ended[i]) {
              long[] tokens = Arrays.copyOf(answers[i], made + 1);
              tokens[made] = next[i];
              String text = template.answer(tokenizer, stops, tokens);
              // What is no character yet may become one with the next token.
              listener.grown(batch.get(i).index, text.replaceFirst("\ufffd+$", ""));
            }
          }
          return next;
        };
  }

  private static boolean done(Runnable work) {
    work.run();
    return true;
  }

  private Asked asked(int index, Prompt prompt, Tokenizer tokenizer, ChatTemplate template) {
    List<ChatTemplate.Segment> segments = new ArrayList<>();
    Map<Long, Integer> expected = new HashMap<>();
    for (Media medium : prompt.media()) {
      if (!model.media().contains(medium.getClass())) {
        throw new ModelException(
            "prompt %d has %s; the model takes %s"
                .formatted(
                    index, medium, model.media().stream().map(Class::getSimpleName).toList()));
      }
      ChatTemplate.Segment segment;
      try {
        segment = model.segment(new View(medium, prompt.resolution()));
      } catch (IllegalArgumentException | ModelException e) {
        throw new ModelException("prompt %d: %s".formatted(index, e.getMessage()), e);
      }
      segments.add(segment);
      expected.merge(tokenizer.id(segment.token()), segment.count(), Integer::sum);
    }
    String text = template.prompt(prompt.form(), prompt.text(), segments);
    long[] ids = model.encode(tokenizer, text);
    expected.forEach(
        (token, count) -> {
          long there = Arrays.stream(ids).filter(id -> id == token).count();
          if (there != count) {
            throw new ModelException(
                "prompt %d: its text has the token of a medium itself, so that there are %d instead of %d"
                    .formatted(index, there, count));
          }
        });
    if (ids.length == 0 || ids.length >= language.maxPositions()) {
      throw new ModelException(
          "prompt %d has %d tokens; it must have some, and less than max_position_embeddings, %d"
              .formatted(index, ids.length, language.maxPositions()));
    }
    List<View> views =
        prompt.media().stream().map(medium -> new View(medium, prompt.resolution())).toList();
    return new Asked(index, views, ids);
  }

  /** Keys and values of all places, and what a layer computes. */
  private long bytes(int places) {
    return (long) Float.BYTES
        * places
        * (2L * language.layers() * language.keyValueHeads() * language.headWidth()
            + 4L * language.width()
            + 2L * language.intermediate());
  }

  private List<long[]> decode(
      List<Asked> batch,
      Decoding decoding,
      GreedyDecoding end,
      UnaryOperator<TokenChoice> followed,
      @Nullable FeatureCache features,
      Map<Kind, String> encoders) {
    int length = batch.get(0).length();
    long[] ids = batch.stream().flatMapToLong(asked -> Arrays.stream(asked.ids)).toArray();
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    Map<View, float[]> known = features(batch, features, encoders);
    List<DecoderModel.Seen> seen = new ArrayList<>();
    for (Asked asked : batch) {
      for (View view : asked.media) {
        seen.add(new DecoderModel.Seen(view, known.getOrDefault(view, new float[0])));
      }
    }
    try (NDManager step = model.manager().newSubManager()) {
      Shape shape = new Shape(batch.size(), length);
      return List.of(
          model.generate(
              step.create(ids, shape),
              step.create(mask, shape),
              seen.isEmpty() ? null : model.features(step, seen),
              end,
              followed.apply(
                  TokenSampler.of(
                      decoding, batch.stream().map(Asked::ids).toList(), model.penalisesPrompt()))));
    }
  }

  /** The features of all media of a batch, each medium once. */
  private Map<View, float[]> features(
      List<Asked> batch, @Nullable FeatureCache features, Map<Kind, String> encoders) {
    Map<View, float[]> known = new HashMap<>();
    Map<Kind, Map<View, Integer>> missing = new LinkedHashMap<>();
    for (Asked asked : batch) {
      for (View view : asked.media) {
        Kind kind = Kind.of(view);
        float[] kept =
            features == null ? null : features.find(encoders.getOrDefault(kind, ""), view.medium());
        if (kept != null) {
          known.put(view, kept);
        } else {
          missing
              .computeIfAbsent(kind, any -> new LinkedHashMap<>())
              .put(view, model.segment(view).count());
        }
      }
    }
    for (Map<View, Integer> ofOneKind : missing.values()) {
      for (List<View> some : parts(ofOneKind)) {
        List<float[]> values;
        try (NDManager step = model.manager().newSubManager()) {
          values = model.encode(step, some);
        }
        for (int i = 0; i < some.size(); i++) {
          known.put(some.get(i), values.get(i));
          if (features != null) {
            View view = some.get(i);
            String encoder = encoders.getOrDefault(Kind.of(view), "");
            features.keep(encoder, view.medium(), values.get(i));
          }
        }
      }
    }
    return known;
  }

  /** Media that are encoded together: so many tokens at most, or one medium. */
  private static List<List<View>> parts(Map<View, Integer> media) {
    List<List<View>> parts = new ArrayList<>();
    int tokens = 0;
    for (Map.Entry<View, Integer> entry : media.entrySet()) {
      tokens += entry.getValue();
      if (parts.isEmpty() || tokens > TOKENS) {
        parts.add(new ArrayList<>());
        tokens = entry.getValue();
      }
      parts.get(parts.size() - 1).add(entry.getKey());
    }
    return parts;
  }

  /** For each kind of media what tells its encoder from others. */
  private Map<Kind, String> fingerprints(List<Asked> asked) {
    Map<Kind, String> of = new HashMap<>();
    for (Asked one : asked) {
      for (View view : one.media) {
        of.computeIfAbsent(Kind.of(view), kind -> fingerprint(model.encoder(view)));
      }
    }
    return of;
  }

  private String fingerprint(DecoderModel.Encoder encoder) {
    if (model.weights().isTrained(encoder.prefix())) {
      // In training, which changes weights in place.
      fingerprints.remove(encoder);
    }
    return fingerprints.computeIfAbsent(encoder, this::digest);
  }

  private String digest(DecoderModel.Encoder encoder) {
    MessageDigest digest = Sha256.begin();
    digest.update((encoder + model.precision().key()).getBytes(StandardCharsets.UTF_8));
    model.weights().digest(encoder.prefix(), digest);
    return Sha256.hex(digest.digest());
  }
}
