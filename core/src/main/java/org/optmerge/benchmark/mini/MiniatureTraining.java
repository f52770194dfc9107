package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Progress;
import org.optmerge.train.Objective;
import org.optmerge.train.TrainingException;
import org.optmerge.train.TrainingRun;

/**
 * The training of a miniature's models by a recipe, each after those that it needs.
 *
 * <p>In the folder, {@code seed-S/models/NAME} is a finished model in Hugging Face layout (or an
 * adapter in PEFT layout), {@code seed-S/runs/NAME} the log of its training and the state it
 * resumes from; {@code NAME/model} and {@code NAME/run} are those of a model that all seeds share,
 * as published families share their vision tower; {@code features} is what a frozen tower made of
 * the images. A model that is there is not trained again; a training that was killed goes on.
 */
public final class MiniatureTraining {
  private static final int SAVE_EVERY = 100;

  private final TrainingRecipe recipe;
  private final long seed;
  private final Path folder;
  private final Progress progress;

  /**
   * A training of which nothing is done yet, or some.
   *
   * @param seed of weights and batches; what is drawn is always the same, and a shared model has a
   *     seed of its own
   * @param folder where models, logs and states are
   */
  public MiniatureTraining(TrainingRecipe recipe, long seed, Path folder, Progress progress) {
    this.recipe = recipe;
    this.seed = seed;
    this.folder = folder;
    this.progress = progress;
  }

  /** The names of all models, in an order in which each comes after those that it needs. */
  public List<String> names() {
    return recipe.models().stream().map(TrainingRecipe.Model::name).toList();
  }

  /** The seed of weights and batches. */
  public long seed() {
    return seed;
  }

  /** The folder of a model that is or will be there. */
  public Path folder(String name) {
    return isShared(name)
        ? folder.resolve(name).resolve("model")
        : folder.resolve("seed-" + seed).resolve("models").resolve(name);
  }

  /** The folder of the features of frozen encoders. */
  Path features() {
    return folder.resolve("features");
  }

  private boolean isShared(String name) {
    return recipe.models().stream().anyMatch(model -> model.shared() && model.name().equals(name));
  }

  /**
   * Trains a model, and first those that it needs, as far as they are not there.
   *
   * @return its folder
   * @throws TrainingException if the recipe has no such model, or training fails
   */
  public Path train(String name) {
    Path out = folder(name);
    if (!Files.exists(out)) {
      TrainingRecipe.Model model =
          recipe.models().stream()
              .filter(candidate -> candidate.name().equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      new TrainingException(
                          "the recipe has no model '%s'; it has %s".formatted(name, names())));
      model.needs().forEach(this::train);
      model.maker().make(this, out);
    }
    return out;
  }

  /**
   * Carries out one training, from where it was interrupted.
   *
   * @param name of the model
   * @param parameters what is trained
   * @param weightDecay in place of the recipe's, if given
   * @param afterStep takes the number of each step that is done
   */
  public void run(
      String name,
      SortedMap<String, NDArray> parameters,
      Objective objective,
      TrainingRecipe.Steps steps,
      @Nullable Double weightDecay,
      IntConsumer afterStep) {
    new TrainingRun(
            name,
            parameters,
            objective,
            steps.schedule(),
            weightDecay == null
                ? recipe.optimiser()
                : recipe.optimiser().withWeightDecay(weightDecay),
            SAVE_EVERY,
            isShared(name)
                ? folder.resolve(name).resolve("run")
                : folder.resolve("seed-" + seed).resolve("runs").resolve(name))
        .run(afterStep, progress);
  }

  /** Those of a model's parameters whose names are wanted. */
  public static SortedMap<String, NDArray> some(
      SortedMap<String, NDArray> parameters, Predicate<String> wanted) {
    SortedMap<String, NDArray> some = new TreeMap<>(parameters);
    some.keySet().removeIf(wanted.negate());
    return some;
  }
}
