package org.optmerge.model;

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
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.model.DecoderModel.View;
import org.optmerge.model.PromptUnit.Asked;
import org.optmerge.model.media.Media;

/**
 * Prompts on their way to answers: tokens, batches, features of the media, decoding.
 *
 * <p>A small model reads and decodes prompts of equal length side by side: nothing is padded, and a
 * batch ends when its answers do. A large one reads prompt by prompt, what several say alike about
 * the same media once, and then decodes them side by side. Which prompts share a batch depends on
 * the model and the prompts, never on the machine.
 */
final class Answering<F> {
  /** Most prompts of a batch. */
  private static final int BATCH = 128;

  /** Most memory of what a batch computes, in bytes. */
  private static final long BATCH_BYTES = 128L << 20;

  /** A sequence that needs more keeps all threads busy by itself. */
  private static final long LARGE = 32L << 20;

  /** Parameters of a model whose weights are far larger than a processor's cache. */
  private static final long LARGE_MODEL = 1L << 26;

  /** Most prompts that a large model decodes together. */
  private static final int TOGETHER = 16;

  /** Most memory of their keys and values, in bytes, for answers as long as expected. */
  private static final long CACHE_BYTES = 1L << 30;

  /** Tokens of an answer, if it may be so long. */
  private static final int EXPECTED = 256;

  /** Tokens of media that are encoded at a time: 128 pictures of 16. */
  private static final int TOKENS = 2048;

  private final DecoderModel<F> model;
  private final InternVLConfig.Language language;
  private final Map<DecoderModel.Encoder, String> fingerprints = new HashMap<>();
  private final ChatFiles chat;
  private final GenerationConfig generation;
  private @Nullable FeatureCache cache;

  Answering(DecoderModel<F> model, InternVLConfig.Language language) {
    this.model = model;
    this.language = language;
    Path folder = model.folder();
    this.generation = GenerationConfig.read(folder);
    this.chat = ChatFiles.read(folder);
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

  /** Media that one encoder takes in one way. */
  private record Kind(Class<?> medium, Prompt.Resolution resolution) {
    static Kind of(View view) {
      return new Kind(view.medium().getClass(), view.resolution());
    }
  }

  /**
   * How the answers of a call are made.
   *
   * @param features that are kept; null if none are
   * @param encoders for each kind of media what tells its encoder from others
   * @param listener is told one answer at a time
   */
  private record Call(
      Decoding decoding,
      Tokenizer tokenizer,
      ChatTemplate template,
      Set<Long> stops,
      @Nullable FeatureCache features,
      Map<Kind, String> encoders,
      AnswerListener listener) {
    GreedyDecoding end(int room) {
      return new GreedyDecoding(room, stops, template.pad(tokenizer));
    }

    /** A choice that tells of each token of a batch's answers. */
    TokenChoice followed(List<Asked> batch, TokenChoice choice) {
      if (!listener.follows()) {
        return choice;
      }
      boolean[] ended = new boolean[batch.size()];
      return (scores, answers, made) -> {
        long[] next = choice.next(scores, answers, made);
        for (int i = 0; i < next.length; i++) {
          ended[i] |= stops.contains(next[i]);
          if (!ended[i]) {
            long[] tokens = Arrays.copyOf(answers[i], made + 1);
            tokens[made] = next[i];
            String text = template.answer(tokenizer, stops, tokens);
            // What is no character yet may become one with the next token.
            listener.grown(batch.get(i).index(), text.replaceFirst("\ufffd+$", ""));
          }
        }
        return next;
      };
    }

    synchronized void answered(Asked asked, long[] ids) {
      listener.answered(asked.index(), template.answer(tokenizer, stops, ids));
    }
  }

  void answer(List<Prompt> prompts, Decoding decoding, AnswerListener listener) {
    answer(prompts, decoding, listener, model.weights().count() >= LARGE_MODEL);
  }

  /**
   * @param together true to read prompts one by one and decode them side by side
   */
  void answer(List<Prompt> prompts, Decoding decoding, AnswerListener listener, boolean together) {
    if (prompts.isEmpty()) {
      return;
    }
    Tokenizer tokenizer = model.tokenizer();
    ChatTemplate template =
        prompts.stream().allMatch(prompt -> prompt.form() == Prompt.Form.COMPLETION)
            ? model.template(tokenizer)
            : model.template(chat, tokenizer);
    List<Asked> asked = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      asked.add(asked(i, prompts.get(i), tokenizer, template));
    }
    asked.sort(Comparator.comparingInt(Asked::length));
    FeatureCache features = model.isAdapted() ? null : cache;
    Map<Kind, String> encoders = features == null ? Map.of() : fingerprints(asked);
    Set<Long> stops = new LinkedHashSet<>(template.stops(tokenizer));
    stops.addAll(generation.stops());
    Call call = new Call(decoding, tokenizer, template, stops, features, encoders, listener);
    if (together && !model.isOneAtATime()) {
      answerTogether(asked, call);
    } else {
      answerByLength(asked, call);
    }
  }

  /** Answers prompts of a small model: those of one length are read and decoded side by side. */
  private void answerByLength(List<Asked> asked, Call call) {
    List<Runnable> small = new ArrayList<>();
    List<Runnable> large = new ArrayList<>();
    for (int from = 0; from < asked.size(); ) {
      int length = asked.get(from).length();
      int room = room(length, call.decoding);
      long bytes = bytes(length + room);
      long most = Math.max(1, Math.min(BATCH, BATCH_BYTES / bytes));
      int to = from;
      while (to < asked.size() && to - from < most && asked.get(to).length() == length) {
        to++;
      }
      List<Asked> batch = asked.subList(from, to);
      (bytes > LARGE || model.isOneAtATime() ? large : small)
          .add(
              () -> {
                List<long[]> answers =
                    DecoderModel.withoutGradients(() -> decode(batch, call, call.end(room)));
                for (int i = 0; i < batch.size(); i++) {
                  call.answered(batch.get(i), answers.get(i));
                }
              });
      from = to;
    }
    EngineThreads.sideBySide(
        Runtime.getRuntime().availableProcessors(),
        small.stream().<Supplier<Boolean>>map(batch -> () -> done(batch)).toList());
    large.forEach(Runnable::run);
  }

  private int room(int length, Decoding decoding) {
    return Math.min(decoding.maxNewTokens(), language.maxPositions() - length);
  }

  /**
   * Answers prompts of a large model. Reading a prompt keeps all processors busy by itself;
   * decoding does not, since it waits for weights, and takes little longer for many sequences than
   * for one.
   */
  private void answerTogether(List<Asked> asked, Call call) {
    int longest = asked.get(asked.size() - 1).length();
    long places = longest + Math.min(EXPECTED, room(longest, call.decoding));
    int width = model.precision().cacheBytes();
    long bytes =
        2L * width * places * language.layers() * language.keyValueHeads() * language.headWidth();
    int most = (int) Math.max(1, Math.min(TOGETHER, CACHE_BYTES / bytes));
    for (List<PromptUnit> batch : PromptUnit.batches(PromptUnit.of(asked, most), most)) {
      DecoderModel.withoutGradients(() -> answer(batch, call)).forEach(call::answered);
    }
  }

  private Map<Asked, long[]> answer(List<PromptUnit> units, Call call) {
    List<Asked> asked = units.stream().flatMap(unit -> unit.prompts().stream()).toList();
    Map<View, float[]> known = features(asked, call);
    int longest = units.stream().mapToInt(PromptUnit::longest).max().orElseThrow();
    Map<Asked, long[]> answers = new LinkedHashMap<>();
    try (NDManager scope = model.manager().newSubManager()) {
      Decoder decoder = model.decoder(scope);
      Sequences all =
          decoder.join(units.stream().map(unit -> read(decoder, scope, unit, known)).toList());
      long[][] made = decoder.run(all, call.end(room(longest, call.decoding)), choice(asked, call));
      for (int i = 0; i < made.length; i++) {
        answers.put(asked.get(i), made[i]);
      }
    }
    return answers;
  }

  private TokenChoice choice(List<Asked> asked, Call call) {
    return call.followed(
        asked,
        TokenSampler.of(
                call.decoding, asked.stream().map(Asked::ids).toList(), model.penalisesPrompt())
            .without(call.stops, call.decoding.minNewTokens()));
  }

  private Sequences read(
      Decoder decoder, NDManager scope, PromptUnit unit, Map<View, float[]> known) {
    Asked first = unit.prompts().get(0);
    try (NDManager step = scope.newSubManager()) {
      if (unit.shared() == 0) {
        return read(decoder, step, first.ids(), first.media(), known);
      }
      long[] beginning = Arrays.copyOf(first.ids(), unit.shared());
      try (Sequences read = read(decoder, step, beginning, first.media(), known)) {
        return decoder.extend(read, unit.rests());
      }
    }
  }

  private Sequences read(
      Decoder decoder, NDManager step, long[] ids, List<View> media, Map<View, float[]> known) {
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    Shape shape = new Shape(1, ids.length);
    return model.begin(
        decoder,
        step,
        step.create(ids, shape),
        step.create(mask, shape),
        features(step, media, known));
  }

  private @Nullable F features(NDManager step, List<View> media, Map<View, float[]> known) {
    return media.isEmpty()
        ? null
        : model.features(
            step,
            media.stream()
                .map(view -> new DecoderModel.Seen(view, known.getOrDefault(view, new float[0])))
                .toList());
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
      expected.merge(model.tokenId(tokenizer, segment.token()), segment.count(), Integer::sum);
    }
    String text;
    try {
      text = template.prompt(prompt.form(), prompt.text(), segments, prompt.earlier());
    } catch (ModelException e) {
      throw new ModelException("prompt %d: %s".formatted(index, e.getMessage()), e);
    }
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
    int afterMedia = ids.length;
    while (afterMedia > 0 && !expected.containsKey(ids[afterMedia - 1])) {
      afterMedia--;
    }
    return new Asked(index, views, ids, afterMedia);
  }

  /** Keys and values of all places, and what a layer computes. */
  private long bytes(int places) {
    return (long) Float.BYTES
        * places
        * (2L * language.layers() * language.keyValueHeads() * language.headWidth()
            + 4L * language.width()
            + 2L * language.intermediate());
  }

  private List<long[]> decode(List<Asked> batch, Call call, GreedyDecoding end) {
    int length = batch.get(0).length();
    long[] ids = batch.stream().flatMapToLong(asked -> Arrays.stream(asked.ids())).toArray();
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    Map<View, float[]> known = features(batch, call);
    List<View> media = batch.stream().flatMap(asked -> asked.media().stream()).toList();
    try (NDManager step = model.manager().newSubManager()) {
      Shape shape = new Shape(batch.size(), length);
      return List.of(
          model.generate(
              step.create(ids, shape),
              step.create(mask, shape),
              features(step, media, known),
              end,
              choice(batch, call)));
    }
  }

  /** The features of all media of a batch, each medium once. */
  private Map<View, float[]> features(List<Asked> batch, Call call) {
    FeatureCache features = call.features;
    Map<Kind, String> encoders = call.encoders;
    Map<View, float[]> known = new HashMap<>();
    Map<Kind, Map<View, Integer>> missing = new LinkedHashMap<>();
    for (Asked asked : batch) {
      for (View view : asked.media()) {
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
      for (View view : one.media()) {
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
