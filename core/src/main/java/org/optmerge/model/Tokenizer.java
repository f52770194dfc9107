package org.optmerge.model;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.Suggestion;

/**
 * Text to token ids and back, as a {@code tokenizer.json} of Hugging Face's tokenizers says:
 * byte-level BPE of the published models, word level of the miniature.
 *
 * <p>No token is added that the text does not have. Safe from several threads.
 */
public final class Tokenizer implements AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;
  private final byte[] json;
  private final Map<String, Long> ids;
  private final Map<Long, String> tokens = new HashMap<>();
  private final @Nullable Words words;

  /**
   * A vocabulary of whole words.
   *
   * @param unknown the token that stands for all other words
   * @param spelt true if numbers and capital letters are split into single characters
   */
  private record Words(String unknown, boolean spelt) {}

  private Tokenizer(
      HuggingFaceTokenizer tokenizer, byte[] json, Map<String, Long> ids, @Nullable Words words) {
    this.tokenizer = tokenizer;
    this.json = json;
    this.ids = ids;
    this.words = words;
    ids.forEach((token, id) -> tokens.put(id, token));
  }

  /**
   * Reads {@code tokenizer.json}, given as such or as the folder it is in.
   *
   * @throws ModelException if it is not there or malformed
   */
  public static Tokenizer open(Path path) {
    Path file = Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
    if (!Files.isRegularFile(file)) {
      throw new ModelException(
          "%s: no tokenizer.json; vocab.json and merges.txt alone are not read".formatted(path));
    }
    try {
      return of(Files.readString(file));
    } catch (IOException | ModelException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /**
   * A tokenizer from the text of a {@code tokenizer.json}.
   *
   * @throws ModelException if it is malformed
   */
  public static Tokenizer of(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    try {
      JsonNode tree = Json.plain().readTree(bytes);
      Map<String, Long> ids = ids(tree);
      // Neither truncation nor padding, whatever the file says: length is the caller's matter.
      HuggingFaceTokenizer tokenizer =
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(bytes),
              Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"));
      return new Tokenizer(tokenizer, bytes, ids, words(tree));
    } catch (IOException | RuntimeException e) {
      throw new ModelException("not a tokenizer.json: " + e.getMessage(), e);
    }
  }

  private static @Nullable Words words(JsonNode json) {
    JsonNode model = json.path("model");
    if (!model.path("type").asText().equals("WordLevel")) {
      return null;
    }
    boolean spelt = false;
    for (JsonNode step : json.path("pre_tokenizer").path("pretokenizers")) {
      spelt |= step.path("type").asText().equals("Split");
    }
    return new Words(model.path("unk_token").asText(), spelt);
  }

  private static Map<String, Long> ids(JsonNode json) {
    Map<String, Long> ids = new HashMap<>();
    JsonNode vocabulary = json.path("model").path("vocab");
    for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
      ids.put(entry.getKey(), entry.getValue().asLong());
    }
    for (JsonNode added : json.path("added_tokens")) {
      ids.put(added.path("content").asText(), added.path("id").asLong());
    }
    if (ids.isEmpty()) {
      throw new ModelException("it has no vocabulary (model.vocab)");
    }
    return Collections.unmodifiableMap(ids);
  }

  /** The ids of a text; special tokens in it are recognised. */
  public long[] encode(String text) {
    Encoding encoding = tokenizer.encode(text, false, false);
    return encoding.getIds();
  }

  /**
   * The ids of a text whose words a vocabulary of whole words must have.
   *
   * @throws ModelException if there is a word that it does not have; the message names it
   */
  long[] encodeKnown(String text) {
    long[] encoded = encode(text);
    if (isUnknown(encoded)) {
      for (String word : text.strip().split("\\s+")) {
        if (isUnknown(encode(word))) {
          throw new ModelException(
              "the vocabulary of the model has no word '%s'%s"
                  .formatted(word, Suggestion.forWord(word, ids.keySet())));
        }
      }
    }
    return encoded;
  }

  private boolean isUnknown(long[] encoded) {
    Long unknown = words == null ? null : ids.get(words.unknown);
    return unknown != null && Arrays.stream(encoded).anyMatch(id -> id == unknown);
  }

  /**
   * The text of ids as an answer: special tokens are left out of it, and of a vocabulary of words
   * padding; digits and letters that are spelt one by one are joined.
   */
  String text(long[] answer) {
    if (words == null) {
      return decode(answer, true);
    }
    StringBuilder text = new StringBuilder();
    boolean character = false;
    for (long id : answer) {
      String token = tokens.getOrDefault(id, words.unknown);
      if (!token.equals("<pad>")) {
        boolean next = words.spelt && token.matches("[0-9A-Z]");
        text.append(text.length() == 0 || character && next ? "" : " ").append(token);
        character = next;
      }
    }
    return text.toString();
  }

  /**
   * The text of ids.
   *
   * @param skipSpecial true to leave out tokens that are marked special
   */
  public String decode(long[] tokens, boolean skipSpecial) {
    return tokenizer.decode(tokens, skipSpecial);
  }

  /** The id of a token as the vocabulary spells it, if there is one. */
  public OptionalLong find(String token) {
    Long id = ids.get(token);
    return id == null ? OptionalLong.empty() : OptionalLong.of(id);
  }

  /**
   * The id of a token that has to be there.
   *
   * @throws ModelException if the vocabulary has no such token
   */
  public long id(String token) {
    return find(token)
        .orElseThrow(
            () ->
                new ModelException(
                    "the tokenizer has no token '%s' among its %d".formatted(token, ids.size())));
  }

  /** Number of tokens, added ones included. */
  public int size() {
    return ids.size();
  }

  /** The file, byte by byte, to be saved with a model. */
  byte[] json() {
    return Arrays.copyOf(json, json.length);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
