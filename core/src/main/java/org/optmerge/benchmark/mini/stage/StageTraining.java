package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.Lora;
import org.optmerge.model.LoraSettings;
import org.optmerge.model.OmniConfig;
import org.optmerge.model.OmniModel;
import org.optmerge.train.AdamW;
import org.optmerge.train.Objective;
import org.optmerge.train.Schedule;
import org.optmerge.train.TrainingException;
import org.optmerge.train.TrainingListener;
import org.optmerge.train.TrainingRun;

/**
 * Trains the models of the audio-visual miniature, each after those that it needs.
 *
 * <p>In the folder, {@code seed-S/models/NAME} is a finished model in Hugging Face layout, or an
 * adapter in PEFT layout, {@code seed-S/runs/NAME} the log of its training and the state it resumes
 * from. What is there is not trained again. The models: {@code omni-language-1} and on, the
 * language model after each of its trainings; {@code omni-encoder-KEY}, a modality's pretrained
 * encoder; {@code omni-KEY-parts}, the language model as it was with this encoder and its
 * connector; {@code omni-KEY}, its adapter; {@code omni-base}, the language model with every
 * encoder and connector.
 */
public final class StageTraining {
  /** The model with every encoder and connector, which no adapter has changed. */
  public static final String BASE = "omni-base";

  private static final int SAVE_EVERY = 200;

  private final StageRecipe recipe;
  private final long seed;
  private final Path folder;
  private final TrainingListener listener;

  /**
   * @param seed of weights and batches
   * @param folder where models, logs and states are
   */
  public StageTraining(StageRecipe recipe, long seed, Path folder, TrainingListener listener) {
    this.recipe = recipe;
    this.seed = seed;
    this.folder = folder;
    this.listener = listener;
  }

  /** What a modality's adapter is called, such as {@code omni-audio}. */
  public static String adapter(StageModality modality) {
    return "omni-" + modality.key();
  }

  /** The names of all models, in an order in which each comes after those that it needs. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    for (int i = 1; i <= recipe.language().size(); i++) {
      names.add(language(i));
    }
    for (StageModality modality : StageModality.ALL) {
      names.add(encoder(modality));
    }
    for (StageModality modality : StageModality.ALL) {
      names.add(adapter(modality));
    }
    names.add(BASE);
    return names;
  }

  private static String language(int part) {
    return "omni-language-" + part;
  }

  private static String encoder(StageModality modality) {
    return "omni-encoder-" + modality.key();
  }

  /** Where a model is or will be. */
  public Path folder(String name) {
    return folder.resolve("seed-" + seed).resolve("models").resolve(name);
  }

  /**
   * Trains a model, and first those that it needs, as far as they are not there.
   *
   * @return its folder
   * @throws TrainingException if the recipe has no such model, or training fails
   */
  public Path train(String name) {
    Path out = folder(name);
    if (Files.exists(out)) {
      return out;
    }
    if (name.equals(BASE)) {
      join(out);
      return out;
    }
    for (int part = 1; part <= recipe.language().size(); part++) {
      if (name.equals(language(part))) {
        trainLanguage(part, out);
        return out;
      }
    }
    for (StageModality modality : StageModality.ALL) {
      if (name.equals(encoder(modality))) {
        trainEncoder(modality, out);
        return out;
      }
      if (name.equals(adapter(modality))) {
        trainModality(modality, out);
        return out;
      }
    }
    throw new TrainingException("the recipe has no model '%s'; it has %s".formatted(name, names()));
  }

  private void trainLanguage(int part, Path out) {
    StageRecipe.Language settings = recipe.language().get(part - 1);
    try (OmniModel model = StageModel.initialise(StageModel.language(), seed)) {
      if (part > 1) {
        take(model, train(language(part - 1)));
      }
      run(
          language(part),
          new TreeMap<>(model.parameters()),
          new StageTexts(model, seed, settings.batch(), settings.questions(), settings.captions()),
          settings.schedule(),
          recipe.optimiser());
      model.save(out, DType.F16);
    }
  }

  private void trainEncoder(StageModality modality, Path out) {
    StageRecipe.Encoder settings = recipe.encoder();
    try (OmniModel model = StageModel.initialise(with(modality), seed)) {
      StageLabelLoss head =
          new StageLabelLoss(
              model.manager(), modality, StageModel.modality(modality).featureWidth(), seed);
      SortedMap<String, NDArray> trained = head.parameters();
      trained.putAll(beginning(model, OmniConfig.encoder(modality.key())));
      Objective objective =
          (arrays, step) -> {
            List<StageScene> scenes =
                IntStream.range(0, settings.batch())
                    .mapToObj(
                        i ->
                            StageScene.draw(
                                MiniGenerator.SEED, MiniSplit.BASE, step * settings.batch() + i))
                    .toList();
            NDArray inputs = StageInputs.of(arrays, modality, scenes);
            return head.of(model.features(arrays, modality.key(), inputs), scenes);
          };
      run(encoder(modality), trained, objective, settings.schedule(), recipe.optimiser());
      model.save(out, DType.F16);
    }
  }

  private void trainModality(StageModality modality, Path out) {
    StageRecipe.Modality settings = recipe.modality();
    Path language = train(language(recipe.language().size()));
    Path encoder = train(encoder(modality));
    try (OmniModel model = StageModel.initialise(with(modality), seed)) {
      take(model, encoder);
      take(model, language);
      Objective objective =
          new StageConversations(
              model,
              modality,
              seed,
              settings.scenes(),
              settings.batch(),
              settings.questions(),
              settings.texts());
      Lora lora =
          model.addLora(
              new LoraSettings(
                  settings.rank(), settings.alpha(), Pattern.compile(settings.layers()), seed));
      SortedMap<String, NDArray> trained = new TreeMap<>(lora.parameters());
      trained.putAll(beginning(model, OmniConfig.projector(modality.key())));
      AdamW.Settings optimiser = recipe.optimiser();
      run(
          adapter(modality),
          trained,
          objective,
          settings.schedule(),
          new AdamW.Settings(
              optimiser.beta1(),
              optimiser.beta2(),
              optimiser.epsilon(),
              settings.weightDecay(),
              optimiser.clipNorm()));
      Path parts = parts(modality);
      if (!Files.exists(parts)) {
        model.save(parts, DType.F16);
      }
      lora.save(out, DType.F16);
    }
  }

  private Path parts(StageModality modality) {
    return folder(adapter(modality) + "-parts");
  }

  /** The language model with every encoder and connector. */
  private void join(Path out) {
    OmniConfig config = StageModel.language();
    for (StageModality modality : StageModality.ALL) {
      train(adapter(modality));
      config = config.with(modality.key(), StageModel.modality(modality));
    }
    try (OmniModel model = StageModel.initialise(config, seed)) {
      for (StageModality modality : StageModality.ALL) {
        take(model, parts(modality));
      }
      model.save(out, DType.F16);
    }
  }

  private static OmniConfig with(StageModality modality) {
    return StageModel.language().with(modality.key(), StageModel.modality(modality));
  }

  private static void take(OmniModel model, Path from) {
    try (OmniModel other = OmniModel.open(from)) {
      model.take(other);
    }
  }

  private static SortedMap<String, NDArray> beginning(OmniModel model, String prefix) {
    SortedMap<String, NDArray> some = new TreeMap<>(model.parameters());
    some.keySet().removeIf(name -> !name.startsWith(prefix));
    return some;
  }

  private void run(
      String name,
      SortedMap<String, NDArray> trained,
      Objective objective,
      Schedule schedule,
      AdamW.Settings optimiser) {
    new TrainingRun(
            name,
            trained,
            objective,
            schedule,
            optimiser,
            SAVE_EVERY,
            folder.resolve("seed-" + seed).resolve("runs").resolve(name))
        .run(listener);
  }
}
