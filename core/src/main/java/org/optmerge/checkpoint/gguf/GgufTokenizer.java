package org.optmerge.checkpoint.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.optmerge.base.Json;

/** The tokenizer in a GGUF file's metadata, as files of Hugging Face's layout. */
final class GgufTokenizer {
  static final String PREFIX = "tokenizer.ggml.";

  private final GgufMetadata metadata;
  private final List<String> tokens;
  private final List<Long> types;
  private final List<String> notes = new ArrayList<>();

  GgufTokenizer(GgufMetadata metadata) {
    this.metadata = metadata;
    this.tokens = metadata.list(PREFIX + "tokens", String.class, "texts");
    this.types = metadata.list(PREFIX + "token_type", Long.class, "whole numbers");
  }

  /** What could not be written; complete after {@link #files}. */
  List<String> notes() {
    return notes;
  }

  /** The files by name; none if the tokenizer is of a kind that is not known. */
  Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    String model = metadata.text(PREFIX + "model").orElse("none");
    String pre = metadata.text(PREFIX + "pre").orElse("default");
    Optional<PreTokenizer> words = PreTokenizer.named(pre);
    List<Double> scores = metadata.list(PREFIX + "scores", Double.class, "numbers");
    if (model.equals("gpt2") && words.isPresent() && !tokens.isEmpty()) {
      files.put("tokenizer.json", text(byteLevel(words.get())));
      files.put("tokenizer_config.json", text(settings("PreTrainedTokenizerFast")));
    } else if (model.equals("llama") && scores.size() == tokens.size() && !tokens.isEmpty()) {
      files.put("tokenizer.model", pieces(scores));
      files.put("tokenizer_config.json", text(settings("LlamaTokenizer")));
    } else {
      notes.add(
          "GGUF: the tokenizer ('%s', '%s') is not converted; copy that of the original model into the output"
              .formatted(model, pre));
    }
    return files;
  }

  private static byte[] text(ObjectNode json) {
    return (Json.pretty(json) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private TokenType type(int id) {
    return id < types.size() ? TokenType.of(types.get(id)) : TokenType.NORMAL;
  }

  private byte[] pieces(List<Double> scores) {
    List<SentencePieceModel.Piece> pieces = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      pieces.add(
          new SentencePieceModel.Piece(tokens.get(id), scores.get(id).floatValue(), type(id)));
    }
    return new SentencePieceModel(pieces)
        .bytes(metadata.flag(PREFIX + "add_space_prefix").orElse(true));
  }

  private ObjectNode byteLevel(PreTokenizer words) {
    ObjectNode tokenizer = Json.object();
    tokenizer.put("version", "1.0");
    tokenizer.putNull("truncation");
    tokenizer.putNull("padding");
    ArrayNode added = tokenizer.putArray("added_tokens");
    ObjectNode vocabulary = Json.object();
    for (int id = 0; id < tokens.size(); id++) {
      TokenType type = type(id);
      if (type == TokenType.CONTROL || type == TokenType.USER_DEFINED) {
        ObjectNode token = added.addObject();
        token.put("id", id);
        token.put("content", tokens.get(id));
        token.put("single_word", false);
        token.put("lstrip", false);
        token.put("rstrip", false);
        token.put("normalized", false);
        token.put("special", type == TokenType.CONTROL);
      } else if (type != TokenType.UNUSED) {
        vocabulary.put(tokens.get(id), id);
      }
    }
    if (words == PreTokenizer.QWEN2) {
      tokenizer.putObject("normalizer").put("type", "NFC");
    } else {
      tokenizer.putNull("normalizer");
    }
    ObjectNode sequence = tokenizer.putObject("pre_tokenizer").put("type", "Sequence");
    ArrayNode steps = sequence.putArray("pretokenizers");
    ObjectNode split = steps.addObject().put("type", "Split");
    split.putObject("pattern").put("Regex", words.pattern());
    split.put("behavior", "Isolated");
    split.put("invert", false);
    steps.add(bytes());
    tokenizer.set("post_processor", postProcessor());
    tokenizer.set("decoder", bytes());
    ObjectNode model = tokenizer.putObject("model").put("type", "BPE");
    model.putNull("dropout");
    model.putNull("unk_token");
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", words == PreTokenizer.LLAMA_BPE);
    model.set("vocab", vocabulary);
    ArrayNode merges = model.putArray("merges");
    metadata.list(PREFIX + "merges", String.class, "texts").forEach(merges::add);
    return tokenizer;
  }

  private static ObjectNode bytes() {
    ObjectNode bytes = Json.object();
    bytes.put("type", "ByteLevel");
    bytes.put("add_prefix_space", false);
    bytes.put("trim_offsets", false);
    bytes.put("use_regex", false);
    return bytes;
  }

  /** Puts the first token of a text before it, where the model wants that. */
  private ObjectNode postProcessor() {
    Optional<String> first = special("bos");
    if (first.isEmpty() || !metadata.flag(PREFIX + "add_bos_token").orElse(false)) {
      return bytes();
    }
    String token = first.get();
    ObjectNode template = Json.object();
    template.put("type", "TemplateProcessing");
    ArrayNode single = template.putArray("single");
    special(single, token, 0);
    sequence(single, "A", 0);
    ArrayNode pair = template.putArray("pair");
    special(pair, token, 0);
    sequence(pair, "A", 0);
    special(pair, token, 1);
    sequence(pair, "B", 1);
    ObjectNode named = template.putObject("special_tokens").putObject(token);
    named.put("id", token);
    named.putArray("ids").add(metadata.whole(PREFIX + "bos_token_id").orElseThrow());
    named.putArray("tokens").add(token);
    return template;
  }

  private static void special(ArrayNode steps, String token, int type) {
    steps.addObject().putObject("SpecialToken").put("id", token).put("type_id", type);
  }

  private static void sequence(ArrayNode steps, String name, int type) {
    steps.addObject().putObject("Sequence").put("id", name).put("type_id", type);
  }

  /** The token that plays a part, such as {@code bos}. */
  private Optional<String> special(String part) {
    return metadata
        .whole(PREFIX + part + "_token_id")
        .filter(id -> id >= 0 && id < tokens.size())
        .map(id -> tokens.get(id.intValue()));
  }

  private ObjectNode settings(String kind) {
    ObjectNode settings = Json.object();
    settings.put("tokenizer_class", kind);
    metadata
        .flag(PREFIX + "add_bos_token")
        .ifPresent(value -> settings.put("add_bos_token", value));
    metadata
        .flag(PREFIX + "add_eos_token")
        .ifPresent(value -> settings.put("add_eos_token", value));
    special("bos").ifPresent(token -> settings.put("bos_token", token));
    special("eos").ifPresent(token -> settings.put("eos_token", token));
    special("padding").ifPresent(token -> settings.put("pad_token", token));
    special("unknown").ifPresent(token -> settings.put("unk_token", token));
    metadata
        .text("tokenizer.chat_template")
        .ifPresent(template -> settings.put("chat_template", template));
    settings.put("clean_up_tokenization_spaces", false);
    if (kind.equals("LlamaTokenizer")) {
      settings.put("legacy", true);
    }
    return settings;
  }
}
