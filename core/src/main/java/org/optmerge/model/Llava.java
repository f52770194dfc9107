package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.vision.ClipPreprocessing;

/**
 * A LLaVA-1.5: CLIP's vision transformer, a two-layer connector and Vicuna, in the layout of
 * Hugging Face's library or of LLaVA's own code. Ownership of arrays, training and threads are as
 * {@link DecoderModel} says.
 *
 * <p>Features of a batch are the vision model's, (T, tokens, d), before the connector.
 *
 * @see <a href="https://arxiv.org/abs/2310.03744">Liu et al., Improved baselines with visual
 *     instruction tuning, section 3.3</a>
 */
final class Llava extends DecoderModel<NDArray> {
  private static final String IMAGE = "<image>";
  private static final Pattern IMAGES = Pattern.compile("(<image>)+");

  private final LlavaConfig config;
  private final ClipPreprocessing preprocessing;
  private final long unknown;

  /** LLaVA-1.5. */
  public static final class Family extends Architecture {
    /** For the service loader. */
    public Family() {
      super("llava", List.of(LlavaConfig.HUGGING_FACE, LlavaConfig.ORIGINAL), Llava::open);
    }
  }

  private Llava(
      LlavaConfig config,
      Precision precision,
      @Nullable Tokenizer tokenizer,
      ClipPreprocessing preprocessing,
      Path folder) {
    super(
        config.language(),
        config.parameters(),
        precision,
        adapters -> ClipMethods.all(config, adapters),
        tokenizer,
        folder);
    this.config = config;
    this.preprocessing = preprocessing;
    this.unknown = tokenizer == null ? 0 : tokenizer.find("<unk>").orElse(0);
  }

  /**
   * Opens a folder; of the original layout the vision model may be in a folder of its own.
   *
   * @throws ModelException if the architecture is another, or a tensor is missing, unknown or of
   *     another shape
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  static Llava open(Path folder, Precision wanted) {
    LlavaConfig config = LlavaConfig.read(folder);
    Tokenizer tokenizer = TokenizerFiles.areIn(folder) ? Tokenizer.open(folder) : null;
    String tower = config.towerName();
    return Opening.open(
        folder,
        wanted,
        name -> ownName(config.names(), name),
        stored -> {
          LlavaConfig found =
              config.withTied(config.tied() || !stored.weights().containsKey(config.head()));
          Path clip = tower == null ? null : VisionTower.of(folder, tower).folder();
          boolean has = stored.weights().keySet().stream().anyMatch(Llava::isOfTower);
          if (!has && clip == null && tower != null) {
            throw new ModelException(
                "%s: %s".formatted(folder, VisionTower.missing(folder, tower)));
          }
          ClipPreprocessing preprocessing =
              PreprocessorConfig.readClip(
                  clip == null ? folder : clip, config.vision().imageSize(), config.padded());
          return new Opening<>(
              found.parameters(),
              has || clip == null
                  ? null
                  : new Opening.Elsewhere(clip, name -> ofTower(found, name)),
              precision -> new Llava(found, precision, tokenizer, preprocessing, folder));
        });
  }

  private static boolean isOfTower(String name) {
    return name.contains("vision_tower.");
  }

  /** The name of a tensor of CLIP, of which its text model is no part. */
  private static String ofTower(LlavaConfig config, String stored) {
    String prefix = "vision_model.";
    return stored.startsWith(prefix)
        ? config.names().tower() + stored.substring(prefix.length())
        : "";
  }

  /** Newer versions of the library put "model." before all but the head. */
  private static String ownName(LlavaConfig.Names names, String stored) {
    return names.equals(LlavaConfig.Names.OF_ORIGINAL)
        ? stored
        : stored
            .replaceFirst("^model\\.language_model\\.", "language_model.model.")
            .replaceFirst("^lm_head\\.", "language_model.lm_head.")
            .replaceFirst("^model\\.(vision_tower|multi_modal_projector)\\.", "$1.");
  }

  @Override
  String ownName(String stored) {
    return ownName(config.names(), stored);
  }

  private boolean isOriginal() {
    return config.imageToken() < 0;
  }

  /**
   * The features of pictures, before the connector.
   *
   * @param pixels (T, 3, H, W), normalised
   * @return (T, tokens, d)
   */
  NDArray visualFeatures(NDManager step, NDArray pixels) {
    return decode(step, "visual_features", pixels);
  }

  /** Where the text has a placeholder instead of a token, its places hold that for the unknown. */
  private long imageToken() {
    return isOriginal() ? unknown : config.imageToken();
  }

  @Override
  Connected connected(NDManager step, @Nullable NDArray features) {
    return new Connected(
        List.of(new TokenBatch.Medium(IMAGE, imageToken(), features)),
        features,
        config.vision().width());
  }

  @Override
  public Set<Class<? extends Media>> media() {
    return Set.of(Image.class);
  }

  @Override
  ChatTemplate template(Tokenizer words) {
    return isOriginal() ? ChatTemplate.VICUNA_V1 : ChatTemplate.LLAVA;
  }

  @Override
  ChatTemplate.Segment segment(View view) {
    view.resolution().requirePublished("a LLaVA sees squares of one size");
    return new ChatTemplate.Segment(Image.class, IMAGE, config.tokens());
  }

  @Override
  long tokenId(Tokenizer words, String token) {
    return imageToken();
  }

  /** The original code tokenizes the texts between pictures each by itself. */
  @Override
  long[] encode(Tokenizer words, String text) {
    if (!isOriginal()) {
      return super.encode(words, text);
    }
    LongStream ids = LongStream.of(words.prefix());
    int from = 0;
    for (Matcher images = IMAGES.matcher(text); images.find(); from = images.end()) {
      long[] before = words.encodeKnown(text.substring(from, images.start()));
      int count = images.group().length() / IMAGE.length();
      LongStream places = LongStream.generate(this::imageToken).limit(count);
      ids = LongStream.concat(LongStream.concat(ids, LongStream.of(before)), places);
    }
    return LongStream.concat(ids, LongStream.of(words.encodeKnown(text.substring(from)))).toArray();
  }

  /** The original code gives {@code generate} embeddings alone, so no ids of the prompt. */
  @Override
  boolean penalisesPrompt() {
    return !isOriginal();
  }

  @Override
  Encoder encoder(View view) {
    return new Encoder(config.names().tower(), List.of(config, preprocessing));
  }

  @Override
  List<float[]> encode(NDManager step, List<View> views) {
    List<Image> pictures = new ArrayList<>();
    views.forEach(view -> pictures.add(preprocessing.prepared((Image) view.medium())));
    float[] all = visualFeatures(step, preprocessing.pixels(step, pictures)).toFloatArray();
    return split(all, Collections.nCopies(views.size(), config.tokens() * config.vision().width()));
  }

  @Override
  NDArray features(NDManager step, List<Seen> seen) {
    return concatenated(step, seen, config.tokens(), config.vision().width());
  }

  /** A LLaVA comes from a folder, which has its configuration. */
  @Override
  ObjectNode configJson() {
    throw new IllegalStateException("a LLaVA without a folder");
  }
}
