package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.model.media.Media;

/**
 * A decoder that reads text and features of media: all that InternVL, Qwen-VL, LLaVA and the omni
 * model have in common.
 *
 * <p>Parameters have their published names and live as long as the model. Everything else lives in
 * the manager that is given for a step, which its owner closes:
 *
 * <pre>{@code
 * try (NDManager step = model.manager().newSubManager();
 *     GradientCollector collector = Engine.getInstance().newGradientCollector()) {
 *   NDArray loss = model.loss(step, ids, labels, mask, features);
 *   collector.backward(loss);
 * }
 * }</pre>
 *
 * <p>A parameter takes part in training after {@code setRequiresGradient(true)}. While a gradient
 * collector is open, and only then, calls are recorded. The engine allows one collector at a time
 * in a process; several models can be trained in turn, and never share an array. A model is not to
 * be used from several threads at once.
 *
 * <p>Shapes: B sequences of N tokens, d the decoder's width.
 *
 * @param <F> features of a batch, in the order of its tokens
 */
abstract class DecoderModel<F> implements MultimodalModel {
  private final InternVLConfig.Language language;
  private final @Nullable Tokenizer tokenizer;
  private final NDManager manager;
  private final Parameters parameters;
  private final Precision precision;
  private final Function<Map<String, List<ScriptWriter.LowRank>>, List<ScriptWriter.Method>>
      scripts;
  private final @Nullable Path folder;

  /** Cosines and sines of positions. */
  final RotaryEmbedding rotary;

  private final Answering<F> answering;
  private ModelScript script;
  private @Nullable Lora lora;

  /**
   * @param scripts writes the computations for adapters that work beside the weights
   */
  DecoderModel(
      InternVLConfig.Language language,
      SortedMap<String, Shape> shapes,
      Precision precision,
      Function<Map<String, List<ScriptWriter.LowRank>>, List<ScriptWriter.Method>> scripts,
      @Nullable Tokenizer tokenizer,
      @Nullable Path folder) {
    if (tokenizer != null && tokenizer.size() > language.vocabulary()) {
      throw new ModelException(
          "the tokenizer has %d tokens, the model's vocabulary %d"
              .formatted(tokenizer.size(), language.vocabulary()));
    }
    this.language = language;
    this.tokenizer = tokenizer;
    this.folder = folder;
    this.scripts = scripts;
    this.precision = precision;
    this.script = new ModelScript(scripts.apply(Map.of()), precision);
    this.manager = NativeLibraries.newManager();
    this.parameters = new Parameters(manager, shapes, precision);
    this.rotary = new RotaryEmbedding(language.headWidth(), language.ropeTheta());
    this.answering = new Answering<>(this, language);
  }

  // What a family has of its own.

  /**
   * Features as the decoder takes them.
   *
   * @param media the tokens that they take the place of
   * @param all features one kind after another; null if there are none
   * @param width of a feature
   */
  record Connected(List<TokenBatch.Medium> media, @Nullable NDArray all, int width) {}

  abstract Connected connected(NDManager step, @Nullable F features);

  /** Cosines and sines of a batch's positions, for a pass over all of it. */
  RotaryEmbedding.Table wholePass(NDManager step, TokenBatch batch, @Nullable F features) {
    return rotary.upTo(step, batch.length());
  }

  /**
   * Positions of a batch that is continued.
   *
   * @param prompt cosines and sines of the tokens that are there
   * @param deltas what the index of a new token is to be changed by to be its position
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on at once, never compared
  record Positions(Function<NDManager, RotaryEmbedding.Table> prompt, long[] deltas) {}

  Positions continued(TokenBatch batch, @Nullable F features) {
    return new Positions(step -> rotary.of(step, batch.positions()), batch.deltas());
  }

  /** The model's own name for a tensor of a checkpoint or adapter. */
  String ownName(String stored) {
    return stored;
  }

  /**
   * A medium as a prompt shows it.
   *
   * @param resolution of pictures
   */
  record View(Media medium, Prompt.Resolution resolution) {}

  /** Tokens of a medium in a prompt. */
  abstract ChatTemplate.Segment segment(View view);

  /** The chat template of the family, whatever the folder says. */
  ChatTemplate template(Tokenizer words) {
    return ChatTemplate.of(words);
  }

  /**
   * The chat template.
   *
   * @throws ModelException if the folder has one that is not known
   */
  ChatTemplate template(ChatFiles files, Tokenizer words) {
    return files.choose(template(words));
  }

  /** The id of the token that features take the place of. */
  long tokenId(Tokenizer words, String token) {
    return words.id(token);
  }

  /** The ids of a prompt's text, after those that come before every prompt. */
  long[] encode(Tokenizer words, String text) {
    return LongStream.concat(LongStream.of(words.prefix()), LongStream.of(words.encodeKnown(text)))
        .toArray();
  }

  /**
   * An encoder.
   *
   * @param prefix of its parameters' names
   * @param settings what else its outputs depend on
   */
  record Encoder(String prefix, Object settings) {}

  abstract Encoder encoder(View view);

  /** Features of media of one kind, row by row, each by itself. */
  abstract List<float[]> encode(NDManager step, List<View> views);

  /**
   * A medium with its features.
   *
   * @param features row by row
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on at once, never compared
  record Seen(View view, float[] features) {}

  /** The features of a batch. */
  abstract F features(NDManager step, List<Seen> seen);

  /** Features one below the other: (…, tokens, width). */
  static NDArray concatenated(NDManager step, List<Seen> seen, long tokens, long width) {
    float[] all = new float[seen.stream().mapToInt(one -> one.features.length).sum()];
    int at = 0;
    for (Seen one : seen) {
      System.arraycopy(one.features, 0, all, at, one.features.length);
      at += one.features.length;
    }
    return step.create(all, new Shape(all.length / (tokens * width), tokens, width));
  }

  /** The parts of a flat array, each of a size. */
  static List<float[]> split(float[] all, List<Integer> sizes) {
    List<float[]> parts = new ArrayList<>();
    int at = 0;
    for (int size : sizes) {
      parts.add(Arrays.copyOfRange(all, at, at + size));
      at += size;
    }
    return parts;
  }

  /** True if a penalty on repetition counts tokens of the prompt. */
  boolean penalisesPrompt() {
    return true;
  }

  /** True while several answers cannot be worked on at the same time. */
  boolean isOneAtATime() {
    return false;
  }

  /** The configuration as {@code config.json} has it, for a model that comes from no folder. */
  abstract ObjectNode configJson();

  /** Writes files into a folder that has tensors, configuration and tokenizer already. */
  void saveMore(Path staging) throws IOException {}

  // What they share.

  /** Adds low-rank factors that a training run left beside the weights. */
  void addFactors(Checkpoint checkpoint, CheckpointNames stored) {
    if (!stored.factors().isEmpty()) {
      throw new ModelException(
          "%s: has low-rank factors beside its weights (%s), and says nowhere how they are scaled; merge them first"
              .formatted(
                  checkpoint.folder(), Parameters.some(List.copyOf(stored.factors().keySet()))));
    }
  }

  final Parameters weights() {
    return parameters;
  }

  /** Rounds what the precision rounds, once the parameters are read. */
  final void round() {
    parameters.round(script.factors());
  }

  final InternVLConfig.Language language() {
    return language;
  }

  /**
   * The tokenizer of its folder.
   *
   * @throws ModelException if the model has none
   */
  public final Tokenizer tokenizer() {
    if (tokenizer == null) {
      throw new ModelException(
          "the model has no tokenizer; put its tokenizer.json into %s"
              .formatted(folder == null ? "its folder" : folder));
    }
    return tokenizer;
  }

  /** The manager of the parameters; make a sub-manager of it for each step. */
  public final NDManager manager() {
    return manager;
  }

  /**
   * The parameters by published name. They are the model's own: who trains one calls {@code
   * setRequiresGradient(true)} on it and changes it in place.
   */
  @Override
  public final SortedMap<String, NDArray> parameters() {
    return parameters.all();
  }

  /**
   * A parameter, or a factor of the adapters.
   *
   * @throws ModelException if there is none, or the precision is not {@link Precision#FLOAT32}
   */
  public final NDArray parameter(String name) {
    NDArray factor = lora == null ? null : lora.find(name);
    return factor == null ? parameters.get(name) : factor;
  }

  /** The same as an argument of a script, whatever the precision. */
  NDArray argument(String name) {
    NDArray factor = lora == null ? null : lora.find(name);
    return factor == null ? parameters.argument(name) : factor;
  }

  @Override
  public final Precision precision() {
    return precision;
  }

  @Override
  public final Set<String> names() {
    return parameters.shapes().keySet();
  }

  @Override
  public final boolean has(String name) {
    return names().contains(ownName(name));
  }

  @Override
  public final float[] values(String name) {
    return parameters.values(ownName(name));
  }

  @Override
  public final Kept keep(Collection<String> names) {
    Map<String, NDArray> kept = parameters.keep(names.stream().map(this::ownName).toList());
    return () -> {
      parameters.putBack(kept);
      kept.keySet().forEach(answering::changed);
    };
  }

  @Override
  public final void load(String stored, float[] values) {
    String name = ownName(stored);
    parameters.fill(name, values);
    answering.changed(name);
  }

  @Override
  public final @Nullable Path folder() {
    return folder;
  }

  // Adapters.

  /**
   * Puts trainable low-rank factors beside the weights they match. The weights themselves are left
   * as they are; whether they are trained as well is up to the caller.
   *
   * @throws ModelException if the model has adapters already, or no linear module matches
   */
  public final Lora addLora(LoraSettings settings) {
    requireNoAdapters();
    if (precision != Precision.FLOAT32) {
      throw new ModelException(
          "adapters are trained in float32, the model is in %s; open it with Precision.FLOAT32"
              .formatted(precision.key()));
    }
    Lora added = new Lora(this, settings);
    adapt(added.adapters());
    lora = added;
    return added;
  }

  final void forget(Lora old) {
    if (lora == old) {
      adapt(Map.of());
      lora = null;
    }
  }

  final boolean isAdapted() {
    return lora != null;
  }

  void requireNoAdapters() {
    if (lora != null) {
      throw new ModelException("the model has adapters already; merge or remove them first");
    }
  }

  /** Writes the computations anew, with adapters beside the weights. */
  final void adapt(Map<String, List<ScriptWriter.LowRank>> adapters) {
    ModelScript other = new ModelScript(scripts.apply(adapters), precision);
    script.close();
    script = other;
  }

  @Override
  public final void apply(Path adapterFolder) {
    try (LoraAdapter adapter = LoraAdapter.open(adapterFolder)) {
      AdapterChanges changes = AdapterChanges.of(adapter, this);
      Checkpoint tensors = adapter.tensors();
      changes
          .deltas()
          .forEach(
              (name, delta) -> {
                parameters.addLowRank(name, tensors, delta.b(), delta.a(), delta.scale());
                answering.changed(name);
              });
      changes
          .replacements()
          .forEach(
              (name, tensor) -> {
                parameters.fill(
                    name, (first, length, target) -> tensors.read(tensor, first, length, target));
                answering.changed(name);
              });
    }
  }

  // Computations.

  NDList call(NDManager step, String method, Object... arguments) {
    parameters.requireUnchanged();
    return script.call(step, method, this::argument, arguments);
  }

  final NDArray decode(NDManager step, String method, Object... arguments) {
    return call(step, method, arguments).singletonOrThrow();
  }

  /**
   * The decoder's scores for the next token at every place.
   *
   * @param inputIds (B, N), int64
   * @param attentionMask (B, N), int64; 0 where a sequence is padded, to the left or the right
   * @param features of the media that the batch has tokens of, in reading order; null if none
   * @return (B, N, vocabulary); at padded places without meaning
   * @throws ModelException if the number of a medium's tokens is not that of its features
   */
  public final NDArray logits(
      NDManager step, NDArray inputIds, NDArray attentionMask, @Nullable F features) {
    Connected connected = connected(step, features);
    TokenBatch batch = batch(inputIds, attentionMask, connected);
    return decode(step, "logits", arguments(step, batch, inputIds, connected, features));
  }

  /**
   * The mean cross-entropy of the tokens that are to be learned, each predicted from those before
   * it. The head is applied to their rows only.
   *
   * @param labels (B, N), int64: the input's ids where they are to be learned, else {@link
   *     InternVL#IGNORE}
   * @return a scalar
   * @throws ModelException if no token is to be learned, or as {@link #logits}
   */
  public final NDArray loss(
      NDManager step,
      NDArray inputIds,
      NDArray labels,
      NDArray attentionMask,
      @Nullable F features) {
    Connected connected = connected(step, features);
    TokenBatch batch = batch(inputIds, attentionMask, connected);
    if (!labels.getShape().equals(inputIds.getShape())) {
      throw new ModelException(
          "labels have shape %s, the input ids %s"
              .formatted(labels.getShape(), inputIds.getShape()));
    }
    TokenBatch.Targets targets = batch.targets(labels.toLongArray());
    Object[] arguments = arguments(step, batch, inputIds, connected, features);
    Object[] all = Arrays.copyOf(arguments, arguments.length + 2);
    all[arguments.length] = step.create(targets.rows());
    all[arguments.length + 1] = step.create(targets.ids());
    return decode(step, "loss", all);
  }

  /**
   * Continues sequences with the token that scores best, again and again.
   *
   * <p>Keys and values of earlier tokens are kept, so a new token costs one row. Sequences of
   * different length are padded to the left.
   *
   * @param features as for {@link #logits}
   * @return for each sequence the new tokens only; all rows are as long as the longest, filled with
   *     the pad token
   * @throws ModelException if a sequence ends with padding, or as {@link #logits}
   */
  public final long[][] generate(
      NDArray inputIds, NDArray attentionMask, @Nullable F features, GreedyDecoding decoding) {
    return generate(inputIds, attentionMask, features, decoding, TokenChoice.BEST);
  }

  /** The same with tokens that are chosen otherwise. */
  final long[][] generate(
      NDArray inputIds,
      NDArray attentionMask,
      @Nullable F features,
      GreedyDecoding decoding,
      TokenChoice choice) {
    return withoutGradients(
        () -> {
          try (NDManager scope = manager.newSubManager()) {
            Decoder decoder = decoder(scope);
            Sequences sequences = begin(decoder, scope, inputIds, attentionMask, features);
            requireRoom(sequences.length(), decoding.maxNewTokens());
            return decoder.run(sequences, decoding, choice);
          }
        });
  }

  /** Steps of decoding. */
  final Decoder decoder(NDManager scope) {
    return new Decoder(rotary, this::call, scope, parameters::notFinite);
  }

  /** Reads a batch of prompts. */
  final Sequences begin(
      Decoder decoder,
      NDManager step,
      NDArray inputIds,
      NDArray attentionMask,
      @Nullable F features) {
    Connected connected = connected(step, features);
    TokenBatch batch = batch(inputIds, attentionMask, connected);
    Positions positions = continued(batch, features);
    return decoder.begin(batch, positions.prompt(), positions.deltas(), inputIds, connected.all());
  }

  private void requireRoom(int tokens, int more) {
    if (tokens + more > language.maxPositions()) {
      throw new ModelException(
          "%d tokens and %d new ones are more than max_position_embeddings, %d"
              .formatted(tokens, more, language.maxPositions()));
    }
  }

  /** Does something of which no gradient is asked for. */
  static <T> T withoutGradients(Supplier<T> work) {
    boolean recording = JniUtils.isGradMode();
    JniUtils.setGradMode(false);
    try {
      return work.get();
    } finally {
      JniUtils.setGradMode(recording);
    }
  }

  /**
   * The input embeddings and the output of every layer of the decoder, the last one after the final
   * norm; each (B, N, d).
   */
  final List<NDArray> decoderStates(
      NDManager step, NDArray inputIds, NDArray attentionMask, @Nullable F features) {
    Connected connected = connected(step, features);
    TokenBatch batch = batch(inputIds, attentionMask, connected);
    Object[] all = arguments(step, batch, inputIds, connected, features);
    NDArray embedded = decode(step, "embed", all[0], all[1], all[2]);
    return call(step, "decoder_states", embedded, all[3], all[4], all[5]);
  }

  private Object[] arguments(
      NDManager step,
      TokenBatch batch,
      NDArray inputIds,
      Connected connected,
      @Nullable F features) {
    return batch.arguments(step, inputIds, connected.all, wholePass(step, batch, features));
  }

  private TokenBatch batch(NDArray inputIds, NDArray attentionMask, Connected connected) {
    return TokenBatch.of(language, inputIds, attentionMask, connected.width, connected.media);
  }

  final TokenBatch batch(
      NDManager step, NDArray inputIds, NDArray attentionMask, @Nullable F features) {
    return batch(inputIds, attentionMask, connected(step, features));
  }

  // Answers.

  final Answering<F> answering() {
    return answering;
  }

  @Override
  public final void answer(List<Prompt> prompts, Decoding decoding, AnswerListener listener) {
    answering.answer(prompts, decoding, listener);
  }

  @Override
  public final Decoding decoding() {
    return answering.generation().decoding();
  }

  @Override
  public final void useFeatures(FeatureCache cache) {
    answering.use(cache);
  }

  // Files.

  /**
   * Saves the model in Hugging Face layout: {@code model.safetensors}, {@code config.json}, the
   * tokenizer, and whatever else was in the folder it was opened from. The folder is there complete
   * or not at all. Adapters are not part of it.
   *
   * @param target absent or empty
   * @param dtype the floating type that parameters are rounded to, such as {@link DType#F16}
   * @throws ModelException if the folder is not empty or cannot be written
   */
  public final void save(Path target, DType dtype) {
    ModelFolder.write(
        target,
        staging -> {
          if (folder != null) {
            copyOtherFiles(folder, staging);
          }
          Path config = staging.resolve("config.json");
          ObjectNode json =
              Files.exists(config)
                  ? Json.plain().readValue(config.toFile(), ObjectNode.class)
                  : configJson();
          Files.writeString(config, Json.pretty(json.put("torch_dtype", dtype.torchName())));
          byte[] words = tokenizer == null ? null : tokenizer.json();
          if (words != null) {
            writeIfAbsent(staging.resolve(TokenizerFiles.JSON), words);
          }
          saveMore(staging);
          ModelFolder.writeTensors(staging.resolve("model.safetensors"), parameters.all(), dtype);
        });
  }

  private static void copyOtherFiles(Path from, Path to) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(from)) {
      for (Path file : checkpoint.otherFiles()) {
        Path copy = to.resolve(file);
        Files.createDirectories(copy.getParent());
        Files.copy(from.resolve(file), copy);
      }
    }
  }

  static void writeIfAbsent(Path file, byte[] content) throws IOException {
    if (!Files.exists(file)) {
      Files.write(file, content);
    }
  }

  /** Frees the parameters and the tokenizer. */
  @Override
  public final void close() {
    script.close();
    manager.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}
