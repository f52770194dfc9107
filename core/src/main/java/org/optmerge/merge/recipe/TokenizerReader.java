package org.optmerge.merge.recipe;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Suggestion;

/** Reads {@code tokenizer_source} and {@code tokenizer}. */
final class TokenizerReader {
  private TokenizerReader() {}

  static Recipe.@Nullable Tokenizer tokenizer(Map<String, YamlNode> root) {
    YamlNode source = root.get("tokenizer_source");
    YamlNode node = root.get("tokenizer");
    if (source != null && node != null) {
      throw node.error("expected at most one of 'tokenizer_source' and 'tokenizer', found both");
    }
    if (source != null && !source.isNull()) {
      return new Recipe.Tokenizer(
          InputReader.model(source, "'tokenizer_source'").text(), Map.of(), 1, source.at());
    }
    if (node == null || node.isNull()) {
      return null;
    }
    Map<String, YamlNode> keys =
        node.mapping("'tokenizer'", List.of("source", "tokens", "pad_to_multiple_of"));
    Map<String, Recipe.Token> tokens = new LinkedHashMap<>();
    YamlNode listed = keys.get("tokens");
    if (listed != null && !listed.isNull()) {
      listed.mapping("'tokens'").forEach((token, entry) -> tokens.put(token, token(entry)));
    }
    YamlNode multiple = keys.get("pad_to_multiple_of");
    long padding =
        multiple == null || multiple.isNull() ? 1 : multiple.integer("'pad_to_multiple_of'");
    if (multiple != null && (padding < 1 || padding > 1 << 20)) {
      throw multiple.error(
          "'pad_to_multiple_of' must be from 1 to 1048576, is %d".formatted(padding));
    }
    YamlNode from = keys.get("source");
    return new Recipe.Tokenizer(
        from == null || from.isNull()
            ? Recipe.Tokenizer.UNION
            : InputReader.model(from, "'source'").text(),
        tokens,
        (int) padding,
        node.at());
  }

  /** {@code {source: MODEL | {kind: zero} | {kind: model_token, …}, force: …}}. */
  private static Recipe.Token token(YamlNode node) {
    Map<String, YamlNode> keys = node.mapping("an entry of 'tokens'", List.of("source", "force"));
    YamlNode forced = keys.get("force");
    boolean force = forced != null && !forced.isNull() && forced.bool("'force'");
    YamlNode source = InputReader.required(node, keys, "source");
    if (!source.isMapping() || !source.mapping("'source'").containsKey("kind")) {
      return new Recipe.Token(InputReader.model(source, "'source'"), null, -1, force, node.at());
    }
    Map<String, YamlNode> from =
        source.mapping("'source'", List.of("kind", "model", "token", "token_id"));
    String kind = InputReader.required(source, from, "kind").text("'kind'");
    if (kind.equals("zero")) {
      return new Recipe.Token(null, null, -1, force, node.at());
    }
    if (!kind.equals("model_token")) {
      throw source.error(
          "'kind' must be one of zero, model_token; is '%s'%s"
              .formatted(kind, Suggestion.forWord(kind, List.of("zero", "model_token"))));
    }
    YamlNode like = from.get("token");
    YamlNode id = from.get("token_id");
    if ((like == null || like.isNull()) == (id == null || id.isNull())) {
      throw source.error("expected exactly one of 'token' and 'token_id'");
    }
    long row = id == null || id.isNull() ? -1 : id.integer("'token_id'");
    if (id != null && !id.isNull() && (row < 0 || row > Integer.MAX_VALUE)) {
      throw id.error("'token_id' must be at least 0, is %d".formatted(row));
    }
    return new Recipe.Token(
        InputReader.model(InputReader.required(source, from, "model"), "'model'"),
        like == null || like.isNull() ? null : like.scalarText("'token'"),
        (int) row,
        force,
        node.at());
  }
}
