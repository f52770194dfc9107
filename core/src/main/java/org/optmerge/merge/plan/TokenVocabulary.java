package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.optmerge.base.Json;

/**
 * The tokens of a model's tokenizer and the embedding row of each.
 *
 * @param ids row by token, in the order of the rows
 * @param added how {@code tokenizer.json} describes the tokens that were added to the vocabulary
 */
record TokenVocabulary(Map<String, Integer> ids, Map<String, ObjectNode> added) {
  static final String FILE = "tokenizer.json";

  TokenVocabulary {
    Map<String, Integer> sorted = new LinkedHashMap<>();
    ids.entrySet().stream()
        .sorted(Map.Entry.comparingByValue(Comparator.naturalOrder()))
        .forEach(entry -> sorted.put(entry.getKey(), entry.getValue()));
    ids = Collections.unmodifiableMap(sorted);
    added = Collections.unmodifiableMap(new LinkedHashMap<>(added));
  }

  /**
   * Reads the vocabulary of a model: of {@code tokenizer.json}, or else of {@code vocab.json} and
   * {@code added_tokens.json}. Empty if the folder has none that can be read.
   */
  static Optional<TokenVocabulary> read(ModelFiles files) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    Map<String, ObjectNode> added = new LinkedHashMap<>();
    try {
      Optional<byte[]> tokenizer = files.read(FILE);
      if (tokenizer.isPresent()) {
        JsonNode root = Json.plain().readTree(tokenizer.get());
        addVocabulary(root.path("model").path("vocab"), ids);
        for (JsonNode token : root.path("added_tokens")) {
          ids.put(token.path("content").asText(), token.path("id").asInt(-1));
          if (token instanceof ObjectNode described) {
            added.put(token.path("content").asText(), described);
          }
        }
      } else {
        for (String name : List.of("vocab.json", "added_tokens.json")) {
          Optional<byte[]> content = files.read(name);
          if (content.isPresent()) {
            Map<String, Integer> own = new LinkedHashMap<>();
            addVocabulary(Json.plain().readTree(content.get()), own);
            ids.putAll(own);
            if (name.startsWith("added")) {
              own.forEach((token, id) -> added.put(token, describe(token, id, false)));
            }
          }
        }
      }
    } catch (IOException e) {
      return Optional.empty();
    }
    ids.values().removeIf(id -> id < 0);
    return ids.isEmpty() ? Optional.empty() : Optional.of(new TokenVocabulary(ids, added));
  }

  private static void addVocabulary(JsonNode vocab, Map<String, Integer> ids) {
    if (vocab.isObject()) {
      vocab.properties().forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt(-1)));
    } else {
      // Unigram: a list of [token, score], in the order of the rows.
      for (int i = 0; i < vocab.size(); i++) {
        ids.put(vocab.path(i).path(0).asText(), i);
      }
    }
  }

  /** An added token as {@code tokenizer.json} describes it. */
  static ObjectNode describe(String token, int id, boolean special) {
    ObjectNode described = JsonNodeFactory.instance.objectNode();
    described.put("id", id);
    described.put("content", token);
    described.put("single_word", false);
    described.put("lstrip", false);
    described.put("rstrip", false);
    described.put("normalized", !special);
    described.put("special", special);
    return described;
  }

  /** The number of rows that hold all tokens. */
  int rows() {
    return ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
  }

  /** The same without the tokens whose rows a model does not have. */
  TokenVocabulary below(long rows) {
    if (rows() <= rows) {
      return this;
    }
    Map<String, Integer> kept = new LinkedHashMap<>(ids);
    kept.values().removeIf(id -> id >= rows);
    Map<String, ObjectNode> still = new LinkedHashMap<>(added);
    still.keySet().retainAll(kept.keySet());
    return new TokenVocabulary(kept, still);
  }

  /** The tokens that another vocabulary lacks, in the order of their rows. */
  List<String> without(TokenVocabulary other) {
    List<String> tokens = new ArrayList<>(ids.keySet());
    tokens.removeIf(other.ids::containsKey);
    return tokens;
  }

  /** The first token that has another row there; empty if all that both have agree. */
  Optional<String> firstMoved(TokenVocabulary other) {
    return ids.entrySet().stream()
        .filter(
            token ->
                !token.getValue().equals(other.ids.getOrDefault(token.getKey(), token.getValue())))
        .map(Map.Entry::getKey)
        .findFirst();
  }
}
