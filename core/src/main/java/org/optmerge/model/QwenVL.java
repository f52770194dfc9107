package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;
import org.optmerge.model.vision.QwenPreprocessing;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/**
 * A Qwen2-VL or Qwen2.5-VL. Ownership of arrays, training and threads are as {@link DecoderModel}
 * says.
 *
 * <p>Shapes: B sequences of N tokens, P patches.
 *
 * @see <a href="https://arxiv.org/abs/2409.12191">Wang et al., Qwen2-VL, section 2.1</a>
 * @see <a href="https://arxiv.org/abs/2502.13923">Bai et al., Qwen2.5-VL, section 2.1</a>
 */
public final class QwenVL extends DecoderModel<QwenVL.Visuals> {
  private static final String IMAGE_TOKEN = "<|image_pad|>";
  private static final String VIDEO_TOKEN = "<|video_pad|>";

  private final QwenVLConfig config;
  private final QwenPreprocessing preprocessing;

  /** Qwen2-VL and Qwen2.5-VL. */
  public static final class Family extends Architecture {
    /** For the service loader. */
    public Family() {
      super("qwen2_vl", List.of(QwenVLConfig.QWEN2_VL, QwenVLConfig.QWEN2_5_VL), QwenVL::open);
    }
  }

  /**
   * The pictures and videos of a batch, in the order of its tokens.
   *
   * @param images features of all pictures, (tokens, decoder width); null if there are none
   * @param imageGrids the grid of each picture
   * @param videos features of all videos; null if there are none
   * @param videoGrids the grid of each video
   * @param secondsPerGrid how long a pair of frames lasts, for each video; empty stands for ones.
   *     Only Qwen2.5-VL looks at it
   */
  public record Visuals(
      @Nullable NDArray images,
      List<Grid> imageGrids,
      @Nullable NDArray videos,
      List<Grid> videoGrids,
      List<Double> secondsPerGrid) {
    /** Text alone. */
    public static final Visuals NOTHING = new Visuals(null, List.of(), null, List.of(), List.of());

    public Visuals {
      imageGrids = List.copyOf(imageGrids);
      videoGrids = List.copyOf(videoGrids);
      secondsPerGrid =
          secondsPerGrid.isEmpty()
              ? Collections.nCopies(videoGrids.size(), 1.0)
              : List.copyOf(secondsPerGrid);
      if (secondsPerGrid.size() != videoGrids.size()) {
        throw new ModelException(
            "%d videos, but %d times per grid".formatted(videoGrids.size(), secondsPerGrid.size()));
      }
    }

    /** Pictures alone. */
    public static Visuals images(NDArray features, List<Grid> grids) {
      return new Visuals(features, grids, null, List.of(), List.of());
    }
  }

  private QwenVL(
      QwenVLConfig config, Precision precision, @Nullable Tokenizer tokenizer, Path folder) {
    super(
        config.language(),
        config.parameters(),
        precision,
        adapters -> QwenVisionMethods.all(config, adapters),
        tokenizer,
        folder);
    this.config = config;
    this.preprocessing = PreprocessorConfig.readQwen(folder);
  }

  /**
   * Opens a folder in Hugging Face layout, with the tensor names of the hub or the newer ones of
   * the library.
   *
   * @throws ModelException if the architecture is another, or a tensor is missing, unknown or of
   *     another shape
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  public static QwenVL open(Path folder) {
    return open(folder, Precision.FLOAT32);
  }

  /**
   * Opens a folder in Hugging Face layout.
   *
   * @throws ModelException as {@link #open(Path)}, or if a tensor cannot be used in this precision
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  public static QwenVL open(Path folder, Precision wanted) {
    QwenVLConfig config = QwenVLConfig.read(folder);
    Tokenizer tokenizer = TokenizerFiles.areIn(folder) ? Tokenizer.open(folder) : null;
    return Opening.open(
        folder,
        wanted,
        QwenVL::hubName,
        stored -> {
          QwenVLConfig found =
              config.withTied(config.tied() || !stored.weights().containsKey("lm_head.weight"));
          return new Opening<>(
              found.parameters(),
              null,
              precision -> new QwenVL(found, precision, tokenizer, folder));
        });
  }

  private static String hubName(String stored) {
    return stored
        .replaceFirst("^model\\.visual\\.", "visual.")
        .replaceFirst("^model\\.language_model\\.", "model.");
  }

  @Override
  String ownName(String stored) {
    return hubName(stored);
  }

  /** The shape of the model. */
  public QwenVLConfig config() {
    return config;
  }

  /**
   * The features of pictures or videos, as the decoder takes them.
   *
   * @param pixels patches of all of them, (P, {@link QwenPreprocessing#PATCH_VALUES})
   * @param grids of each
   * @return (tokens, decoder width)
   * @throws ModelException if the patches are not those of the grids
   */
  public NDArray visualFeatures(NDManager step, NDArray pixels, List<Grid> grids) {
    return vision(step, "visual_features", pixels, grids).singletonOrThrow();
  }

  QwenPatches patches(List<Grid> grids) {
    QwenVLConfig.Windows windows = config.vision().windows();
    return new QwenPatches(grids, windows == null ? 0 : windows.side());
  }

  /** The patch embedding, the output of every block in window order, and the features. */
  List<NDArray> visionStates(NDManager step, NDArray pixels, List<Grid> grids) {
    return vision(step, "vision_states", pixels, grids);
  }

  private NDList vision(NDManager step, String method, NDArray pixels, List<Grid> grids) {
    QwenPatches patches = patches(grids);
    Shape expected = new Shape(patches.patches(), config.vision().patchValues());
    if (!pixels.getShape().equals(expected)) {
      throw new ModelException(
          "pixels must be %s for grids %s, are %s".formatted(expected, grids, pixels.getShape()));
    }
    int headWidth = config.vision().width() / config.vision().heads();
    float[][] angles = patches.angles(headWidth);
    NDArray nothing = step.create(new Shape(0), DataType.INT64);
    QwenPatches.Windows windows = config.vision().windows() == null ? null : patches.windows();
    RotaryEmbedding.Table table =
        RotaryEmbedding.ofAngles(
            step, windows == null ? angles : inWindowOrder(angles, windows.order()));
    return call(
        step,
        method,
        pixels,
        table.cos(),
        table.sin(),
        // Windows never cross frames, so the order of the frames stays.
        step.create(patches.frames()),
        windows == null ? nothing : step.create(windows.counts()),
        windows == null ? nothing : step.create(windows.order()),
        windows == null ? nothing : step.create(windows.back()));
  }

  private static float[][] inWindowOrder(float[][] angles, long[] order) {
    int cell = QwenVLConfig.MERGE * QwenVLConfig.MERGE;
    float[][] ordered = new float[angles.length][];
    for (int i = 0; i < order.length; i++) {
      System.arraycopy(angles, (int) order[i] * cell, ordered, i * cell, cell);
    }
    return ordered;
  }

  @Override
  Connected connected(NDManager step, @Nullable Visuals visuals) {
    Visuals given = visuals == null ? Visuals.NOTHING : visuals;
    return new Connected(
        List.of(
            new TokenBatch.Medium(IMAGE_TOKEN, config.imageToken(), given.images()),
            new TokenBatch.Medium(VIDEO_TOKEN, config.videoToken(), given.videos())),
        both(step, given),
        config.language().width());
  }

  /** Pictures first, as their places in the batch. */
  private static @Nullable NDArray both(NDManager step, Visuals seen) {
    NDArray images = seen.images();
    NDArray videos = seen.videos();
    if (images == null || videos == null) {
      return images == null ? videos : images;
    }
    // Attached to the first operand's manager, which may be another.
    NDArray both = images.concat(videos, 0);
    both.attach(step);
    return both;
  }

  @Override
  RotaryEmbedding.Table wholePass(NDManager step, TokenBatch batch, @Nullable Visuals visuals) {
    return continued(batch, visuals).prompt().apply(step);
  }

  @Override
  Positions continued(TokenBatch batch, @Nullable Visuals visuals) {
    QwenPositions positions = positions(batch, visuals == null ? Visuals.NOTHING : visuals);
    return new Positions(
        step -> rotary.of(step, positions.axes(), config.sections()), positions.deltas());
  }

  QwenPositions positions(TokenBatch batch, Visuals seen) {
    checkGrids(seen.images(), seen.imageGrids(), "pictures");
    checkGrids(seen.videos(), seen.videoGrids(), "videos");
    QwenVLConfig.Windows windows = config.vision().windows();
    List<Double> speed =
        seen.secondsPerGrid().stream()
            .map(seconds -> windows == null ? 1.0 : seconds * windows.tokensPerSecond())
            .toList();
    return QwenPositions.of(
        batch,
        config.imageToken(),
        config.videoToken(),
        seen.imageGrids(),
        seen.videoGrids(),
        speed);
  }

  private static void checkGrids(@Nullable NDArray features, List<Grid> grids, String what) {
    long tokens = grids.stream().mapToLong(Grid::tokens).sum();
    long given = features == null ? 0 : features.getShape().get(0);
    if (tokens != given) {
      throw new ModelException(
          "the grids of %s %s are of %d tokens, the features of %d"
              .formatted(what, grids, tokens, given));
    }
  }

  @Override
  public Set<Class<? extends Media>> media() {
    return Set.of(Image.class, Video.class);
  }

  /** Frames in the size that suits them; a picture is one. */
  private List<Image> frames(View view) {
    List<Image> frames =
        view.medium() instanceof Video video ? video.frames() : List.of((Image) view.medium());
    return frames.stream().map(preprocessing(view)::resized).toList();
  }

  private QwenPreprocessing preprocessing(View view) {
    Prompt.Resolution resolution = view.resolution();
    if (resolution.maxTiles() != 0) {
      throw new ModelException(
          "a Qwen-VL cuts no picture into tiles: give minPixels and maxPixels in place of"
              + " maxTiles");
    }
    return preprocessing.within(resolution.minPixels(), resolution.maxPixels());
  }

  private Grid grid(View view) {
    if (config.vision().patchValues() != QwenPreprocessing.PATCH_VALUES) {
      throw new ModelException(
          "the model's patches have %d values; pictures become patches of %d"
              .formatted(config.vision().patchValues(), QwenPreprocessing.PATCH_VALUES));
    }
    QwenPreprocessing sized = preprocessing(view);
    return view.medium() instanceof Video video
        ? sized.grid(video.width(), video.height(), video.frames().size())
        : sized.grid(((Image) view.medium()).width(), ((Image) view.medium()).height(), 1);
  }

  @Override
  ChatTemplate.Segment segment(View view) {
    Media medium = view.medium();
    return new ChatTemplate.Segment(
        medium.getClass(),
        medium instanceof Video ? VIDEO_TOKEN : IMAGE_TOKEN,
        grid(view).tokens());
  }

  @Override
  Encoder encoder(View view) {
    return new Encoder("visual.", List.of(config, preprocessing(view)));
  }

  /** One by one: a batch of patches attends to itself as a whole, in memory if not in effect. */
  @Override
  List<float[]> encode(NDManager step, List<View> views) {
    List<float[]> each = new ArrayList<>();
    for (View view : views) {
      NDArray pixels = QwenPreprocessing.patches(step, frames(view));
      each.add(visualFeatures(step, pixels, List.of(grid(view))).toFloatArray());
    }
    return each;
  }

  /** Of a video two frames, which share a patch, are taken to last a second, as by default. */
  @Override
  Visuals features(NDManager step, List<Seen> seen) {
    List<Seen> images = seen.stream().filter(one -> one.view().medium() instanceof Image).toList();
    List<Seen> videos = seen.stream().filter(one -> one.view().medium() instanceof Video).toList();
    return new Visuals(
        joined(step, images), grids(images), joined(step, videos), grids(videos), List.of());
  }

  private @Nullable NDArray joined(NDManager step, List<Seen> seen) {
    int width = config.language().width();
    return seen.isEmpty() ? null : concatenated(step, seen, 1, width).reshape(-1, width);
  }

  private List<Grid> grids(List<Seen> seen) {
    return seen.stream().map(one -> grid(one.view())).toList();
  }

  /** A Qwen-VL comes from a folder, which has its configuration. */
  @Override
  ObjectNode configJson() {
    throw new IllegalStateException("a Qwen-VL without a folder");
  }
}
