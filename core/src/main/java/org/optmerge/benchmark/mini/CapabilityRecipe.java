package org.optmerge.benchmark.mini;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.train.AdamW;

/**
 * The recipe of the miniature's models, as {@code recipe.yaml} says it; the comments there explain
 * each setting.
 *
 * @param optimiser constants of AdamW
 * @param parameters groups of parameters by name, as regular expressions of published names
 * @param sizes language models by name, beside the standard one
 * @param vision the first training, of the vision tower alone
 * @param stages the others by name, each after the one it continues
 */
public record CapabilityRecipe(
    AdamW.Settings optimiser,
    Map<String, List<String>> parameters,
    @Nullable Map<String, Size> sizes,
    Vision vision,
    Map<String, Stage> stages)
    implements TrainingRecipe {
  /** The name that stages use for the model with a trained vision tower and nothing else. */
  public static final String VISION = "vision";

  /** Checks that nothing is missing and stages fit together. */
  public CapabilityRecipe {
    TrainingRecipe.require("optimiser", optimiser);
    TrainingRecipe.require("parameters", parameters);
    TrainingRecipe.require("vision", vision);
    TrainingRecipe.require("stages", stages);
    parameters = Map.copyOf(parameters);
    stages = new LinkedHashMap<>(stages);
    Set<String> made = new LinkedHashSet<>(Set.of(VISION));
    for (Map.Entry<String, Stage> entry : stages.entrySet()) {
      Stage stage = entry.getValue();
      if (!made.contains(stage.from)) {
        throw new IllegalArgumentException(
            "stage '%s' continues '%s', which no stage before it makes; there are %s"
                .formatted(entry.getKey(), stage.from, made));
      }
      if (stage.train != null && !parameters.containsKey(stage.train)) {
        throw new IllegalArgumentException(
            "stage '%s': the recipe has no group of parameters '%s'; it has %s"
                .formatted(entry.getKey(), stage.train, parameters.keySet()));
      }
      if (stage.size != null && (sizes == null || !sizes.containsKey(stage.size))) {
        throw new IllegalArgumentException(
            "stage '%s': the recipe has no size '%s'; it has %s"
                .formatted(entry.getKey(), stage.size, sizes == null ? Set.of() : sizes.keySet()));
      }
      runs(entry.getKey(), stage).forEach(run -> made.add(run.name));
    }
  }

  /**
   * The training of the vision tower.
   *
   * @param seed of its weights and images
   * @param batch images of each task in a step
   * @param loss weights of the parts of the loss
   */
  public record Vision(
      long seed,
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      Map<String, Integer> batch,
      PatchLabels.Weights loss)
      implements Steps {
    /** Checks that nothing is missing. */
    public Vision {
      TrainingRecipe.require("batch", batch);
      TrainingRecipe.require("loss", loss);
    }
  }

  /**
   * The shape of a language model.
   *
   * @param layers of the decoder
   * @param width of a token
   * @param heads of queries; each is a share of the width
   * @param keyHeads of keys and values
   * @param inner width of the layers' perceptrons
   */
  public record Size(int layers, int width, int heads, int keyHeads, int inner) {
    /** The language model of the shipped families: four layers of width 96. */
    public static final Size STANDARD = new Size(4, 96, 4, 2, 256);
  }

  /** The size of a stage's model. */
  Size size(Stage stage) {
    return sizes == null || stage.size == null
        ? Size.STANDARD
        : Objects.requireNonNull(sizes.get(stage.size));
  }

  /** Adapters in place of full fine-tuning. */
  public record Adapter(int rank, double alpha) {}

  /** A stage of training; see the comments in {@code recipe.yaml}. */
  public record Stage(
      String from,
      @Nullable String size,
      @Nullable String train,
      @Nullable Adapter lora,
      MiniSplit split,
      int images,
      @Nullable Integer firstImage,
      String tasks,
      double questions,
      @Nullable Double elsewhere,
      Types types,
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      int batch,
      @Nullable Double weightDecay,
      @Nullable Map<String, List<Integer>> keep)
      implements Steps {
    /** The share of images that are those of questions that take two abilities. */
    double shareElsewhere() {
      return elsewhere == null ? 0 : elsewhere;
    }

    /** The first image; a stage sees those from there on. */
    int begin() {
      return firstImage == null ? 0 : firstImage;
    }

    private static final String ALL = "all";
    private static final String COMBINED = "combined";
    private static final String EACH = "each";

    /** Checks that nothing is missing; the schedule checks its own part. */
    public Stage {
      TrainingRecipe.require("from", from);
      TrainingRecipe.require("split", split);
      TrainingRecipe.require("tasks", tasks);
      TrainingRecipe.require("types", types);
      TrainingRecipe.require(
          "one of train and lora", (train == null) == (lora == null) ? null : types);
      TrainingRecipe.require("images", images > 0 ? types : null);
      if (size != null && !from.equals(VISION)) {
        throw new IllegalArgumentException(
            "a model has the size of the one it continues: 'size' is for stages from " + VISION);
      }
      if (!List.of(ALL, COMBINED, EACH).contains(tasks)) {
        MiniTask.of(tasks);
      }
      TrainingRecipe.require("batch", batch > 0 ? types : null);
    }
  }

  /** The question types of a stage. */
  public enum Types {
    /** All of them. */
    ALL,
    /** Those that are not held out. */
    ELEMENTARY
  }

  /**
   * One model to train.
   *
   * @param name such as {@code base} or {@code expert-ocr}
   * @param stage what it is made by
   * @param tasks what it sees
   * @param keep steps after which the model is kept as well
   */
  public record Run(String name, Stage stage, List<MiniTask> tasks, List<Integer> keep) {}

  /** The recipe of the shipped models. */
  public static CapabilityRecipe shipped() {
    return TrainingRecipe.shipped(CapabilityRecipe.class);
  }

  @Override
  public List<Model> models() {
    CapabilityTraining training = new CapabilityTraining(this);
    List<Model> models = new ArrayList<>();
    models.add(new Model(VISION, List.of(), true, training::vision));
    for (Run run : runs()) {
      models.add(
          new Model(
              run.name,
              List.of(run.stage.from),
              false,
              (running, out) -> training.language(run, running, out)));
    }
    return models;
  }

  /** Every model but the vision tower, each after the one it continues. */
  List<Run> runs() {
    return stages.entrySet().stream()
        .flatMap(stage -> runs(stage.getKey(), stage.getValue()).stream())
        .toList();
  }

  private static List<Run> runs(String name, Stage stage) {
    Map<String, List<Integer>> keep = stage.keep == null ? Map.of() : stage.keep;
    return switch (stage.tasks) {
      case Stage.ALL -> List.of(new Run(name, stage, MiniTask.CAPABILITIES, List.of()));
      case Stage.COMBINED -> List.of(new Run(name, stage, List.of(MiniTask.values()), List.of()));
      case Stage.EACH ->
          MiniTask.CAPABILITIES.stream()
              .map(task -> run(name + "-" + task.key(), stage, task, keep))
              .toList();
      default -> List.of(run(name, stage, MiniTask.of(stage.tasks), keep));
    };
  }

  private static Run run(
      String name, Stage stage, MiniTask task, Map<String, List<Integer>> keep) {
    return new Run(name, stage, List.of(task), keep.getOrDefault(task.key(), List.of()));
  }
}
