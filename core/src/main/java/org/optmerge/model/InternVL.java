package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.model.vision.ImagePreprocessing;

/**
 * An InternVL2.5: InternViT, pixel shuffle, a two-layer connector and a Qwen2 decoder, in float32.
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
 * <p>Shapes: B sequences of N tokens, T tiles of H × W pixels.
 *
 * @see <a href="https://arxiv.org/abs/2412.05271">Chen et al., InternVL 2.5, section 2</a>
 */
public final class InternVL implements AutoCloseable, Lora.Host {
  /** Token that visual features take the place of. */
  public static final String IMAGE_CONTEXT = "<IMG_CONTEXT>";

  /** A label that says: do not learn this token. */
  public static final long IGNORE = -100;

  private final InternVLConfig config;
  private final @Nullable Tokenizer tokenizer;
  private final NDManager manager;
  private final Parameters parameters;
  private final RotaryEmbedding rotary;
  private final @Nullable Path folder;
  private final ImagePreprocessing preprocessing;
  private final long imageContext;
  private ModelScript script;
  private @Nullable Lora lora;

  private InternVL(
      InternVLConfig config,
      @Nullable Tokenizer tokenizer,
      long imageContext,
      ImagePreprocessing preprocessing,
      @Nullable Path folder) {
    this.preprocessing = preprocessing;
    this.config = config;
    this.tokenizer = tokenizer;
    this.imageContext = imageContext;
    this.folder = folder;
    this.script = InternViTMethods.script(config, Map.of());
    this.manager = NDManager.newBaseManager(null, "PyTorch");
    this.parameters = new Parameters(manager, config.parameters());
    this.rotary = new RotaryEmbedding(config.language().headWidth(), config.language().ropeTheta());
  }

  /**
   * Opens a folder in Hugging Face layout with its tokenizer.
   *
   * @throws ModelException if the architecture is another, or a tensor is missing, unknown or of
   *     another shape
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  public static InternVL open(Path folder) {
    InternVLConfig config = InternVLConfig.read(folder);
    Tokenizer tokenizer = Tokenizer.open(folder);
    return open(folder, config, tokenizer, tokenizer.id(IMAGE_CONTEXT));
  }

  /**
   * Opens a folder that has no tokenizer.
   *
   * @param imageContext id of the token that visual features take the place of
   */
  public static InternVL open(Path folder, long imageContext) {
    return open(folder, InternVLConfig.read(folder), null, imageContext);
  }

  private static InternVL open(
      Path folder, InternVLConfig config, @Nullable Tokenizer tokenizer, long imageContext) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      // Small models of the family are published without a head, and share the embedding.
      boolean headless = !CheckpointNames.of(checkpoint).weights().containsKey(InternVLConfig.HEAD);
      InternVL model =
          new InternVL(
              config.withTied(config.tied() || headless),
              tokenizer,
              imageContext,
              PreprocessorConfig.read(folder, config),
              folder);
      try {
        model.read(checkpoint);
        return model;
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }
  }

  private void read(Checkpoint checkpoint) {
    CheckpointNames stored = CheckpointNames.of(checkpoint);
    parameters.read(checkpoint, stored.weights(), this::isDerived);
    stored
        .factors()
        .forEach(
            (name, pair) ->
                parameters.addLowRank(name, checkpoint, pair.b(), pair.a(), CheckpointNames.SCALE));
  }

  /** Tensors that follow from others or from the configuration. */
  private boolean isDerived(String name) {
    return name.endsWith(".rotary_emb.inv_freq")
        || (config.tied() && name.equals(InternVLConfig.HEAD));
  }

  /**
   * A new model with random weights: matrices normal with deviation 0.7/√(fan-in), those that end a
   * branch of the decoder smaller by √(2 · layers), embeddings 0.1, the head 0.02; biases zero,
   * norms one.
   *
   * @param preprocessing what pictures go through before the model; saved with it
   * @param seed every entry is a function of it, the parameter's name and its index
   */
  public static InternVL initialise(
      InternVLConfig config, Tokenizer tokenizer, ImagePreprocessing preprocessing, long seed) {
    Objects.requireNonNull(tokenizer, "tokenizer");
    if (tokenizer.size() > config.language().vocabulary()) {
      throw new ModelException(
          "the tokenizer has %d tokens, the model's vocabulary %d"
              .formatted(tokenizer.size(), config.language().vocabulary()));
    }
    InternVL model =
        new InternVL(config, tokenizer, tokenizer.id(IMAGE_CONTEXT), preprocessing, null);
    new InitialWeights(seed, config.language().layers(), config.vision().layerScale())
        .fill(model.parameters);
    return model;
  }

  /** The shape of the model. */
  public InternVLConfig config() {
    return config;
  }

  /**
   * The tokenizer of its folder.
   *
   * @throws ModelException if the model was opened without one
   */
  public Tokenizer tokenizer() {
    if (tokenizer == null) {
      throw new ModelException("the model was opened without a tokenizer");
    }
    return tokenizer;
  }

  /** What pictures go through before they are pixels. */
  public ImagePreprocessing preprocessing() {
    return preprocessing;
  }

  /** What the parameters live in; make a sub-manager of it for each step. */
  @Override
  public NDManager manager() {
    return manager;
  }

  /**
   * The parameters by published name. They are the model's own: who trains one calls {@code
   * setRequiresGradient(true)} on it and changes it in place.
   */
  @Override
  public SortedMap<String, NDArray> parameters() {
    return parameters.all();
  }

  /** A parameter, or a factor of the adapters. */
  @Override
  public NDArray parameter(String name) {
    NDArray factor = lora == null ? null : lora.find(name);
    return factor == null ? parameters.get(name) : factor;
  }

  /**
   * Puts trainable low-rank factors beside the weights they match. The weights themselves are left
   * as they are; whether they are trained as well is up to the caller.
   *
   * @throws ModelException if the model has adapters already, or no linear module matches
   */
  public Lora addLora(LoraSettings settings) {
    if (lora != null) {
      throw new ModelException("LoRA: the model has adapters already; merge or remove them first");
    }
    Lora added = new Lora(this, settings);
    ModelScript adapted = InternViTMethods.script(config, added.adapters());
    script.close();
    script = adapted;
    lora = added;
    return added;
  }

  @Override
  public void forget(Lora old) {
    if (lora == old) {
      ModelScript plain = InternViTMethods.script(config, Map.of());
      script.close();
      script = plain;
      lora = null;
    }
  }

  /**
   * Adds the low-rank changes of a PEFT adapter to the weights. Its names may be those of the whole
   * model or, as InternVL's scripts save it, of the language model.
   *
   * @throws ModelException if it changes a parameter the model does not have, or its shape differs
   * @throws org.optmerge.checkpoint.CheckpointException if the folder is no adapter
   */
  public void apply(Path adapterFolder) {
    try (LoraAdapter adapter = LoraAdapter.open(adapterFolder)) {
      Map<String, LoraAdapter.Delta> deltas = new LinkedHashMap<>();
      adapter.deltas().forEach((name, delta) -> deltas.put(target(name, adapter), delta));
      deltas.forEach((name, delta) -> checkDelta(name, delta, adapter));
      if (!adapter.replacements().isEmpty()) {
        throw new ModelException(
            "%s: replaces whole tensors (%s); merge it into its base first"
                .formatted(
                    adapterFolder, Parameters.some(List.copyOf(adapter.replacements().keySet()))));
      }
      deltas.forEach(
          (name, delta) ->
              parameters.addLowRank(name, adapter.tensors(), delta.b(), delta.a(), delta.scale()));
    }
  }

  private String target(String name, LoraAdapter adapter) {
    String inLanguageModel = "language_model." + name;
    if (parameters.all().containsKey(name)) {
      return name;
    }
    if (parameters.all().containsKey(inLanguageModel)) {
      return inLanguageModel;
    }
    throw new ModelException(
        "%s: changes '%s', which the model does not have".formatted(adapter.folder(), name));
  }

  private void checkDelta(String name, LoraAdapter.Delta delta, LoraAdapter adapter) {
    Shape shape = parameters.get(name).getShape();
    if (delta.fanInFanOut() || !delta.shape().equals(Parameters.extents(shape))) {
      throw new ModelException(
          "%s: the change of '%s' has shape %s%s, the model has %s"
              .formatted(
                  adapter.folder(),
                  name,
                  delta.shape(),
                  delta.fanInFanOut() ? ", transposed" : "",
                  shape));
    }
  }

  /**
   * Puts values in place of a parameter's own, as after a merge.
   *
   * @param values row by row
   * @throws ModelException if there is no such parameter or it has another size
   */
  @Override
  public void load(String name, float[] values) {
    parameters.fill(name, values);
  }

  /**
   * The last states of the vision model.
   *
   * @param pixels (T, 3, H, W), normalised
   * @return (T, 1 + patches, d): the class token, then the patches row by row
   */
  public NDArray hiddenStates(NDManager step, NDArray pixels) {
    List<NDArray> states = visionStates(step, pixels);
    return states.get(states.size() - 1);
  }

  /** The embedding and the output of every layer of the vision model. */
  List<NDArray> visionStates(NDManager step, NDArray pixels) {
    checkPixels(pixels);
    return script.call(step, "vision_states", this::parameter, pixels);
  }

  /**
   * What the decoder will see of the tiles, before the connector. It does not depend on the decoder
   * or the connector, so it can be kept while only those are trained.
   *
   * @param pixels (T, 3, H, W), normalised
   * @return (T, tokens per tile, {@link InternVLConfig#featureWidth})
   */
  public NDArray visualFeatures(NDManager step, NDArray pixels) {
    checkPixels(pixels);
    return script.call(step, "visual_features", this::parameter, pixels).singletonOrThrow();
  }

  /** Visual features as the decoder takes them: (…, feature width) to (…, decoder width). */
  NDArray connect(NDManager step, NDArray visualFeatures) {
    return script.call(step, "connect", this::parameter, visualFeatures).singletonOrThrow();
  }

  private void checkPixels(NDArray pixels) {
    Shape shape = pixels.getShape();
    long cell = (long) config.vision().patch() * config.downsample();
    if (shape.dimension() != 4
        || shape.get(1) != 3
        || shape.get(2) % cell != 0
        || shape.get(3) % cell != 0) {
      throw new ModelException(
          "pixels must be (tiles, 3, height, width) with sides that are multiples of %d, are %s"
              .formatted(cell, shape));
    }
  }

  /**
   * The decoder's scores for the next token at every place.
   *
   * @param inputIds (B, N), int64
   * @param attentionMask (B, N), int64; 0 where a sequence is padded, to the left or the right
   * @param visualFeatures for the image tokens of the batch in reading order: (T, tokens, feature
   *     width); null if there are none
   * @return (B, N, vocabulary); at padded places without meaning
   * @throws ModelException if the number of image tokens is not that of the features
   */
  public NDArray logits(
      NDManager step, NDArray inputIds, NDArray attentionMask, @Nullable NDArray visualFeatures) {
    TokenBatch batch = batch(inputIds, attentionMask, visualFeatures);
    return script
        .call(step, "logits", this::parameter, arguments(step, batch, inputIds, visualFeatures))
        .singletonOrThrow();
  }

  /**
   * The mean cross-entropy of the tokens that are to be learned, each predicted from those before
   * it. The head is applied to their rows only.
   *
   * @param labels (B, N), int64: the input's ids where they are to be learned, else {@link #IGNORE}
   * @return a scalar
   * @throws ModelException if no token is to be learned, or the number of image tokens is not that
   *     of the features
   */
  public NDArray loss(
      NDManager step,
      NDArray inputIds,
      NDArray labels,
      NDArray attentionMask,
      @Nullable NDArray visualFeatures) {
    TokenBatch batch = batch(inputIds, attentionMask, visualFeatures);
    if (!labels.getShape().equals(inputIds.getShape())) {
      throw new ModelException(
          "labels have shape %s, the input ids %s"
              .formatted(labels.getShape(), inputIds.getShape()));
    }
    TokenBatch.Targets targets = batch.targets(labels.toLongArray());
    Object[] arguments = arguments(step, batch, inputIds, visualFeatures);
    Object[] all = Arrays.copyOf(arguments, arguments.length + 2);
    all[arguments.length] = step.create(targets.rows());
    all[arguments.length + 1] = step.create(targets.ids());
    return script.call(step, "loss", this::parameter, all).singletonOrThrow();
  }

  /**
   * Continues sequences with the token that scores best, again and again.
   *
   * <p>Keys and values of earlier tokens are kept, so a new token costs one row. Sequences of
   * different length are padded to the left.
   *
   * @param inputIds (B, N), int64
   * @param attentionMask (B, N), int64; 0 where a sequence is padded
   * @param visualFeatures as for {@link #logits}
   * @return for each sequence the new tokens only; all rows are as long as the longest, filled with
   *     the pad token
   * @throws ModelException if a sequence ends with padding, or the number of image tokens is not
   *     that of the features
   */
  public long[][] generate(
      NDArray inputIds,
      NDArray attentionMask,
      @Nullable NDArray visualFeatures,
      GreedyDecoding decoding) {
    TokenBatch batch = batch(inputIds, attentionMask, visualFeatures);
    boolean recording = JniUtils.isGradMode();
    JniUtils.setGradMode(false);
    try (NDManager scope = manager.newSubManager()) {
      return new Decoder(config.language(), rotary, this::decode, scope, batch, decoding)
          .run(
              step -> rotary.of(step, batch.positions()), batch.deltas(), inputIds, visualFeatures);
    } finally {
      JniUtils.setGradMode(recording);
    }
  }

  /**
   * The input embeddings and the output of every layer of the decoder, the last one after the final
   * norm; each (B, N, d).
   */
  List<NDArray> decoderStates(
      NDManager step, NDArray inputIds, NDArray attentionMask, @Nullable NDArray visualFeatures) {
    TokenBatch batch = batch(inputIds, attentionMask, visualFeatures);
    NDArray embedded = decode(step, "embed", batch.tokens(step, inputIds, visualFeatures));
    Object[] all = arguments(step, batch, inputIds, visualFeatures);
    return script.call(step, "decoder_states", this::parameter, embedded, all[3], all[4], all[5]);
  }

  NDArray decode(NDManager step, String method, Object... arguments) {
    return script.call(step, method, this::parameter, arguments).singletonOrThrow();
  }

  /** Tokens, cosines and sines of positions 0 to N − 1, mask. */
  private Object[] arguments(
      NDManager step, TokenBatch batch, NDArray inputIds, @Nullable NDArray visualFeatures) {
    return batch.arguments(step, inputIds, visualFeatures, rotary.upTo(step, batch.length()));
  }

  TokenBatch batch(NDArray inputIds, NDArray attentionMask, @Nullable NDArray visualFeatures) {
    return TokenBatch.of(
        config.language(),
        inputIds,
        attentionMask,
        config.featureWidth(),
        List.of(new TokenBatch.Medium(IMAGE_CONTEXT, imageContext, visualFeatures)));
  }

  /**
   * Saves the model in Hugging Face layout: {@code model.safetensors}, {@code config.json}, the
   * tokenizer, and whatever else was in the folder it was opened from. The folder is there complete
   * or not at all. Adapters are not part of it.
   *
   * @param target absent or empty
   * @throws ModelException if the folder is not empty or cannot be written
   */
  public void save(Path target) {
    save(target, DType.F32);
  }

  /**
   * The same, the parameters rounded to a type.
   *
   * @param dtype a floating type, such as {@link DType#F16}
   */
  public void save(Path target, DType dtype) {
    ModelFolder.write(
        target,
        staging -> {
          if (folder != null) {
            copyOtherFiles(folder, staging);
          }
          Files.write(staging.resolve("config.json"), json(config(staging, dtype)));
          writeIfAbsent(
              staging.resolve("preprocessor_config.json"),
              json(PreprocessorConfig.json(preprocessing)));
          if (tokenizer != null) {
            writeIfAbsent(staging.resolve("tokenizer.json"), tokenizer.json());
          }
          ModelFolder.writeTensors(staging.resolve("model.safetensors"), parameters.all(), dtype);
        });
  }

  /** The configuration that came with the model, with the type that its tensors now have. */
  private ObjectNode config(Path folder, DType dtype) throws IOException {
    Path file = folder.resolve("config.json");
    ObjectNode json =
        Files.exists(file)
            ? Json.plain().readValue(file.toFile(), ObjectNode.class)
            : config.toJson();
    return json.put("torch_dtype", dtype.torchName());
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

  private static byte[] json(ObjectNode node) throws IOException {
    return Json.pretty(node)
        .getBytes(StandardCharsets.UTF_8);
  }

  private static void writeIfAbsent(Path file, byte[] content) throws IOException {
    if (!Files.exists(file)) {
      Files.write(file, content);
    }
  }

  /** The folder it was opened from, if it was. */
  @Override
  public @Nullable Path folder() {
    return folder;
  }

  /** Frees the parameters and the tokenizer. */
  @Override
  public void close() {
    script.close();
    manager.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}
