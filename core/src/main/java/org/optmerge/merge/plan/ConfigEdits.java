package org.optmerge.merge.plan;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.DType;

/**
 * Changes single values of a {@code config.json} where they stand, so that every other byte stays
 * as published.
 */
final class ConfigEdits {
  private static final Set<String> DTYPE_KEYS = Set.of("torch_dtype", "dtype");

  private record Edit(long from, long to, String text) {}

  /** Decides about one value: what is written instead, if anything. */
  @FunctionalInterface
  interface Rule {
    /**
     * @param parser at the value; if that is a list it may be read to its end
     * @param text the file
     */
    Optional<String> replacement(String key, JsonParser parser, String text) throws IOException;
  }

  private ConfigEdits() {}

  /** The file with every element type replaced; the same array if nothing changes. */
  static byte[] withDType(byte[] config, DType dtype) throws IOException {
    return apply(
        config,
        (key, parser, text) -> {
          if (!DTYPE_KEYS.contains(key) || parser.currentToken() != JsonToken.VALUE_STRING) {
            return Optional.empty();
          }
          String now = parser.getText();
          return now.equals(dtype.torchName()) || DType.ofTorch(now).isEmpty()
              ? Optional.empty()
              : Optional.of('"' + dtype.torchName() + '"');
        });
  }

  /** The file with every vocabulary size of {@code before} replaced. */
  static byte[] withVocabulary(byte[] config, long before, long after) throws IOException {
    return apply(
        config,
        (key, parser, text) ->
            VocabularyTensors.isVocabularySize(key)
                    && parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getLongValue() == before
                ? Optional.of(Long.toString(after))
                : Optional.empty());
  }

  /** The file of a model whose head is a tensor of its own. */
  static byte[] withoutTie(byte[] config) throws IOException {
    byte[] edited =
        apply(
            config,
            (key, parser, text) ->
                key.equals("tie_word_embeddings") && parser.currentToken() == JsonToken.VALUE_TRUE
                    ? Optional.of("false")
                    : Optional.empty());
    JsonNode json = Json.plain().readTree(edited);
    if (json.has("tie_word_embeddings")) {
      return edited;
    }
    // Where it is not said, the family decides, or the loader.
    String text = new String(edited, StandardCharsets.UTF_8);
    int brace = text.indexOf('{') + 1;
    String rest = text.substring(brace);
    String comma = json.isEmpty() ? "" : ",";
    return (text.substring(0, brace) + "\n  \"tie_word_embeddings\": false" + comma + rest)
        .getBytes(StandardCharsets.UTF_8);
  }

  /** The file of a model in the folder; empty if it has none that can be read. */
  static Optional<byte[]> read(Path folder) {
    Path file = folder.resolve("config.json");
    try {
      return Files.isRegularFile(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  static byte[] apply(byte[] config, Rule rule) throws IOException {
    String text = new String(config, StandardCharsets.UTF_8);
    List<Edit> edits = new ArrayList<>();
    try (JsonParser parser = Json.plain().createParser(text)) {
      while (parser.nextToken() != null) {
        String key = parser.currentName();
        if (key == null
            || parser.currentToken() == JsonToken.FIELD_NAME
            || parser.currentToken().isStructEnd()) {
          continue;
        }
        long from = parser.currentTokenLocation().getCharOffset();
        Optional<String> replacement = rule.replacement(key, parser, text);
        if (replacement.isPresent()) {
          // Makes the parser read a lazily parsed string to its end.
          parser.getTextLength();
          edits.add(new Edit(from, parser.currentLocation().getCharOffset(), replacement.get()));
        }
      }
    }
    if (edits.isEmpty()) {
      return config;
    }
    edits.sort(Comparator.comparingLong(Edit::from).reversed());
    StringBuilder edited = new StringBuilder(text);
    for (Edit edit : edits) {
      edited.replace((int) edit.from(), (int) edit.to(), edit.text());
    }
    return edited.toString().getBytes(StandardCharsets.UTF_8);
  }
}
