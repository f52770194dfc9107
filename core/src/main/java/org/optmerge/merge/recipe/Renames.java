package org.optmerge.merge.recipe;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The key {@code rename}: beginnings of tensors' names and what they are in the base, for every
 * model besides the base or under the name of one.
 */
final class Renames {
  private Renames() {}

  /** By model; those of all models under the empty name. */
  static Map<String, Map<String, String>> read(@Nullable YamlNode node) {
    Map<String, Map<String, String>> renames = new LinkedHashMap<>();
    if (node == null || node.isNull()) {
      return renames;
    }
    Map<String, String> all = new LinkedHashMap<>();
    node.mapping("'rename'")
        .forEach(
            (key, value) -> {
              if (value.isMapping()) {
                renames.put(key, prefixes(value));
              } else {
                all.put(key, prefix(value));
              }
            });
    if (!all.isEmpty() || renames.isEmpty()) {
      renames.put("", all);
    }
    return renames;
  }

  private static Map<String, String> prefixes(YamlNode node) {
    Map<String, String> prefixes = new LinkedHashMap<>();
    node.mapping("'rename'").forEach((from, to) -> prefixes.put(from, prefix(to)));
    return prefixes;
  }

  private static String prefix(YamlNode node) {
    return node.isNull() || (node.isText() && node.value().isEmpty())
        ? ""
        : node.text("a prefix of 'rename'");
  }
}
