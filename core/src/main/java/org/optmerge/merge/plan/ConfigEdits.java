package org.optmerge.merge.plan;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonStreamContext;
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
  private static final Set<String> LAYER_COUNT_KEYS =
      Set.of("num_hidden_layers", "n_layer", "num_layers", "n_layers");

  private record Edit(long from, long to, String text) {}

  /** Decides about one value: what is written instead, if anything. */
  @FunctionalInterface
  private interface Rule {
    Optional<String> replacement(String key, JsonParser parser) throws IOException;
  }

  private ConfigEdits() {}

  /** The file with every element type replaced; the same array if nothing changes. */
  static byte[] withDType(byte[] config, DType dtype) throws IOException {
    return apply(
        config,
        (key, parser) -> {
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
        (key, parser) ->
            VocabularyTensors.isVocabularySize(key)
                    && parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getLongValue() == before
                ? Optional.of(Long.toString(after))
                : Optional.empty());
  }

  /**
   * The file for another choice of layers: the layer count, and every list with an entry for each
   * layer. The same array if nothing changes.
   *
   * @param before number of layers that the file is for
   * @param layers for each layer of the output, the layer it has from the file's model
   */
  static byte[] withLayers(byte[] config, int before, List<Integer> layers) throws IOException {
    return apply(
        config,
        (key, parser) -> {
          if (ofOtherTower(parser.getParsingContext())) {
            return Optional.empty();
          }
          if (LAYER_COUNT_KEYS.contains(key)
              && parser.currentToken() == JsonToken.VALUE_NUMBER_INT
              && parser.getLongValue() == before) {
            return layers.size() == before
                ? Optional.empty()
                : Optional.of(Integer.toString(layers.size()));
          }
          if (parser.currentToken() != JsonToken.START_ARRAY) {
            return Optional.empty();
          }
          List<String> entries = new ArrayList<>();
          int depth = 0;
          while (parser.nextToken() != JsonToken.END_ARRAY || depth > 0) {
            if (parser.currentToken().isStructStart()) {
              depth++;
            } else if (parser.currentToken().isStructEnd()) {
              depth--;
            } else {
              entries.add(
                  parser.currentToken() == JsonToken.VALUE_STRING
                      ? Json.line(parser.getText())
                      : parser.getText());
            }
          }
          if (entries.size() != before || !key.contains("layer")) {
            return Optional.empty();
          }
          return Optional.of(
              "[" + String.join(", ", layers.stream().map(entries::get).toList()) + "]");
        });
  }

  /** The file of a model whose head is a tensor of its own. */
  static byte[] withoutTie(byte[] config) throws IOException {
    byte[] edited =
        apply(
            config,
            (key, parser) ->
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

  /** True inside the settings of a vision or audio tower, whose layers are not taken apart. */
  private static boolean ofOtherTower(JsonStreamContext context) {
    for (JsonStreamContext at = context; at != null; at = at.getParent()) {
      String name = at.getCurrentName();
      if (name != null && at != context && (name.contains("vision") || name.contains("audio"))) {
        return true;
      }
    }
    return false;
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

  private static byte[] apply(byte[] config, Rule rule) throws IOException {
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
        Optional<String> replacement = rule.replacement(key, parser);
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
