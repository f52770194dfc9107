package org.optmerge.benchmark.mini;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.train.AdamW;
import org.optmerge.train.Schedule;
import org.optmerge.train.TrainingException;

/**
 * How every model of the miniature is made, as {@code recipe.yaml} says it; the comments there
 * explain each setting.
 *
 * @param optimiser constants of AdamW
 * @param parameters groups of parameters by name, as regular expressions of published names
 * @param vision the first training, of the vision tower alone
 * @param stages the others by name, each after the one it continues
 */
public record MiniRecipe(
    AdamW.Settings optimiser,
    Map<String, List<String>> parameters,
    Vision vision,
    Map<String, Stage> stages) {
  /** The name that stages use for the model with a trained vision tower and nothing else. */
  public static final String VISION = "vision";

  private static final ObjectMapper YAML =
      JsonMapper.builder(new YAMLFactory())
          .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .build();

  /** Checks that stages fit together. */
  public MiniRecipe {
    parameters = Map.copyOf(parameters);
    stages = new LinkedHashMap<>(stages);
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
      PatchLabelLoss.Weights loss) {
    Schedule schedule() {
      return new Schedule(peak, warmUp, steps, finalShare);
    }
  }

  /** Adapters in place of full fine-tuning. */
  public record Adapter(int rank, double alpha) {}

  /** What a stage says; see the comments in {@code recipe.yaml}. */
  public record Stage(
      String from,
      @Nullable String train,
      @Nullable Adapter lora,
      MiniSplit split,
      int images,
      Tasks tasks,
      double questions,
      Types types,
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      int batch,
      @Nullable Double weightDecay,
      @Nullable Map<String, List<Integer>> keep) {
    /** Checks that nothing is missing; the schedule checks its own part. */
    public Stage {
      require("from", from);
      require("split", split);
      require("tasks", tasks);
      require("types", types);
      require("one of train and lora", (train == null) == (lora == null) ? null : types);
      require("images", images > 0 ? types : null);
      require("batch", batch > 0 ? types : null);
    }

    private static void require(String what, @Nullable Object value) {
      if (value == null) {
        throw new IllegalArgumentException("a stage of the recipe lacks " + what);
      }
    }

    Schedule schedule() {
      return new Schedule(peak, warmUp, steps, finalShare);
    }
  }

  /** Which tasks a stage sees. */
  public enum Tasks {
    /** One model that sees all. */
    ALL,
    /** One model for each task. */
    EACH
  }

  /** Which question types a stage sees. */
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
  public static MiniRecipe shipped() {
    try (InputStream resource =
        Objects.requireNonNull(MiniRecipe.class.getResourceAsStream("recipe.yaml"))) {
      return YAML.readValue(resource, MiniRecipe.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads a recipe of one's own.
   *
   * @throws TrainingException if the file cannot be read or says something unknown
   */
  public static MiniRecipe read(Path file) {
    try {
      return YAML.readValue(Files.readString(file), MiniRecipe.class);
    } catch (JsonProcessingException e) {
      throw new TrainingException(
          "%s, line %d: %s%s"
              .formatted(
                  file,
                  Optional.ofNullable(e.getLocation()).map(at -> at.getLineNr()).orElse(1),
                  field(e),
                  e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new TrainingException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** The field that an error is about, as a recipe writes it. */
  private static String field(JsonProcessingException e) {
    if (e instanceof JsonMappingException mapping && !mapping.getPath().isEmpty()) {
      return mapping.getPath().stream()
          .map(JsonMappingException.Reference::getFieldName)
          .filter(Objects::nonNull)
          .collect(Collectors.joining(".", "", ": "));
    }
    return "";
  }

  /** Every model, in an order in which each comes after the one it continues. */
  public List<Run> runs() {
    List<Run> runs = new ArrayList<>();
    stages.forEach(
        (name, stage) -> {
          if (stage.tasks == Tasks.ALL) {
            runs.add(new Run(name, stage, MiniTask.CAPABILITIES, List.of()));
            return;
          }
          Map<String, List<Integer>> keep = stage.keep == null ? Map.of() : stage.keep;
          for (MiniTask task : MiniTask.CAPABILITIES) {
            runs.add(
                new Run(
                    name + "-" + task.key(),
                    stage,
                    List.of(task),
                    keep.getOrDefault(task.key(), List.of())));
          }
        });
    return runs;
  }

  AdamW.Settings optimiser(Stage stage) {
    return stage.weightDecay == null
        ? optimiser
        : new AdamW.Settings(
            optimiser.beta1(),
            optimiser.beta2(),
            optimiser.epsilon(),
            stage.weightDecay,
            optimiser.clipNorm());
  }
}
