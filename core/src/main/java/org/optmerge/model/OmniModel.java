package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.optmerge.model.media.Media;

/**
 * A Qwen2 decoder that reads text and any number of modalities: each has an encoder (a vision
 * transformer over a picture, a spectrogram or frames) and a connector, whose outputs stand where
 * the modality's token stands in the text. A text need not have all of them.
 *
 * <p>Parameters: {@code language_model.…} as Qwen2 publishes them, {@code modal_encoders.NAME.…} as
 * InternViT's, {@code modal_projectors.NAME.0} (and {@code .2}). Ownership of arrays, training and
 * threads are as {@link DecoderModel} says.
 *
 * <p>Features of a batch are {@link #features(NDManager, String, NDArray)} by modality, in the
 * order of the batch; a modality may be absent. Shapes: T inputs of a modality, each of P patches.
 *
 * @see <a href="https://arxiv.org/abs/2402.12750">Chen et al., ModelCompose, ACL 2024, section
 *     3</a>
 */
public final class OmniModel extends DecoderModel<Map<String, NDArray>> {
  /** Computations with adapters, whose first argument is token ids. */
  private static final Set<String> GATED = Set.of("begin", "extend", "advance", "logits", "loss");

  private final OmniConfig config;
  private @Nullable OnlineComposition composition;

  /** Language models with encoders of several modalities. */
  public static final class Family extends Architecture {
    /** For the service loader. */
    public Family() {
      super("omni", List.of(OmniConfig.ARCHITECTURE), OmniModel::open);
    }
  }

  private OmniModel(
      OmniConfig config, Precision precision, Tokenizer tokenizer, @Nullable Path folder) {
    super(
        config.language(),
        config.parameters(),
        precision,
        adapters -> OmniMethods.all(config, adapters),
        tokenizer,
        folder);
    this.config = config;
  }

  /**
   * Opens a folder in Hugging Face layout with its tokenizer.
   *
   * @throws ModelException if the architecture is another, or a tensor is missing, unknown or of
   *     another shape
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  public static OmniModel open(Path folder) {
    return open(folder, Precision.FLOAT32);
  }

  /**
   * Opens a folder in Hugging Face layout with its tokenizer.
   *
   * @throws ModelException as {@link #open(Path)}, or if a tensor cannot be used in this precision
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  public static OmniModel open(Path folder, Precision wanted) {
    OmniConfig config = OmniConfig.read(folder);
    Tokenizer tokenizer = Tokenizer.open(folder);
    return Opening.open(
        folder,
        wanted,
        UnaryOperator.identity(),
        stored ->
            new Opening<>(
                config.parameters(),
                null,
                precision -> new OmniModel(config, precision, tokenizer, folder)));
  }

  /**
   * A new model with random weights, as {@link InternVL#initialise} has them.
   *
   * @param seed every entry is a function of it, the parameter's name and its index
   */
  public static OmniModel initialise(OmniConfig config, Tokenizer tokenizer, long seed) {
    OmniModel model = new OmniModel(config, Precision.FLOAT32, tokenizer, null);
    double scale =
        config.modalities().values().stream()
            .mapToDouble(modality -> modality.encoder().layerScale())
            .findFirst()
            .orElse(1);
    new InitialWeights(seed, config.language().layers(), scale).fill(model.weights());
    return model;
  }

  /** The shape of the model. */
  public OmniConfig config() {
    return config;
  }

  @Override
  NDArray argument(String name) {
    NDArray factor = composition == null ? null : composition.find(name);
    return factor == null ? super.argument(name) : factor;
  }

  /** Takes over every parameter that another model has under the same name. */
  public void take(OmniModel other) {
    other
        .parameters()
        .forEach(
            (name, values) -> {
              if (parameters().containsKey(name)) {
                load(name, values.toFloatArray());
              }
            });
  }

  /**
   * Lets several adapters work side by side, until the composition is closed. For answering, not
   * for training.
   *
   * @param adapters PEFT folders by modality
   * @param share how much of each adapter a token gets that belongs to no modality
   * @throws ModelException if the model has adapters already, or lacks a modality or weight
   */
  @Override
  public OnlineComposition compose(
      SortedMap<String, Path> adapters, OnlineComposition.Mode mode, double share) {
    requireNoAdapters();
    OnlineComposition added = new OnlineComposition(this, adapters, mode, share);
    adapt(added.adapters());
    composition = added;
    return added;
  }

  void forget(OnlineComposition old) {
    if (composition == old) {
      adapt(Map.of());
      composition = null;
    }
  }

  @Override
  void requireNoAdapters() {
    super.requireNoAdapters();
    if (composition != null) {
      throw new ModelException("the model has adapters already; merge or remove them first");
    }
  }

  OmniConfig.Modality modality(String name) {
    OmniConfig.Modality modality = config.modalities().get(name);
    if (modality == null) {
      throw new ModelException(
          "the model has no modality '%s'; it has %s"
              .formatted(name, config.modalities().keySet()));
    }
    return modality;
  }

  /**
   * The features of a modality's inputs, before the connector: the last states of its encoder,
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

  /** Features come connected: each modality has a connector of its own. */
  @Override
  Connected connected(NDManager step, @Nullable Map<String, NDArray> features) {
    Map<String, NDArray> seen = features == null ? Map.of() : features;
    seen.keySet().forEach(this::modality);
    List<TokenBatch.Medium> media = new ArrayList<>();
    NDList parts = new NDList();
    int width = config.language().width();
    config
        .modalities()
        .forEach(
            (name, modality) -> {
              NDArray given = seen.get(name);
              NDArray connected =
                  given == null ? null : decode(step, "connect_" + name, given).reshape(-1, width);
              media.add(
                  new TokenBatch.Medium(
                      modality.token(), tokenizer().id(modality.token()), connected));
              if (connected != null) {
                parts.add(connected);
              }
            });
    NDArray all =
        parts.isEmpty()
            ? null
            : parts.size() == 1 ? parts.singletonOrThrow() : NDArrays.concat(parts, 0);
    return new Connected(media, all, width);
  }

  @Override
  NDList call(NDManager step, String method, Object... arguments) {
    OnlineComposition online = composition;
    if (online != null && GATED.contains(method)) {
      NDArray ids = (NDArray) arguments[0];
      online.open(step, ids.toLongArray(), ids.getShape());
    }
    return super.call(step, method, arguments);
  }

  /** Gates are of one batch. */
  @Override
  boolean isOneAtATime() {
    return composition != null;
  }

  @Override
  public Set<Class<? extends Media>> media() {
    Set<Class<? extends Media>> media = new LinkedHashSet<>();
    config.modalities().values().forEach(modality -> media.add(modality.medium()));
    return Collections.unmodifiableSet(media);
  }

  /** The name of the modality that a medium is of. */
  private String modalityOf(Media medium) {
    return config.modalities().entrySet().stream()
        .filter(entry -> entry.getValue().medium() == medium.getClass())
        .findFirst()
        .orElseThrow(() -> new ModelException("the model has no modality for " + medium))
        .getKey();
  }

  @Override
  ChatTemplate.Segment segment(View view) {
    view.resolution().requirePublished("an omni model sees squares of one size");
    Media medium = view.medium();
    OmniConfig.Modality modality = modality(modalityOf(medium));
    OmniInputs.requireFits(medium, modality.encoder().imageSize());
    return new ChatTemplate.Segment(medium.getClass(), modality.token(), modality.tokens());
  }

  @Override
  Encoder encoder(View view) {
    String name = modalityOf(view.medium());
    return new Encoder(OmniConfig.encoder(name), modality(name));
  }

  @Override
  List<float[]> encode(NDManager step, List<View> views) {
    List<Media> media = views.stream().map(View::medium).toList();
    String name = modalityOf(media.get(0));
    OmniConfig.Modality modality = modality(name);
    float[] all = features(step, name, modality.inputs(step, media)).toFloatArray();
    return split(
        all, Collections.nCopies(media.size(), modality.tokens() * modality.featureWidth()));
  }

  @Override
  Map<String, NDArray> features(NDManager step, List<Seen> seen) {
    Map<String, List<Seen>> byModality = new LinkedHashMap<>();
    seen.forEach(
        one ->
            byModality
                .computeIfAbsent(modalityOf(one.view().medium()), any -> new ArrayList<>())
                .add(one));
    Map<String, NDArray> features = new LinkedHashMap<>();
    byModality.forEach(
        (name, of) ->
            features.put(
                name,
                concatenated(step, of, modality(name).tokens(), modality(name).featureWidth())));
    return features;
  }

  @Override
  ObjectNode configJson() {
    return config.toJson();
  }
}
