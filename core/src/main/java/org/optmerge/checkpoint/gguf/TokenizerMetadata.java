package org.optmerge.checkpoint.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;

/** A model's tokenizer as metadata of GGUF: {@code tokenizer.model}, or {@code tokenizer.json}. */
final class TokenizerMetadata {
  private static final String PREFIX = GgufTokenizer.PREFIX;

  /** The score of tokens that SentencePiece does not know. */
  private static final float ADDED = -1000;

  private static final float UNUSED = -10000;

  private record Token(String text, float score, TokenType type) {}

  private final Checkpoint model;
  private final int rows;
  private final @Nullable String pre;
  private final JsonNode tokenizer;
  private final JsonNode settings;
  private final Map<Integer, Token> tokens = new TreeMap<>();

  /**
   * @param rows of the embedding, each of which is a token
   * @param pre the pre-tokenizer's name, if it is given
   */
  TokenizerMetadata(Checkpoint model, int rows, @Nullable String pre) {
    this.model = model;
    this.rows = rows;
    this.pre = pre;
    this.tokenizer = json("tokenizer.json");
    this.settings = json("tokenizer_config.json");
  }

  private JsonNode json(String name) {
    Optional<byte[]> bytes = model.file(name);
    if (bytes.isEmpty()) {
      return Json.plain().missingNode();
    }
    try {
      return Json.plain().readTree(bytes.get());
    } catch (IOException e) {
      throw error(
          "%s is no JSON: %s".formatted(name, Json.firstLine(String.valueOf(e.getMessage()))));
    }
  }

  /**
   * Adds the tokenizer.
   *
   * @throws CheckpointException if there is none, or it is of a kind that GGUF has no plain word
   *     for
   */
  void addTo(GgufWriter writer) {
    Optional<byte[]> pieces = model.file("tokenizer.model");
    String kind = tokenizer.path("model").path("type").asText("");
    if (pieces.isPresent()) {
      sentencePiece(pieces.get());
      writer.text(PREFIX + "model", "llama");
      writer.text(PREFIX + "pre", "default");
    } else if (kind.equals("BPE") && !tokenizer.path("model").path("byte_fallback").asBoolean()) {
      byteLevel();
      writer.text(PREFIX + "model", "gpt2");
      writer.text(PREFIX + "pre", pre == null ? preTokenizer() : pre);
    } else {
      throw error(
          kind.isEmpty()
              ? "has neither tokenizer.json nor tokenizer.model, without which llama.cpp cannot use"
                  + " the file; copy the original model's into the folder, or give --no-tokenizer"
              : "tokenizer.json is a %s of SentencePiece's kind, which GGUF holds as tokenizer.model has it; copy the original model's tokenizer.model into the folder"
                  .formatted(kind));
    }
    list(writer, pieces.isPresent());
    special(writer);
    chatTemplate().ifPresent(template -> writer.text("tokenizer.chat_template", template));
  }

  private CheckpointException error(String problem) {
    return CheckpointException.at(model.folder(), problem);
  }

  private void sentencePiece(byte[] bytes) {
    try {
      List<SentencePieceModel.Piece> pieces = SentencePieceModel.parse(bytes).pieces();
      for (int id = 0; id < pieces.size(); id++) {
        SentencePieceModel.Piece piece = pieces.get(id);
        tokens.put(id, new Token(piece.text(), piece.score(), piece.type()));
      }
    } catch (IllegalArgumentException e) {
      throw error("tokenizer.model is no SentencePiece model: " + e.getMessage());
    }
    for (Map.Entry<String, JsonNode> entry : json("added_tokens.json").properties()) {
      added(entry.getValue().asInt(-1), entry.getKey(), false);
    }
    for (Map.Entry<String, JsonNode> entry : settings.path("added_tokens_decoder").properties()) {
      JsonNode token = entry.getValue();
      added(
          Integer.parseInt(entry.getKey()),
          token.path("content").asText(),
          token.path("special").asBoolean());
    }
  }

  /** A token beside SentencePiece's; its own keep their kind. */
  private void added(int id, String text, boolean special) {
    tokens.putIfAbsent(
        id, new Token(text, ADDED, special ? TokenType.CONTROL : TokenType.USER_DEFINED));
  }

  private void byteLevel() {
    for (Map.Entry<String, JsonNode> entry : tokenizer.path("model").path("vocab").properties()) {
      tokens.put(entry.getValue().asInt(-1), new Token(entry.getKey(), 0, TokenType.NORMAL));
    }
    for (JsonNode token : tokenizer.path("added_tokens")) {
      boolean special = token.path("special").asBoolean();
      tokens.put(
          token.path("id").asInt(-1),
          new Token(
              token.path("content").asText(),
              0,
              special ? TokenType.CONTROL : TokenType.USER_DEFINED));
    }
  }

  private String preTokenizer() {
    JsonNode words = tokenizer.path("pre_tokenizer");
    List<JsonNode> steps = new ArrayList<>();
    if (words.path("type").asText().equals("Sequence")) {
      words.path("pretokenizers").forEach(steps::add);
    } else {
      steps.add(words);
    }
    for (JsonNode step : steps) {
      String pattern = step.path("pattern").path("Regex").asText("");
      Optional<PreTokenizer> known = PreTokenizer.of(pattern);
      if (known.isPresent()) {
        return known.get().ggufName();
      }
      if (!pattern.isEmpty()) {
        break;
      }
      if (step.path("type").asText().equals("ByteLevel")
          && step.path("use_regex").asBoolean(true)) {
        return PreTokenizer.GPT_2.ggufName();
      }
    }
    throw error(
        "tokenizer.json cuts texts into words in a way whose name in llama.cpp is not known here;"
            + " give it with --pre, such as --pre qwen2");
  }

  private void list(GgufWriter writer, boolean scored) {
    int largest = tokens.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1);
    int least = tokens.keySet().stream().mapToInt(Integer::intValue).min().orElse(0);
    if (largest >= rows || least < 0) {
      throw error(
          "the tokenizer has a token number %d, the embedding %d rows"
              .formatted(least < 0 ? least : largest, rows));
    }
    List<String> texts = new ArrayList<>();
    List<Float> scores = new ArrayList<>();
    List<Integer> types = new ArrayList<>();
    for (int id = 0; id < rows; id++) {
      Token token =
          tokens.getOrDefault(id, new Token("[PAD%d]".formatted(id), UNUSED, TokenType.UNUSED));
      texts.add(token.text);
      scores.add(token.score);
      types.add(token.type.number());
    }
    writer.texts(PREFIX + "tokens", texts);
    if (scored) {
      writer.numbers(PREFIX + "scores", scores);
    }
    writer.wholes(PREFIX + "token_type", types);
    if (!scored) {
      writer.texts(PREFIX + "merges", merges());
    }
  }

  private List<String> merges() {
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : tokenizer.path("model").path("merges")) {
      merges.add(
          merge.isTextual()
              ? merge.asText()
              : space(merge.path(0).asText()) + " " + space(merge.path(1).asText()));
    }
    return merges;
  }

  /** A space within a token, written as the byte-level alphabet does. */
  private static String space(String token) {
    return token.replace(' ', '\u0120');
  }

  private void special(GgufWriter writer) {
    Map<String, String> parts =
        Map.of("bos", "bos", "eos", "eos", "unk", "unknown", "pad", "padding");
    for (String part : List.of("bos", "eos", "unk", "pad")) {
      JsonNode named = settings.path(part + "_token");
      String text = named.isTextual() ? named.asText() : named.path("content").asText("");
      Optional<Integer> id =
          tokens.entrySet().stream()
              .filter(token -> !text.isEmpty() && token.getValue().text.equals(text))
              .map(Map.Entry::getKey)
              .findFirst()
              .or(() -> configured(part));
      id.ifPresent(value -> writer.whole(PREFIX + parts.get(part) + "_token_id", value));
    }
    Optional<Boolean> first =
        truth(settings.path("add_bos_token"))
            .or(() -> Optional.of(true).filter(yes -> startsWithFirst()));
    first.ifPresent(value -> writer.flag(PREFIX + "add_bos_token", value));
    truth(settings.path("add_eos_token"))
        .ifPresent(value -> writer.flag(PREFIX + "add_eos_token", value));
    truth(settings.path("add_prefix_space"))
        .ifPresent(value -> writer.flag(PREFIX + "add_space_prefix", value));
  }

  private static Optional<Boolean> truth(JsonNode value) {
    return value.isBoolean() ? Optional.of(value.asBoolean()) : Optional.empty();
  }

  /** A token's number as config.json has it; the first of several. */
  private Optional<Integer> configured(String part) {
    JsonNode config = model.config().orElseGet(Json::object);
    JsonNode id = config.path(part + "_token_id");
    JsonNode one = id.isArray() ? id.path(0) : id;
    return one.isInt() && one.asInt() >= 0 && one.asInt() < rows
        ? Optional.of(one.asInt())
        : Optional.empty();
  }

  /** True if tokenizer.json puts the first token before every text. */
  private boolean startsWithFirst() {
    JsonNode named = settings.path("bos_token");
    String first = named.isTextual() ? named.asText() : named.path("content").asText("");
    JsonNode processor = tokenizer.path("post_processor");
    List<JsonNode> steps = new ArrayList<>();
    processor.path("processors").forEach(steps::add);
    steps.add(processor);
    return steps.stream()
        .map(step -> step.path("single").path(0).path("SpecialToken").path("id").asText(""))
        .anyMatch(token -> !token.isEmpty() && token.equals(first));
  }

  private Optional<String> chatTemplate() {
    JsonNode own = settings.path("chat_template");
    if (own.isTextual()) {
      return Optional.of(own.asText());
    }
    for (JsonNode named : own) {
      if (named.path("name").asText().equals("default")) {
        return Optional.of(named.path("template").asText());
      }
    }
    return model
        .file("chat_template.jinja")
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
        .or(
            () ->
                Optional.of(json("chat_template.json").path("chat_template"))
                    .filter(JsonNode::isTextual)
                    .map(JsonNode::asText));
  }
}
