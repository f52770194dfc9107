package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/** Reads values of a {@code config.json}; an error names the key and what came. */
final class ConfigReader {
  private final JsonNode json;
  private final String path;

  ConfigReader(JsonNode json, String path) {
    this.json = json;
    this.path = path;
  }

  /**
   * What {@code config.json} of a folder describes.
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
    return new ConfigReader(section, path + key + ".");
  }

  boolean has(String key) {
    return !json.path(key).isMissingNode() && !json.path(key).isNull();
  }

  int positive(String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() <= 0) {
      throw wrong(key, "a whole number of at least 1", value);
    }
    return value.intValue();
  }

  int positive(String key, int otherwise) {
    return has(key) ? positive(key) : otherwise;
  }

  int integer(String key, int otherwise) {
    JsonNode value = json.path(key);
    if (!has(key)) {
      return otherwise;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(key, "a whole number", value);
    }
    return value.intValue();
  }

  double number(String key, double otherwise) {
    JsonNode value = json.path(key);
    if (!has(key)) {
      return otherwise;
    }
    if (!value.isNumber()) {
      throw wrong(key, "a number", value);
    }
    return value.doubleValue();
  }

  boolean truth(String key, boolean otherwise) {
    JsonNode value = json.path(key);
    if (!has(key)) {
      return otherwise;
    }
    if (!value.isBoolean()) {
      throw wrong(key, "true or false", value);
    }
    return value.booleanValue();
  }

  String text(String key, String otherwise) {
    JsonNode value = json.path(key);
    if (!has(key)) {
      return otherwise;
    }
    if (!value.isTextual()) {
      throw wrong(key, "a text", value);
    }
    return value.textValue();
  }

  /** A text that must be one of a few; the first is taken where the key is missing. */
  String oneOf(String key, List<String> known) {
    String value = text(key, known.get(0));
    if (!known.contains(value)) {
      throw new ModelException(
          "config.json: %s%s is '%s'; known: %s".formatted(path, key, value, known));
    }
    return value;
  }

  @Nullable JsonNode node(String key) {
    return has(key) ? json.path(key) : null;
  }

  private ModelException wrong(String key, String expected, JsonNode value) {
    return new ModelException(
        "config.json: %s%s must be %s, is %s"
            .formatted(path, key, expected, value.isMissingNode() ? "missing" : value));
  }
}
