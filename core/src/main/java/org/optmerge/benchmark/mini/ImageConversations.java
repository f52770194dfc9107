package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;
import org.optmerge.model.InternVL;
import org.optmerge.train.Objective;
import org.optmerge.train.TrainingException;

/**
 * The loss of a language model on conversations about images, whose features come from the frozen
 * vision tower and are kept.
 *
 * <p>Which images a step shows is a function of seed, model and step. Features are rounded to
 * float16 whether they were just computed or kept, so that a resumed run computes the same.
 */
final class ImageConversations implements Objective, AutoCloseable {
  /** Of so many images one has a question of the wanted types, or the recipe asks for too much. */
  private static final int ATTEMPTS = 64;

  private final InternVL model;
  private final MiniGenerator generator;
  private final CapabilityRecipe.Stage stage;
  private final List<MiniTask> tasks;
  private final int featureSize;
  private final CounterRandom images;
  private final CounterRandom formats;
  private final Map<MiniTask, FeatureStore> stores = new EnumMap<>(MiniTask.class);
  private final Map<MiniTask, Map<Integer, List<ImageQuestion>>> questions =
      new EnumMap<>(MiniTask.class);

  /** One place of a batch. */
  record Place(MiniTask task, int index, Dialogue dialogue) {}

  /**
   * @param features where the features of this vision tower are kept
   */
  ImageConversations(
      InternVL model, MiniGenerator generator, CapabilityRecipe.Run run, long seed, Path features) {
    this.model = model;
    this.generator = generator;
    this.stage = run.stage();
    this.tasks = run.tasks();
    this.featureSize = model.config().tokensPerTile() * model.config().featureWidth();
    this.images = CounterRandom.of(seed, "images for " + run.name());
    this.formats = CounterRandom.of(seed, "formats for " + run.name());
    for (MiniTask task : tasks) {
      String file = "%s-%s.f16".formatted(stage.split().key(), task.key());
      stores.put(task, new FeatureStore(features.resolve(file), stage.images(), featureSize));
      questions.put(task, new HashMap<>());
    }
  }

  @Override
  public NDArray loss(NDManager arrays, int step) {
    List<Place> batch = batch(step);
    computeMissingFeatures(arrays, batch);
    float[] features = new float[batch.size() * featureSize];
    for (int i = 0; i < batch.size(); i++) {
      store(batch.get(i).task).get(batch.get(i).index, features, i * featureSize);
    }
    Batch tokens = Batch.of(arrays, batch.stream().map(Place::dialogue).toList());
    Shape shape =
        new Shape(batch.size(), model.config().tokensPerTile(), model.config().featureWidth());
    return model.loss(
        arrays, tokens.ids(), tokens.labels(), tokens.mask(), arrays.create(features, shape));
  }

  /** The conversations of a step. */
  List<Place> batch(int step) {
    return IntStream.range(0, stage.batch()).mapToObj(i -> place(step, i)).toList();
  }

  /** An image with at least one question of the wanted types. */
  private Place place(int step, int i) {
    MiniTask task = tasks.get(i % tasks.size());
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      long at = ((long) step * stage.batch() + i) * ATTEMPTS + attempt;
      int index = images.integer(at, stage.images());
      List<ImageQuestion> wanted = wanted(task, index);
      if (!wanted.isEmpty()) {
        boolean asked = formats.uniform((long) step * stage.batch() + i) < stage.questions();
        Dialogue.Form form = asked ? Dialogue.Form.QUESTION : Dialogue.Form.STATEMENT;
        return new Place(task, index, CapabilityModel.conversation(wanted, form));
      }
    }
    throw new TrainingException(
        "%s: %d images in a row have no elementary question".formatted(task, ATTEMPTS));
  }

  private List<ImageQuestion> wanted(MiniTask task, int index) {
    return Objects.requireNonNull(questions.get(task))
        .computeIfAbsent(
            index,
            key ->
                generator.generate(stage.split(), task, index).questions().stream()
                    .filter(
                        question ->
                            stage.types() == CapabilityRecipe.Types.ALL || !question.heldOut())
                    .toList());
  }

  private FeatureStore store(MiniTask task) {
    return Objects.requireNonNull(stores.get(task));
  }

  private void computeMissingFeatures(NDManager arrays, List<Place> batch) {
    List<Place> missing =
        batch.stream().filter(place -> !store(place.task).has(place.index)).toList();
    if (missing.isEmpty()) {
      return;
    }
    List<MiniImage> pictures =
        missing.stream()
            .map(place -> generator.generate(stage.split(), place.task, place.index))
            .toList();
    try (NDArray computed =
        model.visualFeatures(
            arrays,
            CapabilityModel.pixels(arrays, pictures.stream().map(MiniImage::image).toList()))) {
      float[] values = computed.toFloatArray();
      for (int i = 0; i < missing.size(); i++) {
        Place place = missing.get(i);
        store(place.task).put(place.index, values, i * featureSize);
      }
    }
  }

  @Override
  public void close() {
    stores.values().forEach(FeatureStore::close);
  }
}
