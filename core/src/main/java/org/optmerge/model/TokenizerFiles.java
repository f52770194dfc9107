package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;

/**
 * The files that tokenizers are published in, each as a {@code tokenizer.json} would have it: that
 * file itself, {@code vocab.json} with {@code merges.txt}, or SentencePiece's {@code
 * tokenizer.model}. Hugging Face's tokenizers then give the ids that Python's own give.
 */
final class TokenizerFiles {
  static final String JSON = "tokenizer.json";
  private static final String VOCABULARY = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String SENTENCE_PIECE = "tokenizer.model";

  /** Qwen2's cut of a text before merges: each digit by itself. */
  private static final String QWEN2_WORDS =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r"
          + "\\n"
          + "\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r"
          + "\\n"
          + "]*|\\s*[\\r"
          + "\\n"
          + "]+|\\s+(?!\\S)|\\s+";

  private static final String BLANK = "▁";

  private TokenizerFiles() {}

  /** True if a folder has a tokenizer in one of the forms. */
  static boolean areIn(Path folder) {
    return List.of(JSON, VOCABULARY, SENTENCE_PIECE).stream()
        .anyMatch(name -> Files.isRegularFile(folder.resolve(name)));
  }

  /**
   * Reads the tokenizer of a folder.
   *
   * @throws ModelException if there is none, or a file is malformed
   */
  static Tokenizer read(Path folder) {
    Path json = folder.resolve(JSON);
    Path vocabulary = folder.resolve(VOCABULARY);
    Path pieces = folder.resolve(SENTENCE_PIECE);
    if (Files.isRegularFile(json)) {
      return reading(
          json,
          () -> {
            AddedTokens added = AddedTokens.read(folder);
            String text = RegularFiles.readText(json, Tokenizer.LONGEST);
            Tokenizer plain = Tokenizer.of(text);
            return plain.as(added, prefix(added, plain));
          });
    }
    if (Files.isRegularFile(vocabulary)) {
      return reading(
          vocabulary,
          () -> {
            AddedTokens added = AddedTokens.read(folder);
            Tokenizer built = Tokenizer.built(byteLevel(folder, added));
            return built.as(added, new long[0]);
          });
    }
    if (Files.isRegularFile(pieces)) {
      return reading(
          pieces,
          () -> {
            AddedTokens added = AddedTokens.read(folder);
            SentencePieceModel model =
                SentencePieceModel.of(RegularFiles.read(pieces, Tokenizer.LONGEST));
            Tokenizer built = Tokenizer.built(sentencePiece(model, added));
            // Without "legacy" only the beginning of a text has a blank, not what follows a special
            // token, so it is no step of the normalisation.
            boolean beginsBlank =
                isPrefixed(model, added) && !added.config().path("legacy").asBoolean(true);
            return built.as(added, prefix(added, built)).beginning(beginsBlank ? BLANK : "");
          });
    }
    throw new ModelException(
        "%s: no tokenizer.json, no vocab.json with merges.txt, and no tokenizer.model"
            .formatted(folder));
  }

  private interface Reading {
    Tokenizer read() throws IOException;
  }

  private static Tokenizer reading(Path file, Reading reading) {
    try {
      return reading.read();
    } catch (IOException | ModelException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** The tokens before every text: a beginning of the sentence for Llama and InternLM2. */
  private static long[] prefix(AddedTokens added, Tokenizer tokenizer) {
    List<String> kinds = List.of("LlamaTokenizer", "InternLM2Tokenizer", "CodeLlamaTokenizer");
    if (kinds.contains(added.kind())) {
      return added.config().path("add_bos_token").asBoolean(true)
          ? new long[] {tokenizer.id(added.token("bos_token", "<s>"))}
          : new long[0];
    }
    return tokenizer.prefix();
  }

  // Byte-level BPE.

  private static ObjectNode byteLevel(Path folder, AddedTokens added) throws IOException {
    String kind = added.kind();
    if (!List.of("Qwen2Tokenizer", "GPT2Tokenizer", "").contains(kind)) {
      throw new ModelException(
          "tokenizer_config.json: tokenizer_class is '%s'; with vocab.json are known: Qwen2Tokenizer, GPT2Tokenizer"
              .formatted(kind));
    }
    Path file = folder.resolve(MERGES);
    if (!Files.isRegularFile(file)) {
      throw new ModelException("there is no %s beside it".formatted(MERGES));
    }
    boolean gpt2 = kind.equals("GPT2Tokenizer");
    JsonNode vocabulary = Json.plain().readTree(folder.resolve(VOCABULARY).toFile());
    if (!vocabulary.isObject()) {
      throw new ModelException("it is no object of tokens and ids");
    }
    ObjectNode json = Json.object();
    ObjectNode model = json.putObject("model").put("type", "BPE");
    model.put("byte_fallback", false).put("fuse_unk", false).put("ignore_merges", false);
    ObjectNode ids = (ObjectNode) vocabulary;
    added.added().forEach((id, token) -> ids.put(token.content(), id));
    model.set("vocab", ids);
    ArrayNode merges = model.putArray("merges");
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      if (line.isBlank() || number == 1 && line.startsWith("#version")) {
        continue;
      }
      String[] pair = line.split(" ", -1);
      if (pair.length != 2) {
        throw new ModelException(
            "%s: line %d is no pair of tokens: '%s'".formatted(MERGES, number, line));
      }
      merges.addArray().add(pair[0]).add(pair[1]);
    }
    json.set("added_tokens", added.json());
    ObjectNode bytes =
        Json.object()
            .put("type", "ByteLevel")
            .put("add_prefix_space", false)
            .put("trim_offsets", false)
            .put("use_regex", gpt2);
    json.set("decoder", bytes.deepCopy());
    if (gpt2) {
      json.set("pre_tokenizer", bytes);
    } else {
      json.putObject("normalizer").put("type", "NFC");
      ObjectNode split = Json.object().put("type", "Split").put("behavior", "Isolated");
      split.put("invert", false).putObject("pattern").put("Regex", QWEN2_WORDS);
      json.putObject("pre_tokenizer")
          .put("type", "Sequence")
          .putArray("pretokenizers")
          .add(split)
          .add(bytes);
    }
    return json;
  }

  // SentencePiece.

  private static ObjectNode sentencePiece(SentencePieceModel model, AddedTokens files) {
    SortedMap<Long, AddedTokens.Added> added = new TreeMap<>();
    Map<String, Long> ids = new HashMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      SentencePieceModel.Piece piece = model.pieces().get(id);
      ids.put(piece.text(), (long) id);
      switch (piece.kind()) {
        case CONTROL, UNKNOWN -> added.put((long) id, AddedTokens.Added.special(piece.text()));
        case USER_DEFINED ->
            added.put(
                (long) id, new AddedTokens.Added(piece.text(), false, false, false, false, false));
        default -> {
          // A piece that merges make.
        }
      }
    }
    files.added().forEach(added::put);
    for (String name : files.named()) {
      Long id = ids.get(name);
      if (id != null) {
        added.putIfAbsent(id, AddedTokens.Added.special(name));
      }
    }
    AddedTokens all = new AddedTokens(files.config(), added, files.named());
    ObjectNode json = Json.object();
    json.set("added_tokens", all.json());
    json.set(
        "model",
        model.type() == SentencePieceModel.Type.BPE ? merging(model, all) : unigram(model, all));
    boolean legacy = files.config().path("legacy").asBoolean(true);
    boolean prefixed = isPrefixed(model, files);
    json.set("normalizer", normalizer(model, prefixed && legacy));
    ArrayNode decoders = json.putObject("decoder").put("type", "Sequence").putArray("decoders");
    decoders.add(replace("String", BLANK, " "));
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (prefixed) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    return json;
  }

  private static boolean isPrefixed(SentencePieceModel model, AddedTokens files) {
    return model.addDummyPrefix() && files.config().path("add_prefix_space").asBoolean(true);
  }

  private static ObjectNode replace(String kind, String pattern, String content) {
    ObjectNode replace = Json.object().put("type", "Replace").put("content", content);
    replace.putObject("pattern").put(kind, pattern);
    return replace;
  }

  private static ObjectNode normalizer(SentencePieceModel model, boolean prefixed) {
    ObjectNode normalizer = Json.object().put("type", "Sequence");
    ArrayNode steps = normalizer.putArray("normalizers");
    if (model.charactersMap().length > 0) {
      steps
          .addObject()
          .put("type", "Precompiled")
          .put("precompiled_charsmap", Base64.getEncoder().encodeToString(model.charactersMap()));
    }
    if (model.removeExtraBlanks()) {
      steps.addObject().put("type", "Strip").put("strip_left", true).put("strip_right", true);
      steps.add(replace("Regex", " {2,}", " "));
    }
    if (prefixed) {
      steps.addObject().put("type", "Prepend").put("prepend", BLANK);
    }
    steps.add(replace("String", " ", BLANK));
    if (model.removeExtraBlanks()) {
      // Those that a text has itself go at its end only, as in SentencePiece.
      steps.add(replace("Regex", BLANK + "+$", ""));
    }
    return normalizer;
  }

  /** The texts of pieces by id; an added token may stand in the place of one, or behind all. */
  private static SortedMap<Long, String> texts(SentencePieceModel model, AddedTokens added) {
    SortedMap<Long, String> texts = new TreeMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      texts.put((long) id, model.pieces().get(id).text());
    }
    added.added().forEach((id, token) -> texts.put(id, token.content()));
    return texts;
  }

  private static String unknown(SentencePieceModel model) {
    return model.pieces().stream()
        .filter(piece -> piece.kind() == SentencePieceModel.Kind.UNKNOWN)
        .map(SentencePieceModel.Piece::text)
        .findFirst()
        .orElseThrow(() -> new ModelException("it has no piece for what is unknown"));
  }

  private record Merge(String left, String right, float score) {}

  /**
   * BPE: SentencePiece merges the two neighbours whose piece scores best; here every two pieces
   * that make a third are a merge, in the order of the third's score.
   */
  private static ObjectNode merging(SentencePieceModel model, AddedTokens added) {
    ObjectNode json = Json.object().put("type", "BPE").put("unk_token", unknown(model));
    json.put("fuse_unk", true).put("byte_fallback", model.byteFallback());
    ObjectNode vocabulary = json.putObject("vocab");
    texts(model, added).forEach((id, text) -> vocabulary.put(text, id));
    Map<String, SentencePieceModel.Piece> known = new HashMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      SentencePieceModel.Piece piece = model.pieces().get(id);
      if (piece.kind() == SentencePieceModel.Kind.NORMAL && !added.added().containsKey((long) id)) {
        known.put(piece.text(), piece);
      }
    }
    List<Merge> merges = new ArrayList<>();
    for (SentencePieceModel.Piece piece : model.pieces()) {
      if (known.get(piece.text()) == piece) {
        String text = piece.text();
        for (int cut = text.offsetByCodePoints(0, 1);
            cut < text.length();
            cut = text.offsetByCodePoints(cut, 1)) {
          String left = text.substring(0, cut);
          String right = text.substring(cut);
          if (known.containsKey(left) && known.containsKey(right)) {
            merges.add(new Merge(left, right, piece.score()));
          }
        }
      }
    }
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -merge.score)
            .thenComparing(merge -> -merge.left.length()));
    ArrayNode pairs = json.putArray("merges");
    merges.forEach(merge -> pairs.addArray().add(merge.left).add(merge.right));
    return json;
  }

  private static ObjectNode unigram(SentencePieceModel model, AddedTokens added) {
    ObjectNode json = Json.object().put("type", "Unigram");
    json.put("byte_fallback", model.byteFallback());
    SortedMap<Long, String> texts = texts(model, added);
    String unknown = unknown(model);
    ArrayNode vocabulary = json.putArray("vocab");
    for (long id = 0; id <= texts.lastKey(); id++) {
      String text = texts.getOrDefault(id, "<no token %d>".formatted(id));
      boolean made = id < model.pieces().size() && !added.added().containsKey(id);
      if (text.equals(unknown)) {
        json.put("unk_id", id);
      }
      vocabulary.addArray().add(text).add(made ? model.pieces().get((int) id).score() : 0f);
    }
    return json;
  }
}
