package org.optmerge.model;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Deadline;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;
import org.optmerge.base.Suggestion;
import org.optmerge.linalg.NativeLibraries;

/**
 * Text to token ids and back: byte-level BPE and SentencePiece of the published models, word level
 * of the miniature.
 *
 * <p>No token is added that the text does not have. Safe from several threads.
 */
public final class Tokenizer implements AutoCloseable {
  /** The longest that are published have 35 MB. */
  static final int LONGEST = 1 << 29;

  private final HuggingFaceTokenizer tokenizer;
  private final byte @Nullable [] json;
  private final Map<String, Long> ids;
  private final Map<Long, String> tokens = new HashMap<>();
  private final @Nullable Words words;
  private final long[] prefix;
  private final Set<Long> added;
  private final @Nullable Skipping skipping;
  private final String beginning;

  /**
   * A vocabulary of whole words.
   *
   * @param unknown the token that stands for all other words
   * @param spelt true if numbers and capital letters are split into single characters
   */
  private record Words(String unknown, boolean spelt) {}

  /**
   * The way in which Python's own tokenizers leave special tokens out of a text.
   *
   * @param left out
   * @param apart added tokens that are not: each stands by itself
   * @param between what is put on both sides of those
   * @param cleaned true if blanks before punctuation go
   */
  private record Skipping(Set<Long> left, Set<Long> apart, String between, boolean cleaned) {}

  private Tokenizer(
      HuggingFaceTokenizer tokenizer,
      byte @Nullable [] json,
      Map<String, Long> ids,
      @Nullable Words words,
      long @Nullable [] prefix,
      Set<Long> added,
      @Nullable Skipping skipping,
      String beginning) {
    this.tokenizer = tokenizer;
    this.json = json;
    this.ids = ids;
    this.words = words;
    this.prefix = prefix == null ? prefix(tokenizer) : prefix;
    this.added = added;
    this.skipping = skipping;
    this.beginning = beginning;
    ids.forEach((token, id) -> tokens.put(id, token));
  }

  /**
   * Reads the tokenizer of a folder ({@code tokenizer.json}, {@code vocab.json} with {@code
   * merges.txt}, or SentencePiece's {@code tokenizer.model}), or a {@code tokenizer.json}.
   *
   * @throws ModelException if it is not there or malformed
   */
  public static Tokenizer open(Path path) {
    if (Files.isDirectory(path)) {
      return TokenizerFiles.read(path);
    }
    if (!Files.isRegularFile(path)) {
      throw new ModelException("%s: no tokenizer.json".formatted(path));
    }
    try {
      return of(RegularFiles.readText(path, LONGEST));
    } catch (IOException | ModelException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(path, e.getMessage()), e);
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
      return of(bytes, Json.plain().readTree(bytes), bytes);
    } catch (IOException | RuntimeException e) {
      throw new ModelException("not a tokenizer.json: " + e.getMessage(), e);
    }
  }

  /** A tokenizer from what other files say, as a {@code tokenizer.json} would. */
  static Tokenizer built(JsonNode json) {
    try {
      return of(Json.plain().writeValueAsBytes(json), json, null);
    } catch (IOException | RuntimeException e) {
      throw new ModelException("no tokenizer comes of it: " + e.getMessage(), e);
    }
  }

  private static Tokenizer of(byte[] bytes, JsonNode tree, byte @Nullable [] file)
      throws IOException {
    Map<String, Long> ids = ids(tree);
    TokenizerCheck.require(tree);
    NativeLibraries.require(NativeLibraries.TOKENIZERS);
    // Neither truncation nor padding, whatever the file says: length is the caller's matter.
    HuggingFaceTokenizer tokenizer =
        Deadline.decoded(
            "the tokenizer",
            bytes.length,
            () ->
                HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(bytes),
                    Map.of(
                        "truncation", "false", "padding", "false", "addSpecialTokens", "false")));
    Set<Long> added = new HashSet<>();
    tree.path("added_tokens").forEach(token -> added.add(token.path("id").asLong()));
    return new Tokenizer(tokenizer, file, ids, words(tree), null, added, null, "");
  }

  /**
   * The same with what its other files say.
   *
   * @param prefix tokens before every prompt
   */
  Tokenizer as(AddedTokens files, long[] prefix) {
    Set<Long> special = new HashSet<>();
    for (String name : files.named()) {
      find(name).ifPresent(special::add);
    }
    Set<Long> apart = new HashSet<>(json == null ? files.added().keySet() : added);
    apart.removeAll(special);
    Skipping skipping =
        special.isEmpty()
            ? null
            : new Skipping(
                special,
                apart,
                files.kind().equals("Qwen2Tokenizer") ? "" : " ",
                files.config().path("clean_up_tokenization_spaces").asBoolean(false));
    return new Tokenizer(tokenizer, json, ids, words, prefix, added, skipping, beginning);
  }

  /** The same with a text before every text, where that does not begin with a special token. */
  Tokenizer beginning(String text) {
    return new Tokenizer(tokenizer, json, ids, words, prefix, added, skipping, text);
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

  /** The tokens that come before every prompt, such as a beginning of the sentence; often none. */
  long[] prefix() {
    return prefix.clone();
  }

  /** Those that a {@code tokenizer.json} adds itself. */
  private static long[] prefix(HuggingFaceTokenizer tokenizer) {
    long[] plain = tokenizer.encode("a", false, false).getIds();
    long[] whole = tokenizer.encode("a", true, false).getIds();
    for (int at = 0; at + plain.length <= whole.length; at++) {
      if (Arrays.equals(plain, Arrays.copyOfRange(whole, at, at + plain.length))) {
        return Arrays.copyOf(whole, at);
      }
    }
    return new long[0];
  }

  /** The ids of a text; special tokens in it are recognised. */
  public long[] encode(String text) {
    if (beginning.isEmpty() || text.isEmpty()) {
      return tokenizer.encode(text, false, false).getIds();
    }
    long[] encoded = tokenizer.encode(beginning + text, false, false).getIds();
    boolean special = skipping != null && encoded.length > 1 && skipping.left.contains(encoded[1]);
    return special && find(beginning).orElse(-1) == encoded[0]
        ? Arrays.copyOfRange(encoded, 1, encoded.length)
        : encoded;
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
      return skipping == null ? decode(answer, true) : skipped(answer, skipping);
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

  private String skipped(long[] answer, Skipping how) {
    List<String> parts = new ArrayList<>();
    long[] run = new long[answer.length];
    int length = 0;
    for (long id : answer) {
      if (how.apart.contains(id)) {
        addText(parts, Arrays.copyOf(run, length));
        length = 0;
        parts.add(tokens.getOrDefault(id, ""));
      } else if (!how.left.contains(id)) {
        run[length++] = id;
      }
    }
    addText(parts, Arrays.copyOf(run, length));
    String text = String.join(how.between, parts);
    return how.cleaned ? cleaned(text) : text;
  }

  private void addText(List<String> parts, long[] run) {
    if (run.length > 0) {
      parts.add(decode(run, false));
    }
  }

  /** English without the blanks that some tokenizers put before punctuation. */
  private static String cleaned(String text) {
    String clean = text;
    for (String mark : List.of(".", "?", "!", ",")) {
      clean = clean.replace(" " + mark, mark);
    }
    clean = clean.replace(" ' ", "'");
    for (String end : List.of("n't", "'m", "'s", "'ve", "'re")) {
      clean = clean.replace(" " + end, end);
    }
    return clean;
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

  /** The {@code tokenizer.json}, to be saved with a model; null if it was in other files. */
  byte @Nullable [] json() {
    return json == null ? null : Arrays.copyOf(json, json.length);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
