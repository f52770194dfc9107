package org.optmerge.benchmark.mini;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;
import org.optmerge.train.AdamW;
import org.optmerge.train.LearningRateSchedule;
import org.optmerge.train.TrainingException;

/** A recipe by which the models of a miniature are made, as its {@code recipe.yaml} says it. */
public interface TrainingRecipe {
  /** Constants of AdamW. */
  AdamW.Settings optimiser();

  /** Every model, in an order in which each comes after those that it needs. */
  List<Model> models();

  /**
   * One model to train.
   *
   * @param name such as {@code base} or {@code expert-ocr}
   * @param needs models that must be there before
   * @param shared whether it is the same whatever the seed
   * @param maker trains and writes it
   */
  record Model(String name, List<String> needs, boolean shared, Maker maker) {}

  /** Makes a model whose needs are there. */
  @FunctionalInterface
  interface Maker {
    /** Trains, and writes the model into a folder. */
    void make(MiniatureTraining training, Path out);
  }

  /** Steps of a training and their learning rates. */
  interface Steps {
    /** The number of steps. */
    int steps();

    /** The largest learning rate. */
    double peak();

    /** Steps until that. */
    int warmUp();

    /** The last learning rate over the peak. */
    double finalShare();

    /** The learning rate of each step. */
    default LearningRateSchedule schedule() {
      return new LearningRateSchedule(peak(), warmUp(), steps(), finalShare());
    }
  }

  /** The recipe of the shipped models. */
  static <T extends TrainingRecipe> T shipped(Class<T> type) {
    try (InputStream resource =
        Objects.requireNonNull(type.getResourceAsStream("recipe.yaml"), "recipe.yaml")) {
      return reader(type).readValue(resource);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads a recipe from a file.
   *
   * @throws TrainingException if the file cannot be read, lacks something or says something
   *     unknown; the message names line and field
   */
  static <T extends TrainingRecipe> T read(Class<T> type, Path file) {
    try {
      String text = RegularFiles.readText(file, 1 << 24);
      try {
        return reader(type).readValue(text);
      } catch (MismatchedInputException e) {
        // A slip in a name leaves another without its value; the slip is what helps.
        Json.yaml().readValue(text, type);
        throw e;
      }
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
      throw new TrainingException(
          "%s, line %d: %s%s".formatted(file, line, field(e), problem(e)), e);
    } catch (IOException e) {
      throw new TrainingException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /**
   * Refuses a recipe in which something is missing.
   *
   * @throws IllegalArgumentException if {@code value} is null
   */
  static void require(String what, @Nullable Object value) {
    if (value == null) {
      throw new IllegalArgumentException("the recipe lacks " + what);
    }
  }

  private static <T> ObjectReader reader(Class<T> type) {
    return Json.yaml().readerFor(type).with(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);
  }

  /** The field that an error is about, as a recipe writes it. */
  private static String field(JsonProcessingException e) {
    return e instanceof JsonMappingException mapping && !mapping.getPath().isEmpty()
        ? mapping.getPath().stream()
            .map(
                at ->
                    at.getFieldName() == null ? "[%d]".formatted(at.getIndex()) : at.getFieldName())
            .collect(Collectors.joining(".", "", ": "))
        : "";
  }

  private static @Nullable String problem(JsonProcessingException e) {
    if (e.getCause() instanceof IllegalArgumentException ours) {
      return ours.getMessage();
    }
    return e instanceof MismatchedInputException mismatch
            && mismatch.getTargetType() != null
            && mismatch.getTargetType().isPrimitive()
        ? "a value of type %s is needed here".formatted(mismatch.getTargetType())
        : e.getOriginalMessage();
  }
}
