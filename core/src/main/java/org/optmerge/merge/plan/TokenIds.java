package org.optmerge.merge.plan;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.optmerge.base.Json;

/**
 * The ids of special tokens in the settings of an output whose tokenizer is not the one they were
 * written for: an id stands for a token's text, and becomes the id that this text has now.
 */
final class TokenIds {
  /** Settings beside {@code config.json} that name tokens by their ids. */
  private static final List<String> FILES =
      List.of("generation_config.json", "processor_config.json", "preprocessor_config.json");

  private static final Pattern KEYS =
      Pattern.compile(
          "(.*_)?token_(id|ids|index|idx)|(begin_)?suppress_tokens|bad_words_ids"
              + "|forced_decoder_ids|im_(start|end|patch)_token");

  /** Pairs of a position and an id, which are not mapped. */
  private static final String PAIRS = "forced_decoder_ids";

  private final Map<Integer, String> texts = new HashMap<>();
  private final Map<String, Integer> ids;
  private final OptionalLong rows;
  private final Consumer<String> notices;

  /**
   * @param before the tokens of the model whose settings these are
   * @param after the output's
   * @param rows the rows of that model's embedding
   * @param notices takes what was changed, and what cannot be
   */
  TokenIds(
      TokenVocabulary before, TokenVocabulary after, OptionalLong rows, Consumer<String> notices) {
    before.ids().forEach((text, id) -> texts.putIfAbsent(id, text));
    this.ids = after.ids();
    this.rows = rows;
    this.notices = notices;
  }

  /** True if every token has the id that it had. */
  private boolean isSame() {
    return texts.entrySet().stream()
        .allMatch(token -> token.getKey().equals(ids.get(token.getValue())));
  }

  /**
   * Edits what a model has beside {@code config.json}.
   *
   * @param rewritten files of the output that differ from the model's; added to
   */
  void rewrite(ModelFiles files, Map<String, byte[]> rewritten) {
    for (String name : FILES) {
      Optional<byte[]> before = Optional.ofNullable(rewritten.get(name)).or(() -> files.read(name));
      if (before.isPresent()) {
        try {
          byte[] after = edit(name, before.get());
          if (after != before.get()) {
            rewritten.put(name, after);
          }
        } catch (IOException e) {
          notices.accept(
              "%s cannot be read, so the ids of its tokens stay as they are: %s"
                  .formatted(name, e.getMessage()));
        }
      }
    }
  }

  /** The file with the ids of the output; the same array if none changes. */
  byte[] edit(String file, byte[] content) throws IOException {
    if (isSame()) {
      return content;
    }
    JsonNode root = Json.plain().readTree(content);
    List<String> changed = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    byte[] edited =
        ConfigEdits.apply(
            content, (key, parser, text) -> replacement(key, parser, root, changed, unknown));
    if (!changed.isEmpty()) {
      notices.accept(
          "%s: ids of the output's tokenizer: %s".formatted(file, String.join(", ", changed)));
    }
    if (!unknown.isEmpty()) {
      notices.accept(
          "%s: not changed, though the output has another tokenizer: %s; check them before the model is used"
              .formatted(file, String.join(", ", unknown)));
    }
    return edited;
  }

  private Optional<String> replacement(
      String key, JsonParser parser, JsonNode root, List<String> changed, List<String> unknown)
      throws IOException {
    JsonToken token = parser.currentToken();
    boolean list = token == JsonToken.START_ARRAY;
    if (!KEYS.matcher(key).matches() || (!list && token != JsonToken.VALUE_NUMBER_INT)) {
      return Optional.empty();
    }
    JsonStreamContext context = parser.getParsingContext();
    JsonPointer place = (list ? context.getParent() : context).pathAsPointer();
    String name = place.toString().substring(1).replace('/', '.');
    JsonNode value = parser.readValueAsTree();
    OptionalLong other = otherVocabulary(root, place);
    if (other.isPresent()) {
      unknown.add("'%s', of a vocabulary of %d".formatted(name, other.getAsLong()));
      return Optional.empty();
    }
    List<String> steps = new ArrayList<>();
    JsonNode mapped =
        key.equals(PAIRS) ? pairs(value, name, unknown) : mapped(value, name, steps, unknown);
    if (mapped.equals(value)) {
      return Optional.empty();
    }
    changed.add("'%s' %s".formatted(name, String.join(", ", steps)));
    return Optional.of(Json.line(mapped));
  }

  private static JsonNode pairs(JsonNode value, String name, List<String> unknown) {
    if (!value.isEmpty()) {
      unknown.add("'%s', pairs of a position and an id".formatted(name));
    }
    return value;
  }

  private JsonNode mapped(JsonNode value, String name, List<String> steps, List<String> unknown) {
    if (value.isArray()) {
      ArrayNode all = JsonNodeFactory.instance.arrayNode();
      value.forEach(element -> all.add(mapped(element, name, steps, unknown)));
      return all;
    }
    // Numbers below zero stand for no token, as LLaVA's −200 for an image.
    if (!value.canConvertToInt() || !value.isIntegralNumber() || value.intValue() < 0) {
      return value;
    }
    String text = texts.get(value.intValue());
    Integer id = text == null ? null : ids.get(text);
    if (text == null || id == null) {
      unknown.add(
          text == null
              ? "'%s' %s, a row without a token".formatted(name, value)
              : "'%s' %s, '%s', which that tokenizer lacks".formatted(name, value, text));
      return value;
    }
    if (id == value.intValue()) {
      return value;
    }
    steps.add("%s → %d ('%s')".formatted(value, id, text));
    return IntNode.valueOf(id);
  }

  /**
   * The size of another vocabulary, as of a model's speech, that the part of the settings around a
   * place is about; empty if it is about the embedding's.
   */
  private OptionalLong otherVocabulary(JsonNode root, JsonPointer place) {
    if (rows.isEmpty() || !says(root, rows.getAsLong())) {
      return OptionalLong.empty();
    }
    JsonPointer around = place;
    while (around.head() != null) {
      around = around.head();
      for (Map.Entry<String, JsonNode> setting : root.at(around).properties()) {
        if (VocabularyTensors.isVocabularySize(setting.getKey())
            && setting.getValue().isIntegralNumber()) {
          long size = setting.getValue().longValue();
          return size == rows.getAsLong() ? OptionalLong.empty() : OptionalLong.of(size);
        }
      }
    }
    return OptionalLong.empty();
  }

  /** True if the settings name that size of a vocabulary anywhere. */
  private static boolean says(JsonNode settings, long size) {
    for (Map.Entry<String, JsonNode> setting : settings.properties()) {
      if (VocabularyTensors.isVocabularySize(setting.getKey())
          ? setting.getValue().asLong(-1) == size
          : says(setting.getValue(), size)) {
        return true;
      }
    }
    return false;
  }
}
