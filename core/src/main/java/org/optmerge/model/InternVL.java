package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.method.CounterRandom;

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
public final class InternVL implements AutoCloseable {
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
  private final long imageContext;
  private InternVLScript script;

  private InternVL(
      InternVLConfig config,
      @Nullable Tokenizer tokenizer,
      long imageContext,
      @Nullable Path folder) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.imageContext = imageContext;
    this.folder = folder;
    this.script = new InternVLScript(config, Map.of());
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
      boolean headless = checkpoint.find(InternVLConfig.HEAD).isEmpty();
      InternVL model =
          new InternVL(config.withTied(config.tied() || headless), tokenizer, imageContext, folder);
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
    SortedMap<String, Shape> shapes = config.parameters();
    List<String> missing = new ArrayList<>();
    shapes.forEach(
        (name, shape) -> {
          TensorInfo tensor = checkpoint.find(name).orElse(null);
          if (tensor == null) {
            missing.add(name);
          } else if (!tensor.shape().equals(Parameters.extents(shape))) {
            throw new ModelException(
                "%s: tensor '%s' has shape %s, config.json makes it %s"
                    .formatted(checkpoint.folder(), name, tensor.shape(), shape));
          }
        });
    if (!missing.isEmpty()) {
      throw new ModelException(
          "%s: %d tensors that config.json asks for are not there: %s"
              .formatted(checkpoint.folder(), missing.size(), Parameters.some(missing)));
    }
    List<String> unknown =
        checkpoint.tensors().stream()
            .map(TensorInfo::name)
            .filter(name -> !shapes.containsKey(name) && !isDerived(name))
            .toList();
    if (!unknown.isEmpty()) {
      throw new ModelException(
          "%s: %d tensors have no place in the model that config.json describes: %s"
              .formatted(checkpoint.folder(), unknown.size(), Parameters.some(unknown)));
    }
    for (String name : shapes.keySet()) {
      TensorInfo tensor = checkpoint.find(name).orElseThrow();
      parameters.fill(
          name, (first, length, target) -> checkpoint.read(tensor, first, length, target));
    }
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
   * @param seed every entry is a function of it, the parameter's name and its index
   */
  public static InternVL initialise(InternVLConfig config, Tokenizer tokenizer, long seed) {
    Objects.requireNonNull(tokenizer, "tokenizer");
    if (tokenizer.size() > config.language().vocabulary()) {
      throw new ModelException(
          "the tokenizer has %d tokens, the model's vocabulary %d"
              .formatted(tokenizer.size(), config.language().vocabulary()));
    }
    InternVL model = new InternVL(config, tokenizer, tokenizer.id(IMAGE_CONTEXT), null);
    config.parameters().forEach((name, shape) -> model.initialise(name, shape, seed));
    return model;
  }

  private void initialise(String name, Shape shape, long seed) {
    float constant = constant(name);
    if (!Float.isNaN(constant)) {
      parameters.fill(name, (first, length, target) -> Arrays.fill(target, 0, length, constant));
      return;
    }
    double deviation = deviation(name, shape);
    CounterRandom random = CounterRandom.of(seed, name);
    parameters.fill(
        name,
        (first, length, target) -> {
          for (int i = 0; i < length; i++) {
            target[i] = (float) (deviation * random.gaussian(first + i));
          }
        });
  }

  /** What a parameter that is not random begins with, else NaN. */
  private float constant(String name) {
    if (name.endsWith(".bias")) {
      return 0;
    }
    if (name.endsWith(".ls1") || name.endsWith(".ls2")) {
      return (float) config.vision().layerScale();
    }
    return name.contains("norm") || name.equals("mlp1.0.weight") ? 1 : Float.NaN;
  }

  private double deviation(String name, Shape shape) {
    if (name.contains("embed_tokens") || name.contains("_embedding") && !name.contains("patch")) {
      return 0.1;
    }
    if (name.equals(InternVLConfig.HEAD)) {
      return 0.02;
    }
    double fanIn = (double) shape.size() / shape.get(0);
    double deviation = 0.7 / Math.sqrt(fanIn);
    return name.contains("o_proj") || name.contains("down_proj")
        ? deviation / Math.sqrt(2.0 * config.language().layers())
        : deviation;
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

  /** What the parameters live in; make a sub-manager of it for each step. */
  public NDManager manager() {
    return manager;
  }

  /**
   * The parameters by published name. They are the model's own: who trains one calls {@code
   * setRequiresGradient(true)} on it and changes it in place.
   */
  public SortedMap<String, NDArray> parameters() {
    return parameters.all();
  }

  /**
   * Puts values in place of a parameter's own, as after a merge.
   *
   * @param values row by row
   * @throws ModelException if there is no such parameter or it has another size
   */
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
    return script.call(step, "vision_states", parameters::get, pixels);
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
    return script.call(step, "visual_features", parameters::get, pixels).singletonOrThrow();
  }

  /** Visual features as the decoder takes them: (…, feature width) to (…, decoder width). */
  NDArray connect(NDManager step, NDArray visualFeatures) {
    return script.call(step, "connect", parameters::get, visualFeatures).singletonOrThrow();
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
        .call(step, "logits", parameters::get, batch.arguments(step, inputIds, visualFeatures))
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
    Object[] arguments = batch.arguments(step, inputIds, visualFeatures);
    Object[] all = Arrays.copyOf(arguments, arguments.length + 2);
    all[arguments.length] = step.create(targets.rows());
    all[arguments.length + 1] = step.create(targets.ids());
    return script.call(step, "loss", parameters::get, all).singletonOrThrow();
  }

  private TokenBatch batch(
      NDArray inputIds, NDArray attentionMask, @Nullable NDArray visualFeatures) {
    return TokenBatch.of(this, inputIds, attentionMask, visualFeatures);
  }

  long imageContext() {
    return imageContext;
  }

  RotaryEmbedding rotary() {
    return rotary;
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
