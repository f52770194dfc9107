package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;
import org.optmerge.base.Workers;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.InternVL;
import org.optmerge.model.Lora;
import org.optmerge.model.LoraSettings;

/** The trainings of a recipe for capabilities: the vision tower, and what continues it. */
record CapabilityTraining(CapabilityRecipe recipe) {
  /** More different images than the vision tower will see: it sees none twice. */
  private static final int VISION_IMAGES = 1 << 30;

  private static final MiniGenerator GENERATOR = new MiniGenerator(MiniGenerator.SEED);

  /** The images of a step of the vision tower's training. */
  static List<MiniImage> images(CapabilityRecipe.Vision settings, int step) {
    List<MiniTask> batch =
        Arrays.stream(MiniTask.values())
            .flatMap(
                task ->
                    Collections.nCopies(settings.batch().getOrDefault(task.key(), 0), task)
                        .stream())
            .toList();
    CounterRandom random = CounterRandom.of(settings.seed(), "images for the vision tower");
    return Workers.map(
        Runtime.getRuntime().availableProcessors(),
        IntStream.range(0, batch.size()).boxed().toList(),
        i ->
            GENERATOR.generate(
                MiniSplit.BASE,
                batch.get(i),
                random.integer((long) step * batch.size() + i, VISION_IMAGES)));
  }

  void vision(MiniatureTraining training, Path out) {
    CapabilityRecipe.Vision settings = recipe.vision();
    try (InternVL model = CapabilityModel.initialise(CapabilityRecipe.Size.STANDARD, settings.seed())) {
      int width = model.config().vision().width();
      LabelHead head =
          new LabelHead(
              model.manager(),
              PatchLabels.OUTPUTS,
              width,
              CounterRandom.of(settings.seed(), "patch head"));
      SortedMap<String, NDArray> trained = head.parameters();
      trained.putAll(
          MiniatureTraining.some(
              model.parameters(), name -> name.startsWith(CapabilityModel.VISION_PARAMETERS)));
      training.run(
          CapabilityRecipe.VISION,
          trained,
          (arrays, step) -> {
            List<MiniImage> images = images(settings, step);
            NDArray hidden =
                model.hiddenStates(
                    arrays,
                    CapabilityModel.pixels(arrays, images.stream().map(MiniImage::image).toList()));
            return head.loss(
                // Without the class token.
                hidden.get(":, 1:").reshape(-1, width),
                PatchLabels.targets(
                    images.stream().map(MiniImage::labels).toList(), settings.loss()));
          },
          settings,
          null,
          step -> {});
      model.save(out, DType.F16);
    }
  }

  void language(CapabilityRecipe.Run run, MiniatureTraining training, Path out) {
    CapabilityRecipe.Stage stage = run.stage();
    try (InternVL model = begin(stage, training);
        ImageConversations conversations =
            new ImageConversations(model, GENERATOR, run, training.seed(), training.features())) {
      Lora lora =
          stage.lora() == null
              ? null
              : model.addLora(
                  new LoraSettings(
                      stage.lora().rank(),
                      stage.lora().alpha(),
                      Pattern.compile(LoraSettings.LANGUAGE_MODEL),
                      training.seed()));
      training.run(
          run.name(),
          lora == null ? group(model, stage) : lora.parameters(),
          conversations,
          stage,
          stage.weightDecay(),
          step -> {
            Path kept = out.resolveSibling("%s-%d".formatted(run.name(), step));
            if (run.keep().contains(step) && !Files.exists(kept)) {
              model.save(kept, DType.F16);
            }
          });
      if (lora == null) {
        model.save(out, DType.F16);
      } else {
        lora.save(out, DType.F16);
      }
    }
  }

  /** The model to continue; after the vision tower, everything else begins at random. */
  private InternVL begin(CapabilityRecipe.Stage stage, MiniatureTraining training) {
    Path from = training.folder(stage.from());
    if (!stage.from().equals(CapabilityRecipe.VISION)) {
      return InternVL.open(from);
    }
    InternVL model = CapabilityModel.initialise(recipe.size(stage), training.seed());
    try (InternVL tower = InternVL.open(from)) {
      MiniatureTraining.some(
              tower.parameters(), name -> name.startsWith(CapabilityModel.VISION_PARAMETERS))
          .forEach((name, values) -> model.load(name, values.toFloatArray()));
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private SortedMap<String, NDArray> group(InternVL model, CapabilityRecipe.Stage stage) {
    List<String> patterns = Objects.requireNonNull(recipe.parameters().get(stage.train()));
    return MiniatureTraining.some(
        model.parameters(), Pattern.compile(String.join("|", patterns)).asMatchPredicate());
  }
}
