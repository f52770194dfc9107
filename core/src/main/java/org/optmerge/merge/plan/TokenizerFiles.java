package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.optmerge.base.Json;

/**
 * The tokenizer's files of an output whose rows go by token.
 *
 * @param tokens the output's
 * @param source the model whose tokenizer it is, before tokens were added
 * @param donor the model whose other files the output has
 */
record TokenizerFiles(TokenVocabulary tokens, ModelFiles source, ModelFiles donor) {
  /** Everything that only has a meaning for one tokenizer. */
  private static final Set<String> OF_TOKENIZER =
      Set.of(
          TokenVocabulary.FILE,
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "vocab.txt",
          "merges.txt",
          "tokenizer.model",
          "spiece.model",
          "sentencepiece.bpe.model",
          "chat_template.jinja",
          "chat_template.json");

  /** The donor's files that the output has too. */
  List<Path> kept(List<Path> donorFiles) {
    return source == donor
        ? donorFiles
        : donorFiles.stream().filter(file -> !OF_TOKENIZER.contains(file.toString())).toList();
  }

  /**
   * The files that are not the donor's.
   *
   * @param refusals takes what cannot be written, in words
   */
  Map<String, byte[]> rewritten(List<String> refusals) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    if (source != donor) {
      for (String name : OF_TOKENIZER) {
        source.read(name).ifPresent(content -> files.put(name, content));
      }
    }
    TokenVocabulary before = TokenVocabulary.read(source).orElse(tokens);
    if (before.ids().equals(tokens.ids())) {
      return files;
    }
    Optional<byte[]> content = source.read(TokenVocabulary.FILE);
    if (content.isPresent()) {
      JsonNode tokenizer = Json.plain().readTree(content.get());
      strip(tokenizer, before, refusals);
      ArrayNode added = ((ObjectNode) tokenizer).putArray("added_tokens");
      tokens.added().values().forEach(added::add);
      files.put(TokenVocabulary.FILE, bytes(tokenizer));
    } else {
      ObjectNode added = Json.object();
      tokens.added().keySet().forEach(token -> added.put(token, tokens.ids().get(token)));
      files.put("added_tokens.json", bytes(added));
    }
    Optional<byte[]> config = source.read("tokenizer_config.json");
    if (config.isPresent()
        && Json.plain().readTree(config.get()) instanceof ObjectNode settings
        && settings.get("added_tokens_decoder") instanceof ObjectNode) {
      ObjectNode decoder = settings.putObject("added_tokens_decoder");
      for (Map.Entry<String, ObjectNode> token : tokens.added().entrySet()) {
        ObjectNode described = token.getValue().deepCopy();
        described.remove("id");
        decoder.set(String.valueOf(tokens.ids().get(token.getKey())), described);
      }
      files.put("tokenizer_config.json", bytes(settings));
    }
    if (files.containsKey(TokenVocabulary.FILE) && source.has("added_tokens.json")) {
      ObjectNode added = Json.object();
      tokens.added().keySet().forEach(token -> added.put(token, tokens.ids().get(token)));
      files.put("added_tokens.json", bytes(added));
    }
    return files;
  }

  private static byte[] bytes(JsonNode node) {
    return (Json.pretty(node) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** Takes the tokens out that the output does not have. */
  private void strip(JsonNode tokenizer, TokenVocabulary before, List<String> refusals) {
    List<String> gone = before.without(tokens);
    gone.removeIf(before.added()::containsKey);
    if (gone.isEmpty()) {
      return;
    }
    JsonNode model = tokenizer.path("model");
    if (!model.path("type").asText().equals("BPE") || !model.path("vocab").isObject()) {
      refusals.add(
          "%s: %d tokens beyond the embedding's rows, such as '%s', cannot be taken out of a tokenizer of type '%s'"
              .formatted(
                  source.folder().resolve(TokenVocabulary.FILE),
                  gone.size(),
                  gone.get(0),
                  model.path("type").asText()));
      return;
    }
    ((ObjectNode) model.path("vocab")).remove(gone);
    Set<String> without = Set.copyOf(gone);
    for (Iterator<JsonNode> merge = model.path("merges").elements(); merge.hasNext(); ) {
      if (parts(merge.next()).stream().anyMatch(without::contains)) {
        merge.remove();
      }
    }
  }

  /** The tokens of a merge, and what they come to. */
  private static List<String> parts(JsonNode merge) {
    List<String> parts = new ArrayList<>();
    if (merge.isArray()) {
      merge.forEach(part -> parts.add(part.asText()));
    } else {
      parts.addAll(List.of(merge.asText().split(" ")));
    }
    parts.add(String.join("", parts));
    return parts;
  }
}
