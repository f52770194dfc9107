package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.LabelHead;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniatureTraining;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.Lora;
import org.optmerge.model.LoraSettings;
import org.optmerge.model.OmniConfig;
import org.optmerge.model.OmniModel;

/**
 * The trainings of a recipe for modalities: {@code omni-language-1} and on, the language model
 * after each of its trainings; {@code omni-encoder-KEY}, a modality's pretrained encoder; {@code
 * omni-KEY-parts}, the language model as it was with this encoder and its connector; {@code
 * omni-KEY}, its adapter; {@code omni-base}, the language model with every encoder and connector.
 */
record ModalityTraining(ModalityRecipe recipe) {
  void language(int part, MiniatureTraining training, Path out) {
    ModalityRecipe.Language settings = recipe.language().get(part - 1);
    try (OmniModel model = ModalityModel.initialise(ModalityModel.language(), training.seed())) {
      if (part > 1) {
        take(model, training.folder(ModalityRecipe.language(part - 1)));
      }
      training.run(
          ModalityRecipe.language(part),
          new TreeMap<>(model.parameters()),
          new SceneTexts(
              model,
              training.seed(),
              settings.batch(),
              settings.statements(),
              settings.names(),
              settings.alone(),
              settings.users() == null ? 0 : settings.users()),
          settings,
          null,
          step -> {});
      model.save(out, DType.F16);
    }
  }

  /** The scenes of a step of an encoder's training. */
  static List<StageScene> scenes(ModalityRecipe.Encoder settings, int step) {
    return IntStream.range(step * settings.batch(), (step + 1) * settings.batch())
        .mapToObj(i -> StageScene.draw(MiniGenerator.SEED, MiniSplit.BASE, i))
        .toList();
  }

  void encoder(StageModality modality, MiniatureTraining training, Path out) {
    ModalityRecipe.Encoder settings = recipe.encoder();
    try (OmniModel model = ModalityModel.initialise(with(modality), settings.seed())) {
      OmniConfig.Modality shape = ModalityModel.modality(modality);
      LabelHead head =
          new LabelHead(
              model.manager(),
              ColumnLabels.outputs(modality),
              shape.featureWidth(),
              CounterRandom.of(settings.seed(), "stage head " + modality.key()));
      SortedMap<String, NDArray> trained = head.parameters();
      trained.putAll(beginning(model, OmniConfig.encoder(modality.key())));
      training.run(
          ModalityRecipe.encoder(modality),
          trained,
          (arrays, step) -> {
            List<StageScene> scenes = scenes(settings, step);
            NDArray features =
                model.features(arrays, modality.key(), StageMedia.inputs(arrays, modality, scenes));
            return head.loss(
                features.reshape(-1, shape.featureWidth()),
                ColumnLabels.targets(modality, scenes, shape.tokens()));
          },
          settings,
          null,
          step -> {});
      model.save(out, DType.F16);
    }
  }

  void adapter(StageModality modality, MiniatureTraining training, Path out) {
    ModalityRecipe.Modality settings = recipe.modality();
    try (OmniModel model = ModalityModel.initialise(with(modality), training.seed())) {
      take(model, training.folder(ModalityRecipe.encoder(modality)));
      take(model, training.folder(ModalityRecipe.language(recipe.language().size())));
      SceneConversations conversations =
          new SceneConversations(model, modality, training.seed(), settings);
      Lora lora =
          model.addLora(
              new LoraSettings(
                  settings.rank(),
                  settings.alpha(),
                  Pattern.compile(settings.layers()),
                  // Adapters that begin alike would read the same directions of every token.
                  StageModality.ALL.size() * training.seed() + modality.ordinal()));
      SortedMap<String, NDArray> trained = new TreeMap<>(lora.parameters());
      if (settings.connector()) {
        trained.putAll(beginning(model, OmniConfig.projector(modality.key())));
      }
      training.run(
          ModalityRecipe.adapter(modality),
          trained,
          conversations,
          settings,
          settings.weightDecay(),
          step -> {});
      Path parts = parts(modality, training);
      if (!Files.exists(parts)) {
        model.save(parts, DType.F16);
      }
      lora.save(out, DType.F16);
    }
  }

  private static Path parts(StageModality modality, MiniatureTraining training) {
    return training.folder(ModalityRecipe.adapter(modality) + "-parts");
  }

  /** The language model with every encoder and connector. */
  static void join(MiniatureTraining training, Path out) {
    OmniConfig config = ModalityModel.language();
    for (StageModality modality : StageModality.ALL) {
      config = config.with(modality.key(), ModalityModel.modality(modality));
    }
    try (OmniModel model = ModalityModel.initialise(config, training.seed())) {
      StageModality.ALL.forEach(modality -> take(model, parts(modality, training)));
      model.save(out, DType.F16);
    }
  }

  private static OmniConfig with(StageModality modality) {
    return ModalityModel.language().with(modality.key(), ModalityModel.modality(modality));
  }

  private static void take(OmniModel model, Path from) {
    try (OmniModel other = OmniModel.open(from)) {
      model.take(other);
    }
  }

  private static SortedMap<String, NDArray> beginning(OmniModel model, String prefix) {
    return MiniatureTraining.some(model.parameters(), name -> name.startsWith(prefix));
  }
}
