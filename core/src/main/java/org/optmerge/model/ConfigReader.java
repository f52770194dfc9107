package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/** Reads values of a {@code config.json}; an error names the key and what came. */
final class ConfigReader {
  /** Longer contexts or vocabularies are not published, and products of such sizes fit a long. */
  private static final int MOST = 1 << 24;

  /** Ten times as many as any published model has. */
  private static final int MOST_LAYERS = 2000;

  private final JsonNode json;
  private final String path;
  private final String file;

  ConfigReader(JsonNode json, String path) {
    this(json, path, "config.json");
  }

  /**
   * @param file for messages
   */
  ConfigReader(JsonNode json, String path, String file) {
    this.json = json;
    this.path = path;
    this.file = file;
  }

  /**
   * Reads {@code config.json} of a folder.
   *
   * @throws ModelException if the file is not there, cannot be read, or {@code of} refuses it
   */
  static <T> T read(Path folder, Function<JsonNode, T> of) {
    Path file = folder.resolve("config.json");
    if (!Files.isRegularFile(file)) {
      throw new ModelException("%s: no config.json; is this a model folder?".formatted(folder));
    }
    try {
      return of.apply(Json.plain().readTree(file.toFile()));
    } catch (IOException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    } catch (ModelException e) {
      throw new ModelException("%s: %s".formatted(folder, e.getMessage()), e);
    }
  }

  ConfigReader section(String key) {
    JsonNode section = json.path(key);
    if (!section.isObject()) {
      throw wrong(key, "an object", section);
    }
    return new ConfigReader(section, path + key + ".", file);
  }

  boolean has(String key) {
    return !json.path(key).isMissingNode() && !json.path(key).isNull();
  }

  int positive(String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() <= 0) {
      throw wrong(key, "a whole number of at least 1", value);
    }
    if (value.intValue() > MOST) {
      throw wrong(key, "a size that a model can have, at most %d".formatted(MOST), value);
    }
    // Each layer has parameters with names, which are listed before weights are compared with them.
    if ((key.endsWith("layers") || key.equals("depth")) && value.intValue() > MOST_LAYERS) {
      throw wrong(key, "a number of layers, at most %d".formatted(MOST_LAYERS), value);
    }
    return value.intValue();
  }

  /**
   * @param otherwise where the key is missing; 0 if it has to be there
   */
  int positive(String key, int otherwise) {
    return has(key) || otherwise == 0 ? positive(key) : otherwise;
  }

  /** A key with the sections that it is in. */
  String name(String key) {
    return path + key;
  }

  int integer(String key, int otherwise) {
    Predicate<JsonNode> whole = value -> value.isIntegralNumber() && value.canConvertToInt();
    return value(key, otherwise, "a whole number", whole, JsonNode::intValue);
  }

  double number(String key, double otherwise) {
    return value(key, otherwise, "a number", JsonNode::isNumber, JsonNode::doubleValue);
  }

  boolean truth(String key, boolean otherwise) {
    return value(key, otherwise, "true or false", JsonNode::isBoolean, JsonNode::booleanValue);
  }

  String text(String key, String otherwise) {
    return value(key, otherwise, "a text", JsonNode::isTextual, JsonNode::textValue);
  }

  private <T> T value(
      String key, T otherwise, String what, Predicate<JsonNode> fits, Function<JsonNode, T> read) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = json.path(key);
    if (!fits.test(value)) {
      throw wrong(key, what, value);
    }
    return read.apply(value);
  }

  /** A text that must be one of a few; the first is taken where the key is missing. */
  String oneOf(String key, List<String> known) {
    String value = text(key, known.get(0));
    if (!known.contains(value)) {
      throw new ModelException(
          "%s: %s%s is '%s'; known: %s".formatted(file, path, key, value, known));
    }
    return value;
  }

  @Nullable JsonNode node(String key) {
    return has(key) ? json.path(key) : null;
  }

  private ModelException wrong(String key, String expected, JsonNode value) {
    return new ModelException(
        "%s: %s%s must be %s, is %s"
            .formatted(file, path, key, expected, value.isMissingNode() ? "missing" : value));
  }
}
