package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.ArrayList;
import java.util.Set;
import java.util.TreeSet;
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
  private final CounterRandom places;
  private final long seed;

  /** The beginning of the names of the random orders of an image's questions. */
  private final String orders;
  private final Map<MiniTask, FeatureStore> stores = new EnumMap<>(MiniTask.class);
  private final Map<MiniTask, Map<Integer, Asked>> asked = new EnumMap<>(MiniTask.class);

  /**
   * One place of a batch.
   *
   * @param task whose image it is
   */
  record Place(MiniTask task, int index, Dialogue dialogue) {}

  /** What is asked about an image: about itself, and of each ability alone. */
  private record Asked(List<ImageQuestion> own, Map<MiniTask, List<ImageQuestion>> plain) {
    List<ImageQuestion> by(MiniTask ability) {
      return plain.getOrDefault(ability, List.of());
    }
  }

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
    this.places = CounterRandom.of(seed, "places of images for " + run.name());
    this.seed = seed;
    this.orders = "order of questions for %s ".formatted(run.name());
    Set<MiniTask> drawn = new TreeSet<>(tasks);
    if (stage.shareElsewhere() > 0) {
      drawn.add(MiniTask.COMBINED);
    }
    for (MiniTask task : drawn) {
      String file = "%s-%s-%d.f16".formatted(stage.split().key(), task.key(), stage.begin());
      stores.put(task, new FeatureStore(features.resolve(file), stage.images(), featureSize));
      asked.put(task, new HashMap<>());
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
    long number = (long) step * stage.batch() + i;
    MiniTask ability = tasks.get(i % tasks.size());
    boolean question = formats.uniform(number) < stage.questions();
    Dialogue.Form form = question ? Dialogue.Form.QUESTION : Dialogue.Form.STATEMENT;
    boolean elsewhere = places.uniform(number) < stage.shareElsewhere();
    MiniTask task = elsewhere ? MiniTask.COMBINED : ability;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      long at = number * ATTEMPTS + attempt;
      int index = images.integer(at, stage.images());
      List<ImageQuestion> wanted = wanted(ability, task, index, form, at);
      if (!wanted.isEmpty()) {
        return new Place(task, index, CapabilityModel.conversation(wanted, form));
      }
    }
    throw new TrainingException(
        "%s: %d images in a row have no elementary question".formatted(task, ATTEMPTS));
  }

  /**
   * The questions about an image: statements are of all types, questions of the stage's. What takes
   * two abilities is stated and never asked: questions about such an image are of one ability, that
   * which is wanted or any.
   */
  private List<ImageQuestion> wanted(
      MiniTask ability, MiniTask task, int index, Dialogue.Form form, long at) {
    Asked all =
        Objects.requireNonNull(asked.get(task))
            .computeIfAbsent(
                index,
                key -> {
                  MiniImage image = generator.image(stage.split(), task, stage.begin() + index);
                  return new Asked(image.questions(), image.plain());
                });
    boolean statement = form == Dialogue.Form.STATEMENT;
    List<ImageQuestion> wanted = new ArrayList<>();
    if (task != MiniTask.COMBINED) {
      wanted.addAll(all.own);
    } else {
      List<ImageQuestion> about = new ArrayList<>();
      MiniTask.CAPABILITIES.stream()
          .filter(each -> each == ability || ability == MiniTask.COMBINED)
          .forEach(each -> about.addAll(all.by(each)));
      if (statement && ability == MiniTask.COMBINED) {
        about.addAll(all.own);
      }
      wanted.addAll(new Dice(CounterRandom.of(seed, orders + at)).shuffled(about));
    }
    wanted.removeIf(
        question ->
            !statement && stage.types() == CapabilityRecipe.Types.ELEMENTARY && question.heldOut());
    return wanted;
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
            .map(place -> generator.image(stage.split(), place.task, stage.begin() + place.index))
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
