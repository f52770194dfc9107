package org.optmerge.checkpoint.gguf;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.optmerge.checkpoint.CheckpointException;

/**
 * The metadata of a GGUF file.
 *
 * @param file for messages
 * @param values a Boolean, Long, Double, String or List by key
 */
record GgufMetadata(Path file, Map<String, Object> values) {
  Optional<String> text(String key) {
    return get(key, String.class, "a text");
  }

  Optional<Boolean> flag(String key) {
    return get(key, Boolean.class, "true or false");
  }

  Optional<Long> whole(String key) {
    return get(key, Long.class, "a whole number");
  }

  /** A number, whole or not. */
  Optional<Double> number(String key) {
    return get(key, Number.class, "a number").map(Number::doubleValue);
  }

  /**
   * A whole number that must be there.
   *
   * @throws CheckpointException if it is not, or is not positive
   */
  int size(String key) {
    long value =
        whole(key).orElseThrow(() -> CheckpointException.at(file, "metadata has no " + quote(key)));
    if (value <= 0 || value > Integer.MAX_VALUE) {
      throw CheckpointException.at(
          file, "metadata %s must be positive, is %d".formatted(quote(key), value));
    }
    return (int) value;
  }

  /** A list of values of one type; empty if there is none of this key. */
  <T> List<T> list(String key, Class<T> type, String expected) {
    Object value = values.get(key);
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof List<?> list) || !list.stream().allMatch(type::isInstance)) {
      throw CheckpointException.at(
          file, "metadata %s must be a list of %s".formatted(quote(key), expected));
    }
    return list.stream().map(type::cast).toList();
  }

  private <T> Optional<T> get(String key, Class<T> type, String expected) {
    Object value = values.get(key);
    if (value != null && !type.isInstance(value)) {
      throw CheckpointException.at(file, "metadata %s must be %s".formatted(quote(key), expected));
    }
    return Optional.ofNullable(value).map(type::cast);
  }

  /** The first file's metadata, with what the others add. */
  static GgufMetadata union(List<GgufMetadata> parts) {
    Map<String, Object> values = new LinkedHashMap<>();
    parts.forEach(part -> part.values.forEach(values::putIfAbsent));
    return new GgufMetadata(parts.get(0).file, values);
  }
}
