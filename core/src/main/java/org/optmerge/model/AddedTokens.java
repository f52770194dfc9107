package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/**
 * What {@code tokenizer_config.json}, {@code special_tokens_map.json} and {@code added_tokens.json}
 * say of a tokenizer.
 *
 * @param config {@code tokenizer_config.json}, an empty object if there is none
 * @param added tokens that are cut out of a text before all others, by id
 * @param named the texts of the special tokens that have a name, such as {@code eos_token}, or are
 *     among the {@code additional_special_tokens}: what Python's tokenizers leave out of an answer
 */
record AddedTokens(JsonNode config, SortedMap<Long, Added> added, Set<String> named) {
  private static final List<String> NAMES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /**
   * A token as a text has it.
   *
   * @param leftBlanks true if blanks before it belong to it
   * @param rightBlanks true if blanks behind it do
   */
  record Added(
      String content,
      boolean special,
      boolean normalized,
      boolean leftBlanks,
      boolean rightBlanks,
      boolean singleWord) {
    static Added special(String content) {
      return new Added(content, true, false, false, false, false);
    }

    ObjectNode json(long id) {
      return Json.object()
          .put("id", id)
          .put("content", content)
          .put("single_word", singleWord)
          .put("lstrip", leftBlanks)
          .put("rstrip", rightBlanks)
          .put("normalized", normalized)
          .put("special", special);
    }
  }

  /**
   * Reads what is there of the files of a folder.
   *
   * @throws ModelException if one is malformed
   */
  static AddedTokens read(Path folder) {
    JsonNode config = json(folder.resolve("tokenizer_config.json"));
    JsonNode map = json(folder.resolve("special_tokens_map.json"));
    Set<String> named = new LinkedHashSet<>();
    for (JsonNode source : List.of(config, map)) {
      NAMES.forEach(name -> addText(named, source.path(name)));
      source.path("additional_special_tokens").forEach(token -> addText(named, token));
      source.path("extra_special_tokens").forEach(token -> addText(named, token));
    }
    SortedMap<Long, Added> added = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry :
        json(folder.resolve("added_tokens.json")).properties()) {
      boolean special = named.contains(entry.getKey());
      added.put(
          id(entry.getValue().asText()),
          new Added(entry.getKey(), special, !special, false, false, false));
    }
    for (Map.Entry<String, JsonNode> entry : config.path("added_tokens_decoder").properties()) {
      JsonNode token = entry.getValue();
      added.put(
          id(entry.getKey()),
          new Added(
              token.path("content").asText(),
              token.path("special").asBoolean(),
              token.path("normalized").asBoolean(),
              token.path("lstrip").asBoolean(),
              token.path("rstrip").asBoolean(),
              token.path("single_word").asBoolean()));
    }
    return new AddedTokens(config, added, named);
  }

  private static long id(String number) {
    try {
      return Long.parseLong(number);
    } catch (NumberFormatException e) {
      throw new ModelException("an added token has the id '%s'".formatted(number), e);
    }
  }

  private static void addText(Set<String> named, JsonNode token) {
    String text = text(token);
    if (text != null) {
      named.add(text);
    }
  }

  private static @Nullable String text(JsonNode token) {
    JsonNode text = token.isObject() ? token.path("content") : token;
    return text.isTextual() && !text.textValue().isEmpty() ? text.textValue() : null;
  }

  private static JsonNode json(Path file) {
    if (!Files.isRegularFile(file)) {
      return Json.object();
    }
    try {
      return Json.plain().readTree(file.toFile());
    } catch (IOException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** A special token by its name, such as {@code bos_token}. */
  String token(String name, String otherwise) {
    String text = text(config.path(name));
    return text == null ? otherwise : text;
  }

  /** The tokenizer's class, without what tells fast ones; empty if no file says it. */
  String kind() {
    return config.path("tokenizer_class").asText("").replaceFirst("Fast$", "");
  }

  ArrayNode json() {
    ArrayNode all = Json.object().putArray("added_tokens");
    added.forEach((id, token) -> all.add(token.json(id)));
    return all;
  }
}
