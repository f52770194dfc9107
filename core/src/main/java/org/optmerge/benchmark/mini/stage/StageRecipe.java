package org.optmerge.benchmark.mini.stage;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.optmerge.train.AdamW;
import org.optmerge.train.Schedule;
import org.optmerge.train.TrainingException;

/**
 * How the models of the audio-visual miniature are made, as {@code recipe.yaml} says it; the
 * comments there explain each setting.
 *
 * @param optimiser constants of AdamW
 * @param language trainings of the language model, one after another
 * @param encoder the pretraining of each encoder
 * @param modality the training of each modality's adapter and connector
 */
public record StageRecipe(
    AdamW.Settings optimiser, List<Language> language, Encoder encoder, Modality modality) {
  private static final ObjectMapper YAML =
      JsonMapper.builder(new YAMLFactory())
          .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .build();

  /** Copies the list. */
  public StageRecipe {
    Objects.requireNonNull(optimiser, "optimiser");
    Objects.requireNonNull(encoder, "encoder");
    Objects.requireNonNull(modality, "modality");
    language = List.copyOf(language);
    if (language.isEmpty()) {
      throw new IllegalArgumentException("the recipe has no training of the language model");
    }
  }

  /** Texts with facts in words. */
  public record Language(
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      int batch,
      int questions,
      int captions) {
    Schedule schedule() {
      return new Schedule(peak, warmUp, steps, finalShare);
    }
  }

  /** What an input shows, column by column. */
  public record Encoder(
      int steps, double peak, int warmUp, @JsonProperty("final") double finalShare, int batch) {
    Schedule schedule() {
      return new Schedule(peak, warmUp, steps, finalShare);
    }
  }

  /** Conversations about one modality. */
  public record Modality(
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      int batch,
      int questions,
      int texts,
      int scenes,
      int rank,
      double alpha,
      String layers,
      double weightDecay) {
    Schedule schedule() {
      return new Schedule(peak, warmUp, steps, finalShare);
    }
  }

  /** The recipe of the shipped models. */
  public static StageRecipe shipped() {
    try (InputStream resource =
        Objects.requireNonNull(StageRecipe.class.getResourceAsStream("recipe.yaml"))) {
      return YAML.readValue(resource, StageRecipe.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads a recipe of one's own.
   *
   * @throws TrainingException if the file cannot be read or says something unknown
   */
  public static StageRecipe read(Path file) {
    try {
      return YAML.readValue(Files.readString(file), StageRecipe.class);
    } catch (IOException e) {
      throw new TrainingException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }
}
