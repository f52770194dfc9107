package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;

/**
 * A Qwen2 decoder that reads text and any number of modalities: each has an encoder (a vision
 * transformer over a picture, a spectrogram or frames) and a connector, whose outputs stand where
 * the modality's token stands in the text. A text need not have all of them.
 *
 * <p>Parameters: {@code language_model.…} as Qwen2 publishes them, {@code modal_encoders.NAME.…} as
 * InternViT's, {@code modal_projectors.NAME.0} (and {@code .2}). Ownership, training and threads
 * are as for {@link InternVL}.
 *
 * <p>Shapes: B sequences of N tokens, T inputs of a modality, each of P patches.
 *
 * @see <a href="https://arxiv.org/abs/2402.12750">Chen et al., ModelCompose, ACL 2024, section
 *     3</a>
 */
public final class OmniModel implements AutoCloseable, Lora.Host {
  private final OmniConfig config;
  private final Tokenizer tokenizer;
  private final NDManager manager;
  private final Parameters parameters;
  private final RotaryEmbedding rotary;
  private final @Nullable Path folder;
  private ModelScript script;
  private @Nullable Lora lora;
  private @Nullable OnlineComposition composition;

  private OmniModel(OmniConfig config, Tokenizer tokenizer, @Nullable Path folder) {
    if (tokenizer.size() > config.language().vocabulary()) {
      throw new ModelException(
          "the tokenizer has %d tokens, the model's vocabulary %d"
              .formatted(tokenizer.size(), config.language().vocabulary()));
    }
    this.config = config;
    this.tokenizer = tokenizer;
    this.folder = folder;
    this.script = OmniMethods.script(config, Map.of());
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
  public static OmniModel open(Path folder) {
    OmniModel model = new OmniModel(OmniConfig.read(folder), Tokenizer.open(folder), folder);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      model.parameters.read(
          checkpoint,
          CheckpointNames.of(checkpoint).weights(),
          name -> model.config.tied() && name.equals(InternVLConfig.HEAD));
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /**
   * A new model with random weights, as {@link InternVL#initialise} has them.
   *
   * @param seed every entry is a function of it, the parameter's name and its index
   */
  public static OmniModel initialise(OmniConfig config, Tokenizer tokenizer, long seed) {
    OmniModel model = new OmniModel(config, tokenizer, null);
    double scale =
        config.modalities().values().stream()
            .mapToDouble(modality -> modality.encoder().layerScale())
            .findFirst()
            .orElse(1);
    new InitialWeights(seed, config.language().layers(), scale).fill(model.parameters);
    return model;
  }

  /** The shape of the model. */
  public OmniConfig config() {
    return config;
  }

  /** The tokenizer of its folder. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public NDManager manager() {
    return manager;
  }

  @Override
  public SortedMap<String, NDArray> parameters() {
    return parameters.all();
  }

  @Override
  public NDArray parameter(String name) {
    NDArray factor =
        lora != null ? lora.find(name) : composition != null ? composition.find(name) : null;
    return factor == null ? parameters.get(name) : factor;
  }

  @Override
  public void load(String name, float[] values) {
    parameters.fill(name, values);
  }

  /** Takes over every parameter that another model has under the same name. */
  public void take(OmniModel other) {
    other
        .parameters()
        .forEach(
            (name, values) -> {
              if (parameters.all().containsKey(name)) {
                load(name, values.toFloatArray());
              }
            });
  }

  /**
   * Puts trainable low-rank factors beside the weights they match.
   *
   * @throws ModelException if the model has adapters already, or no linear module matches
   */
  public Lora addLora(LoraSettings settings) {
    requireNoAdapters();
    Lora added = new Lora(this, settings);
    use(OmniMethods.script(config, added.adapters()));
    lora = added;
    return added;
  }

  @Override
  public void forget(Lora old) {
    if (lora == old) {
      use(OmniMethods.script(config, Map.of()));
      lora = null;
    }
  }

  /**
   * Lets several adapters work side by side, until the composition is closed. For answering, not
   * for training.
   *
   * @param adapters PEFT folders by modality
   * @param share how much of each adapter a token gets that belongs to no modality
   * @throws ModelException if the model has adapters already, or lacks a modality or weight
   */
  public OnlineComposition compose(
      SortedMap<String, Path> adapters, OnlineComposition.Mode mode, double share) {
    requireNoAdapters();
    OnlineComposition added = new OnlineComposition(this, adapters, mode, share);
    use(OmniMethods.script(config, added.adapters()));
    composition = added;
    return added;
  }

  void forget(OnlineComposition old) {
    if (composition == old) {
      use(OmniMethods.script(config, Map.of()));
      composition = null;
    }
  }

  private void requireNoAdapters() {
    if (lora != null || composition != null) {
      throw new ModelException("the model has adapters already; merge or remove them first");
    }
  }

  private void use(ModelScript other) {
    script.close();
    script = other;
  }

  /**
   * Adds the low-rank changes of a PEFT adapter to the weights.
   *
   * @throws ModelException if it changes a parameter the model does not have, or its shape differs
   * @throws org.optmerge.checkpoint.CheckpointException if the folder is no adapter
   */
  public void apply(Path adapterFolder) {
    try (LoraAdapter adapter = LoraAdapter.open(adapterFolder)) {
      adapter
          .deltas()
          .forEach(
              (name, delta) -> {
                NDArray weight = parameters.get(name);
                if (delta.fanInFanOut()
                    || !delta.shape().equals(Parameters.extents(weight.getShape()))) {
                  throw new ModelException(
                      "%s: the change of '%s' has shape %s, the model has %s"
                          .formatted(adapterFolder, name, delta.shape(), weight.getShape()));
                }
                parameters.addLowRank(name, adapter.tensors(), delta.b(), delta.a(), delta.scale());
              });
    }
  }

  private OmniConfig.Modality modality(String name) {
    OmniConfig.Modality modality = config.modalities().get(name);
    if (modality == null) {
      throw new ModelException(
          "the model has no modality '%s'; it has %s"
              .formatted(name, config.modalities().keySet()));
    }
    return modality;
  }

  /**
   * What the connector is given of a modality's inputs: the last states of its encoder,
   * neighbouring patches side by side. They do not depend on decoder or connector, so they can be
   * kept while only those are trained.
   *
   * @param inputs (T, channels, H, W)
   * @return (T, {@link OmniConfig.Modality#tokens}, {@link OmniConfig.Modality#featureWidth})
   */
  public NDArray features(NDManager step, String modality, NDArray inputs) {
    OmniConfig.Modality shape = modality(modality);
    Shape given = inputs.getShape();
    int side = shape.encoder().imageSize();
    if (!given.equals(new Shape(given.get(0), shape.channels(), side, side))) {
      throw new ModelException(
          "inputs of '%s' must be (inputs, %d, %d, %d), are %s"
              .formatted(modality, shape.channels(), side, side, given));
    }
    return decode(step, "features_" + modality, inputs);
  }

  /**
   * The mean cross-entropy of the tokens that are to be learned, each predicted from those before
   * it.
   *
   * @param inputIds (B, N), int64
   * @param labels (B, N), int64: the input's ids where they are to be learned, else {@link
   *     InternVL#IGNORE}
   * @param attentionMask (B, N), int64; 0 where a sequence is padded to the right
   * @param features of {@link #features} by modality, in the order of the batch; a modality may be
   *     absent
   * @return a scalar
   * @throws ModelException if no token is to be learned, or the number of a modality's tokens is
   *     not that of its features
   */
  public NDArray loss(
      NDManager step,
      NDArray inputIds,
      NDArray labels,
      NDArray attentionMask,
      Map<String, NDArray> features) {
    Connected connected = connect(step, features);
    TokenBatch batch = batch(inputIds, attentionMask, connected);
    TokenBatch.Targets targets = batch.targets(labels.toLongArray());
    Object[] arguments =
        batch.arguments(step, inputIds, connected.all, rotary.upTo(step, batch.length()));
    Object[] all = Arrays.copyOf(arguments, arguments.length + 2);
    all[arguments.length] = step.create(targets.rows());
    all[arguments.length + 1] = step.create(targets.ids());
    return decode(step, "loss", all);
  }

  /** The decoder's scores for the next token at every place, (B, N, vocabulary). */
  public NDArray logits(
      NDManager step, NDArray inputIds, NDArray attentionMask, Map<String, NDArray> features) {
    Connected connected = connect(step, features);
    TokenBatch batch = batch(inputIds, attentionMask, connected);
    return decode(
        step,
        "logits",
        batch.arguments(step, inputIds, connected.all, rotary.upTo(step, batch.length())));
  }

  /**
   * Continues sequences with the token that scores best, as {@link InternVL#generate} does.
   *
   * @param features as for {@link #loss}
   * @return for each sequence the new tokens only
   */
  public long[][] generate(
      NDArray inputIds,
      NDArray attentionMask,
      Map<String, NDArray> features,
      GreedyDecoding decoding) {
    boolean recording = JniUtils.isGradMode();
    JniUtils.setGradMode(false);
    try (NDManager scope = manager.newSubManager()) {
      Connected connected = connect(scope, features);
      TokenBatch batch = batch(inputIds, attentionMask, connected);
      OnlineComposition online = composition;
      Decoder.Step gated =
          (results, method, arguments) -> {
            if (online != null) {
              NDArray ids = (NDArray) arguments[0];
              online.open(results, ids.toLongArray(), ids.getShape());
            }
            return decode(results, method, arguments);
          };
      return new Decoder(config.language(), rotary, gated, scope, batch, decoding)
          .run(step -> rotary.of(step, batch.positions()), batch.deltas(), inputIds, connected.all);
    } finally {
      JniUtils.setGradMode(recording);
    }
  }

  /**
   * Features of all modalities as the decoder takes them.
   *
   * @param all (tokens, d), one modality after another; null if there are none
   */
  private record Connected(List<TokenBatch.Medium> media, @Nullable NDArray all) {}

  private Connected connect(NDManager step, Map<String, NDArray> features) {
    features.keySet().forEach(this::modality);
    List<TokenBatch.Medium> media = new ArrayList<>();
    NDList parts = new NDList();
    int width = config.language().width();
    config
        .modalities()
        .forEach(
            (name, modality) -> {
              NDArray given = features.get(name);
              NDArray connected =
                  given == null ? null : decode(step, "connect_" + name, given).reshape(-1, width);
              media.add(
                  new TokenBatch.Medium(
                      modality.token(), tokenizer.id(modality.token()), connected));
              if (connected != null) {
                parts.add(connected);
              }
            });
    if (parts.isEmpty()) {
      return new Connected(media, null);
    }
    return new Connected(
        media, parts.size() == 1 ? parts.singletonOrThrow() : NDArrays.concat(parts, 0));
  }

  private TokenBatch batch(NDArray inputIds, NDArray attentionMask, Connected connected) {
    return TokenBatch.of(
        config.language(), inputIds, attentionMask, config.language().width(), connected.media);
  }

  private NDArray decode(NDManager step, String method, Object... arguments) {
    return script.call(step, method, this::parameter, arguments).singletonOrThrow();
  }

  /**
   * Saves the model in Hugging Face layout: {@code model.safetensors}, {@code config.json} and the
   * tokenizer. The folder is there complete or not at all. Adapters are not part of it.
   *
   * @param target absent or empty
   * @param dtype what the parameters are rounded to, such as {@link DType#F16}
   * @throws ModelException if the folder is not empty or cannot be written
   */
  public void save(Path target, DType dtype) {
    ModelFolder.write(
        target,
        staging -> {
          ObjectNode json = config.toJson().put("torch_dtype", dtype.torchName());
          Files.writeString(staging.resolve("config.json"), Json.pretty(json));
          Files.write(staging.resolve("tokenizer.json"), tokenizer.json());
          ModelFolder.writeTensors(staging.resolve("model.safetensors"), parameters.all(), dtype);
        });
  }

  @Override
  public @Nullable Path folder() {
    return folder;
  }

  /** Frees the parameters and the tokenizer. */
  @Override
  public void close() {
    script.close();
    manager.close();
    tokenizer.close();
  }
}
