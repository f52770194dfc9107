package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;

/**
 * The tokens of a model's {@code tokenizer.json} and the embedding row of each.
 *
 * @param ids row by token
 */
record TokenRows(Map<String, Integer> ids) {
  private static final String FILE = "tokenizer.json";

  /** Reads a model's vocabulary; empty if it has no {@code tokenizer.json} with one. */
  static Optional<TokenRows> read(Checkpoint model) {
    Path file = model.folder().resolve(FILE);
    byte[] derived = model.derivedFiles().get(FILE);
    if (derived == null && !Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      JsonNode root =
          derived == null ? Json.plain().readTree(file.toFile()) : Json.plain().readTree(derived);
      Map<String, Integer> ids = new LinkedHashMap<>();
      JsonNode vocab = root.path("model").path("vocab");
      if (vocab.isObject()) {
        vocab.properties().forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt(-1)));
      } else {
        // Unigram: a list of [token, score], in the order of the rows.
        for (int i = 0; i < vocab.size(); i++) {
          ids.put(vocab.path(i).path(0).asText(), i);
        }
      }
      for (JsonNode token : root.path("added_tokens")) {
        ids.put(token.path("content").asText(), token.path("id").asInt(-1));
      }
      return ids.isEmpty() ? Optional.empty() : Optional.of(new TokenRows(ids));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The reason why the rows of another model cannot stand for these tokens; empty if they can. */
  Optional<String> whyNotRowsOf(TokenRows other, String name, String otherName) {
    for (Map.Entry<String, Integer> token : ids.entrySet()) {
      Integer row = other.ids.get(token.getKey());
      if (row == null) {
        return Optional.of(
            "token '%s' of '%s' is not in the vocabulary of '%s'"
                .formatted(token.getKey(), name, otherName));
      }
      if (!row.equals(token.getValue())) {
        return Optional.of(
            "token '%s' is row %d in '%s' and row %d in '%s'"
                .formatted(token.getKey(), token.getValue(), name, row, otherName));
      }
    }
    return Optional.empty();
  }
}
