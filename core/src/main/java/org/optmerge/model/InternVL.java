package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.vision.ImagePreprocessing;

/**
 * An InternVL2.5: InternViT, pixel shuffle, a two-layer connector and a Qwen2 decoder. Ownership of
 * arrays, training and threads are as {@link DecoderModel} says.
 *
 * <p>Features of a batch are {@linkplain #visualFeatures visual features}, (T, tokens, feature
 * width), for the image tokens in reading order. Shapes: T tiles of H × W pixels.
 *
 * @see <a href="https://arxiv.org/abs/2412.05271">Chen et al., InternVL 2.5, section 2</a>
 */
public final class InternVL extends DecoderModel<NDArray> {
  /** Token that visual features take the place of. */
  public static final String IMAGE_CONTEXT = "<IMG_CONTEXT>";

  /** A label that says: do not learn this token. */
  public static final long IGNORE = -100;

  private final InternVLConfig config;
  private final ImagePreprocessing preprocessing;
  private final long imageContext;

  /** InternVL2.5, published and in miniature. */
  public static final class Family extends Architecture {
    /** For the service loader. */
    public Family() {
      super("internvl2_5", List.of(InternVLConfig.ARCHITECTURE), InternVL::open);
    }
  }

  private InternVL(
      InternVLConfig config,
      Precision precision,
      @Nullable Tokenizer tokenizer,
      long imageContext,
      ImagePreprocessing preprocessing,
      @Nullable Path folder) {
    super(
        config.language(),
        config.parameters(),
        precision,
        adapters -> InternViTMethods.all(config, adapters),
        tokenizer,
        folder);
    this.preprocessing = preprocessing;
    this.config = config;
    this.imageContext = imageContext;
  }

  /**
   * Opens a folder in Hugging Face layout with its tokenizer.
   *
   * @throws ModelException if the architecture is another, or a tensor is missing, unknown or of
   *     another shape
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  public static InternVL open(Path folder) {
    return open(folder, Precision.FLOAT32);
  }

  /**
   * Opens a folder in Hugging Face layout with its tokenizer.
   *
   * @throws ModelException as {@link #open(Path)}, or if a tensor cannot be used in this precision
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  public static InternVL open(Path folder, Precision precision) {
    InternVLConfig config = InternVLConfig.read(folder);
    Tokenizer tokenizer = Tokenizer.open(folder);
    return open(folder, config, precision, tokenizer, tokenizer.id(IMAGE_CONTEXT));
  }

  /**
   * Opens a folder that has no tokenizer.
   *
   * @param imageContext id of the token that visual features take the place of
   */
  public static InternVL open(Path folder, long imageContext) {
    return open(folder, imageContext, Precision.FLOAT32);
  }

  static InternVL open(Path folder, long imageContext, Precision precision) {
    return open(folder, InternVLConfig.read(folder), precision, null, imageContext);
  }

  private static InternVL open(
      Path folder,
      InternVLConfig config,
      Precision wanted,
      @Nullable Tokenizer tokenizer,
      long imageContext) {
    ImagePreprocessing preprocessing = PreprocessorConfig.read(folder, config);
    return Opening.open(
        folder,
        wanted,
        UnaryOperator.identity(),
        stored -> {
          // Small models of the family are published without a head, and share the embedding.
          InternVLConfig found =
              config.withTied(config.tied() || !stored.weights().containsKey(config.head()));
          return new Opening<>(
              found.parameters(),
              null,
              precision ->
                  new InternVL(found, precision, tokenizer, imageContext, preprocessing, folder));
        });
  }

  @Override
  void addFactors(Checkpoint checkpoint, CheckpointNames stored) {
    stored
        .factors()
        .forEach(
            (name, pair) ->
                weights().addLowRank(name, checkpoint, pair.b(), pair.a(), CheckpointNames.SCALE));
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
    InternVL model =
        new InternVL(
            config, Precision.FLOAT32, tokenizer, tokenizer.id(IMAGE_CONTEXT), preprocessing, null);
    new InitialWeights(seed, config.language().layers(), config.vision().layerScale())
        .fill(model.weights());
    return model;
  }

  /** The shape of the model. */
  public InternVLConfig config() {
    return config;
  }

  /** The preprocessing of pictures. */
  public ImagePreprocessing preprocessing() {
    return preprocessing;
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
    return call(step, "vision_states", pixels);
  }

  /**
   * The features of tiles, before the connector. They do not depend on the decoder or the
   * connector, so they can be kept while only those are trained.
   *
   * @param pixels (T, 3, H, W), normalised
   * @return (T, tokens per tile, {@link InternVLConfig#featureWidth})
   */
  public NDArray visualFeatures(NDManager step, NDArray pixels) {
    checkPixels(pixels);
    return decode(step, "visual_features", pixels);
  }

  /** Visual features as the decoder takes them: (…, feature width) to (…, decoder width). */
  NDArray connect(NDManager step, NDArray visualFeatures) {
    return decode(step, "connect", visualFeatures);
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

  @Override
  Connected connected(NDManager step, @Nullable NDArray features) {
    return new Connected(
        List.of(new TokenBatch.Medium(IMAGE_CONTEXT, imageContext, features)),
        features,
        config.featureWidth());
  }

  @Override
  public Set<Class<? extends Media>> media() {
    return Set.of(Image.class);
  }

  @Override
  ChatTemplate.Segment segment(View view) {
    return new ChatTemplate.Segment(
        Image.class,
        IMAGE_CONTEXT,
        preprocessing(view).tileCount((Image) view.medium()) * config.tokensPerTile());
  }

  private ImagePreprocessing preprocessing(View view) {
    Prompt.Resolution resolution = view.resolution();
    if (resolution.minPixels() != 0 || resolution.maxPixels() != 0) {
      throw new ModelException(
          "an InternVL cuts pictures into tiles: give maxTiles in place of minPixels and"
              + " maxPixels");
    }
    return preprocessing.withMaximum(resolution.maxTiles());
  }

  /** By its name alone: the published code runs no template in Jinja. */
  @Override
  ChatTemplate template(ChatFiles files, Tokenizer words) {
    return files.named().isEmpty() ? template(words) : ChatTemplate.named(files.named());
  }

  /** Its own {@code chat} gives {@code generate} embeddings alone, so no ids of the prompt. */
  @Override
  boolean penalisesPrompt() {
    return false;
  }

  @Override
  Encoder encoder(View view) {
    return new Encoder("vision_model.", List.of(config, preprocessing(view)));
  }

  @Override
  List<float[]> encode(NDManager step, List<View> views) {
    List<Image> tiles = new ArrayList<>();
    views.forEach(view -> tiles.addAll(preprocessing(view).tiles((Image) view.medium())));
    float[] all = visualFeatures(step, preprocessing.pixels(step, tiles)).toFloatArray();
    return split(
        all, views.stream().map(view -> segment(view).count() * config.featureWidth()).toList());
  }

  @Override
  NDArray features(NDManager step, List<Seen> seen) {
    return concatenated(step, seen, config.tokensPerTile(), config.featureWidth());
  }

  @Override
  ObjectNode configJson() {
    return config.toJson();
  }

  @Override
  void saveMore(Path staging) throws IOException {
    writeIfAbsent(
        staging.resolve(PreprocessorConfig.FILE),
        Json.pretty(PreprocessorConfig.json(preprocessing)).getBytes(StandardCharsets.UTF_8));
  }
}
