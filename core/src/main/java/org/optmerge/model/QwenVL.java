package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.model.vision.QwenPreprocessing;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/**
 * A Qwen2-VL or Qwen2.5-VL in float32. Parameters, managers and gradients are as those of {@link
 * InternVL}.
 *
 * <p>Shapes: B sequences of N tokens, P patches.
 *
 * @see <a href="https://arxiv.org/abs/2409.12191">Wang et al., Qwen2-VL, section 2.1</a>
 * @see <a href="https://arxiv.org/abs/2502.13923">Bai et al., Qwen2.5-VL, section 2.1</a>
 */
public final class QwenVL implements AutoCloseable {
  private final QwenVLConfig config;
  private final NDManager manager;
  private final Parameters parameters;
  private final RotaryEmbedding rotary;
  private final ModelScript script;

  /**
   * What a batch shows, in the order of its tokens.
   *
   * @param images features of all pictures, (tokens, decoder width); null if there are none
   * @param imageGrids the grid of each picture
   * @param videos features of all videos; null if there are none
   * @param videoGrids the grid of each video
   * @param secondsPerGrid how long a pair of frames lasts, for each video; empty stands for ones.
   *     Only Qwen2.5-VL looks at it
   */
  public record Seen(
      @Nullable NDArray images,
      List<Grid> imageGrids,
      @Nullable NDArray videos,
      List<Grid> videoGrids,
      List<Double> secondsPerGrid) {
    /** Text alone. */
    public static final Seen NOTHING = new Seen(null, List.of(), null, List.of(), List.of());

    public Seen {
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
    public static Seen images(NDArray features, List<Grid> grids) {
      return new Seen(features, grids, null, List.of(), List.of());
    }
  }

  private QwenVL(QwenVLConfig config) {
    this.config = config;
    this.script = QwenVisionMethods.script(config);
    this.manager = NDManager.newBaseManager(null, "PyTorch");
    this.parameters = new Parameters(manager, config.parameters());
    this.rotary = new RotaryEmbedding(config.language().headWidth(), config.language().ropeTheta());
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
    QwenVLConfig config = QwenVLConfig.read(folder);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      SortedMap<String, TensorInfo> stored = new TreeMap<>();
      for (TensorInfo tensor : checkpoint.tensors()) {
        stored.put(
            tensor
                .name()
                .replaceFirst("^model\\.visual\\.", "visual.")
                .replaceFirst("^model\\.language_model\\.", "model."),
            tensor);
      }
      QwenVL model =
          new QwenVL(config.withTied(config.tied() || !stored.containsKey("lm_head.weight")));
      try {
        model.parameters.read(
            checkpoint,
            stored,
            name ->
                name.endsWith(".inv_freq")
                    || (model.config.tied() && name.equals("lm_head.weight")));
        return model;
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }
  }

  /** The shape of the model. */
  public QwenVLConfig config() {
    return config;
  }

  /** What the parameters live in; make a sub-manager of it for each step. */
  public NDManager manager() {
    return manager;
  }

  /** The parameters by published name; the model's own, as those of {@link InternVL}. */
  public SortedMap<String, NDArray> parameters() {
    return parameters.all();
  }

  /**
   * Puts values in place of a parameter's own, as after a merge.
   *
   * @throws ModelException if there is no such parameter or it has another size
   */
  public void load(String name, float[] values) {
    parameters.fill(name, values);
  }

  /**
   * What the decoder will see of pictures or videos.
   *
   * @param pixels patches of all of them, (P, {@link QwenPreprocessing#PATCH_VALUES})
   * @param grids of each
   * @return (tokens, decoder width)
   * @throws ModelException if the patches are not those of the grids
   */
  public NDArray visualFeatures(NDManager step, NDArray pixels, List<Grid> grids) {
    List<NDArray> states = visionStates(step, pixels, grids);
    return states.get(states.size() - 1);
  }

  QwenPatches patches(List<Grid> grids) {
    QwenVLConfig.Windows windows = config.vision().windows();
    return new QwenPatches(grids, windows == null ? 0 : windows.side());
  }

  /** The patch embedding, the output of every block in window order, and the features. */
  List<NDArray> visionStates(NDManager step, NDArray pixels, List<Grid> grids) {
    QwenPatches patches = patches(grids);
    Shape expected = new Shape(patches.patches(), config.vision().patchValues());
    if (!pixels.getShape().equals(expected)) {
      throw new ModelException(
          "pixels must be %s for grids %s, are %s".formatted(expected, grids, pixels.getShape()));
    }
    int headWidth = config.vision().width() / config.vision().heads();
    float[][] angles = patches.angles(headWidth);
    NDArray nothing = step.create(new Shape(0), DataType.INT64);
    NDArray frames = step.create(patches.frames());
    if (config.vision().windows() == null) {
      RotaryEmbedding.Table table = RotaryEmbedding.ofAngles(step, angles);
      return script.call(
          step,
          "vision_states",
          parameters::get,
          pixels,
          table.cos(),
          table.sin(),
          frames,
          nothing,
          nothing,
          nothing);
    }
    QwenPatches.Windows windows = patches.windows();
    RotaryEmbedding.Table table =
        RotaryEmbedding.ofAngles(step, inWindowOrder(angles, windows.order()));
    return script.call(
        step,
        "vision_states",
        parameters::get,
        pixels,
        table.cos(),
        table.sin(),
        // Windows never cross frames, so the order of the frames stays.
        frames,
        step.create(windows.numbers()),
        step.create(windows.order()),
        step.create(windows.back()));
  }

  private static float[][] inWindowOrder(float[][] angles, long[] order) {
    int cell = QwenVLConfig.MERGE * QwenVLConfig.MERGE;
    float[][] ordered = new float[angles.length][];
    for (int i = 0; i < order.length; i++) {
      System.arraycopy(angles, (int) order[i] * cell, ordered, i * cell, cell);
    }
    return ordered;
  }

  /**
   * The decoder's scores for the next token at every place, as {@link InternVL#logits}.
   *
   * @param inputIds (B, N), int64
   * @param attentionMask (B, N), int64; 0 where a sequence is padded
   */
  public NDArray logits(NDManager step, NDArray inputIds, NDArray attentionMask, Seen seen) {
    return decode(step, "logits", arguments(step, inputIds, attentionMask, seen));
  }

  /**
   * The mean cross-entropy of the tokens that are to be learned, as {@link InternVL#loss}.
   *
   * @param labels (B, N), int64: the input's ids where they are to be learned, else {@link
   *     InternVL#IGNORE}
   */
  public NDArray loss(
      NDManager step, NDArray inputIds, NDArray labels, NDArray attentionMask, Seen seen) {
    Object[] arguments = arguments(step, inputIds, attentionMask, seen);
    if (!labels.getShape().equals(inputIds.getShape())) {
      throw new ModelException(
          "labels have shape %s, the input ids %s"
              .formatted(labels.getShape(), inputIds.getShape()));
    }
    TokenBatch.Targets targets = batch(inputIds, attentionMask, seen).targets(labels.toLongArray());
    List<Object> all = new ArrayList<>(Arrays.asList(arguments));
    all.add(step.create(targets.rows()));
    all.add(step.create(targets.ids()));
    return decode(step, "loss", all.toArray());
  }

  /** Continues sequences with the token that scores best, as {@link InternVL#generate}. */
  public long[][] generate(
      NDArray inputIds, NDArray attentionMask, Seen seen, GreedyDecoding decoding) {
    TokenBatch batch = batch(inputIds, attentionMask, seen);
    QwenPositions positions = positions(batch, seen);
    boolean recording = JniUtils.isGradMode();
    JniUtils.setGradMode(false);
    try (NDManager scope = manager.newSubManager()) {
      return new Decoder(config.language(), rotary, this::decode, scope, batch, decoding)
          .run(
              step -> rotary.of(step, positions.axes(), config.sections()),
              positions.deltas(),
              inputIds,
              features(scope, seen));
    } finally {
      JniUtils.setGradMode(recording);
    }
  }

  /** The input embeddings and the output of every layer, as of {@link InternVL}. */
  List<NDArray> decoderStates(NDManager step, NDArray inputIds, NDArray attentionMask, Seen seen) {
    Object[] all = arguments(step, inputIds, attentionMask, seen);
    NDArray embedded = decode(step, "embed", all[0], all[1], all[2]);
    return script.call(step, "decoder_states", parameters::get, embedded, all[3], all[4], all[5]);
  }

  private Object[] arguments(NDManager step, NDArray inputIds, NDArray attentionMask, Seen seen) {
    TokenBatch batch = batch(inputIds, attentionMask, seen);
    RotaryEmbedding.Table table = rotary.of(step, positions(batch, seen).axes(), config.sections());
    return batch.arguments(step, inputIds, features(step, seen), table);
  }

  /** Pictures first, as their places in the batch. */
  private static @Nullable NDArray features(NDManager step, Seen seen) {
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

  TokenBatch batch(NDArray inputIds, NDArray attentionMask, Seen seen) {
    return TokenBatch.of(
        config.language(),
        inputIds,
        attentionMask,
        config.language().width(),
        List.of(
            new TokenBatch.Medium("<|image_pad|>", config.imageToken(), seen.images()),
            new TokenBatch.Medium("<|video_pad|>", config.videoToken(), seen.videos())));
  }

  QwenPositions positions(TokenBatch batch, Seen seen) {
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

  private NDArray decode(NDManager step, String method, Object... arguments) {
    return script.call(step, method, parameters::get, arguments).singletonOrThrow();
  }

  /** Frees the parameters. */
  @Override
  public void close() {
    script.close();
    manager.close();
  }
}
