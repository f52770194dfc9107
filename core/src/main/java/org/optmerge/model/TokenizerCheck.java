package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Checks of a {@code tokenizer.json} before the native library reads it: where its parts do not fit
 * each other the library does not refuse it, but ends the process.
 */
final class TokenizerCheck {
  private static final Set<String> MODELS = Set.of("BPE", "WordPiece", "WordLevel", "Unigram");

  private TokenizerCheck() {}

  /**
   * Refuses what the library would not survive.
   *
   * @throws ModelException if a part does not fit another; the message says which
   */
  static void require(JsonNode json) {
    JsonNode model = json.path("model");
    String type = model.path("type").asText(model.has("merges") ? "BPE" : "");
    if (!MODELS.contains(type)) {
      throw new ModelException(
          "its model is a '%s', known are %s".formatted(type, String.join(", ", MODELS)));
    }
    if (type.equals("Unigram")) {
      requireUnigram(model);
    } else {
      Map<String, Long> ids = requireIds(model.path("vocab"));
      if (type.equals("BPE")) {
        requireMerges(model, ids);
      }
    }
    for (JsonNode token : json.path("added_tokens")) {
      if (!isId(token.path("id")) || !token.path("content").isTextual()) {
        throw new ModelException("an added token has no id or no content: " + shown(token));
      }
    }
    requireCharacterMaps(json);
  }

  private static Map<String, Long> requireIds(JsonNode vocabulary) {
    Map<String, Long> ids = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
      if (!isId(entry.getValue())) {
        throw new ModelException(
            "token '%s' has the id %s".formatted(shown(entry.getKey()), shown(entry.getValue())));
      }
      ids.put(entry.getKey(), entry.getValue().asLong());
    }
    return ids;
  }

  private static boolean isId(JsonNode id) {
    return id.isIntegralNumber() && id.canConvertToInt() && id.asInt() >= 0;
  }

  /** Each merge must be of two tokens, whose texts joined are a third. */
  private static void requireMerges(JsonNode model, Map<String, Long> ids) {
    String prefix = model.path("continuing_subword_prefix").asText("");
    for (JsonNode merge : model.path("merges")) {
      String[] pair =
          merge.isArray() && merge.size() == 2
              ? new String[] {merge.get(0).asText(), merge.get(1).asText()}
              : merge.asText().split(" ", -1);
      if (pair.length != 2) {
        throw new ModelException("a merge is not of two tokens: " + shown(merge));
      }
      if (!prefix.isEmpty() && !pair[1].startsWith(prefix)) {
        throw new ModelException(
            "the merge %s goes on with a token that does not begin with '%s', the prefix of such tokens"
                .formatted(shown(merge), shown(prefix)));
      }
      String joined = pair[0] + pair[1].substring(prefix.length());
      for (String token : new String[] {pair[0], pair[1], joined}) {
        if (!ids.containsKey(token)) {
          throw new ModelException(
              "the merge %s needs a token '%s', which the vocabulary does not have"
                  .formatted(shown(merge), shown(token)));
        }
      }
    }
  }

  private static void requireUnigram(JsonNode model) {
    JsonNode pieces = model.path("vocab");
    for (JsonNode piece : pieces) {
      if (!piece.path(0).isTextual() || !piece.path(1).isNumber()) {
        throw new ModelException("a piece is no text with a score: " + shown(piece));
      }
    }
    JsonNode unknown = model.path("unk_id");
    if (!unknown.isMissingNode()
        && !unknown.isNull()
        && (!isId(unknown) || unknown.asInt() >= pieces.size())) {
      throw new ModelException(
          "the unknown token is piece %s of %d".formatted(shown(unknown), pieces.size()));
    }
  }

  /** A map of characters is a length, a trie of so many bytes, and texts that end with a zero. */
  private static void requireCharacterMaps(JsonNode json) {
    for (JsonNode map : json.path("normalizer").findValues("precompiled_charsmap")) {
      if (map.isNull() || map.asText().isEmpty()) {
        continue;
      }
      byte[] bytes;
      try {
        bytes = Base64.getDecoder().decode(map.asText());
      } catch (IllegalArgumentException e) {
        throw new ModelException("its map of characters is no Base64", e);
      }
      long trie =
          bytes.length < 4
              ? -1
              : (bytes[0] & 0xffL)
                  | (bytes[1] & 0xffL) << 8
                  | (bytes[2] & 0xffL) << 16
                  | (bytes[3] & 0xffL) << 24;
      boolean fits =
          trie > 0
              && trie % Integer.BYTES == 0
              && trie <= bytes.length - 4L
              && (bytes.length == 4 + trie || bytes[bytes.length - 1] == 0);
      if (!fits) {
        throw new ModelException("its map of characters is cut or damaged");
      }
    }
  }

  private static String shown(Object part) {
    String text = String.valueOf(part).replaceAll("\\p{Cntrl}", "?");
    return text.length() > 60 ? text.substring(0, 60) + "…" : text;
  }
}
