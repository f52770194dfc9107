package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.optmerge.base.CounterRandom;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.InternVL;
import org.optmerge.model.Lora;
import org.optmerge.model.LoraSettings;
import org.optmerge.train.Objective;
import org.optmerge.train.TrainingException;
import org.optmerge.train.TrainingListener;
import org.optmerge.train.TrainingRun;

/**
 * Trains the models of the miniature, each from the one that it continues.
 *
 * <p>The vision tower is trained once, whatever the seed, as published families share theirs. In
 * the folder, {@code vision/model} is the model with that tower, {@code seed-S/models/NAME} a
 * finished model in Hugging Face layout (or an adapter in PEFT layout), {@code seed-S/runs/NAME}
 * the log of its training and the state it resumes from, {@code features} what the frozen tower
 * made of the images. A model that is there is not trained again; a training that was killed goes
 * on.
 */
public final class MiniTraining {
  private static final int SAVE_EVERY = 100;

  /** More different images than the vision tower will see: it sees none twice. */
  private static final int VISION_IMAGES = 1 << 30;

  private final MiniRecipe recipe;
  private final long seed;
  private final Path folder;
  private final TrainingListener listener;
  private final MiniGenerator generator;

  /**
   * @param seed of weights and batches; the images are always the same, and the vision tower has a
   *     seed of its own
   * @param folder where models, logs and states are
   */
  public MiniTraining(MiniRecipe recipe, long seed, Path folder, TrainingListener listener) {
    this.recipe = recipe;
    this.seed = seed;
    this.folder = folder;
    this.listener = listener;
    this.generator = new MiniGenerator(MiniGenerator.SEED);
  }

  /** The names of all models, in an order in which each comes after the one it continues. */
  public List<String> names() {
    return Stream.concat(
            Stream.of(MiniRecipe.VISION), recipe.runs().stream().map(MiniRecipe.Run::name))
        .toList();
  }

  /**
   * Trains a model, and first those that it continues, as far as they are not there.
   *
   * @return its folder
   * @throws TrainingException if the recipe has no such model, or training fails
   */
  public Path train(String name) {
    Path model = folder(name);
    if (Files.exists(model)) {
      return model;
    }
    if (name.equals(MiniRecipe.VISION)) {
      trainVision(model);
      return model;
    }
    MiniRecipe.Run run =
        recipe.runs().stream()
            .filter(candidate -> candidate.name().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    new TrainingException(
                        "the recipe has no model '%s'; it has %s".formatted(name, names())));
    Path from = train(run.stage().from());
    trainLanguage(run, from, model);
    return model;
  }

  /** Where a model is or will be. */
  public Path folder(String name) {
    return name.equals(MiniRecipe.VISION)
        ? folder.resolve(MiniRecipe.VISION).resolve("model")
        : folder.resolve("seed-" + seed).resolve("models").resolve(name);
  }

  private void trainVision(Path out) {
    MiniRecipe.Vision settings = recipe.vision();
    try (InternVL model = MiniModel.initialise(settings.seed())) {
      PatchLabelLoss head =
          new PatchLabelLoss(
              model.manager(), model.config().vision().width(), settings.loss(), settings.seed());
      SortedMap<String, NDArray> trained = head.parameters();
      trained.putAll(matching(model, List.of(Pattern.quote(MiniModel.VISION_PARAMETERS) + ".*")));
      List<MiniTask> batch = new ArrayList<>();
      for (MiniTask task : MiniTask.CAPABILITIES) {
        for (int i = 0; i < settings.batch().getOrDefault(task.key(), 0); i++) {
          batch.add(task);
        }
      }
      CounterRandom random = CounterRandom.of(settings.seed(), "images for the vision tower");
      Objective objective =
          (arrays, step) -> {
            List<MiniImage> images =
                IntStream.range(0, batch.size())
                    .parallel()
                    .mapToObj(
                        i ->
                            generator.generate(
                                MiniSplit.BASE,
                                batch.get(i),
                                random.integer((long) step * batch.size() + i, VISION_IMAGES)))
                    .toList();
            NDArray hidden =
                model.hiddenStates(
                    arrays,
                    MiniModel.pixels(arrays, images.stream().map(MiniImage::image).toList()));
            return head.of(hidden, images.stream().map(MiniImage::labels).toList());
          };
      new TrainingRun(
              MiniRecipe.VISION,
              trained,
              objective,
              settings.schedule(),
              recipe.optimiser(),
              SAVE_EVERY,
              out.resolveSibling("run"))
          .run(listener);
      model.save(out, DType.F16);
    }
  }

  private void trainLanguage(MiniRecipe.Run run, Path from, Path out) {
    MiniRecipe.Stage stage = run.stage();
    try (InternVL model = begin(stage, from);
        Conversations conversations =
            new Conversations(model, generator, run, seed, folder.resolve("features"))) {
      Lora lora =
          stage.lora() == null
              ? null
              : model.addLora(
                  new LoraSettings(
                      stage.lora().rank(),
                      stage.lora().alpha(),
                      Pattern.compile(LoraSettings.LANGUAGE_MODEL),
                      seed));
      SortedMap<String, NDArray> trained =
          lora == null ? matching(model, group(stage)) : lora.parameters();
      TrainingListener keeping =
          report -> {
            if (run.keep().contains(report.step())) {
              Path kept = out.resolveSibling("%s-%d".formatted(run.name(), report.step()));
              if (!Files.exists(kept)) {
                model.save(kept, DType.F16);
              }
            }
            listener.stepped(report);
          };
      new TrainingRun(
              run.name(),
              trained,
              conversations,
              stage.schedule(),
              recipe.optimiser(stage),
              SAVE_EVERY,
              folder.resolve("seed-" + seed).resolve("runs").resolve(run.name()))
          .run(keeping);
      if (lora == null) {
        model.save(out, DType.F16);
      } else {
        lora.save(out, DType.F16);
      }
    }
  }

  /** The model to continue; after the vision tower, everything else begins at random. */
  private InternVL begin(MiniRecipe.Stage stage, Path from) {
    if (!stage.from().equals(MiniRecipe.VISION)) {
      return InternVL.open(from);
    }
    InternVL model = MiniModel.initialise(seed);
    try (InternVL tower = InternVL.open(from)) {
      tower
          .parameters()
          .forEach(
              (name, values) -> {
                if (name.startsWith(MiniModel.VISION_PARAMETERS)) {
                  model.load(name, values.toFloatArray());
                }
              });
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private List<String> group(MiniRecipe.Stage stage) {
    List<String> patterns = recipe.parameters().get(stage.train());
    if (patterns == null) {
      throw new TrainingException(
          "the recipe has no group of parameters '%s'; it has %s"
              .formatted(stage.train(), recipe.parameters().keySet()));
    }
    return patterns;
  }

  private static SortedMap<String, NDArray> matching(InternVL model, List<String> patterns) {
    Pattern pattern = Pattern.compile(String.join("|", patterns));
    SortedMap<String, NDArray> matching = new TreeMap<>(model.parameters());
    matching.keySet().removeIf(name -> !pattern.matcher(name).matches());
    return matching;
  }
}
