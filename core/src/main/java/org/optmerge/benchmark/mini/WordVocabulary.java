package org.optmerge.benchmark.mini;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/** The words of a miniature's models, one token each, separated by spaces. */
public final class WordVocabulary {
  /** Fills rows of a batch that are shorter than others. */
  public static final String PAD = "<pad>";

  /** Before a question. */
  public static final String USER = "<user>";

  /** Before an answer. */
  public static final String ASSISTANT = "<assistant>";

  /** After an answer or statement; where generation stops. */
  public static final String END = "<end>";

  /** Stands for words that no other token stands for; no text of a benchmark has it. */
  public static final String UNKNOWN = "<unk>";

  private final String owner;
  private final List<String> special;
  private final boolean spelled;
  private final List<String> tokens;
  private final Map<String, Integer> ids = new HashMap<>();

  /**
   * A vocabulary whose ids are the places of its tokens, the special ones first.
   *
   * @param owner what the models are called in messages
   * @param special tokens that are no part of an answer
   * @param words all others
   * @param spelled whether a number is spelled in digits and what is written in letters, one token
   *     a character
   */
  public WordVocabulary(String owner, List<String> special, List<String> words, boolean spelled) {
    this.owner = owner;
    this.special = List.copyOf(special);
    this.spelled = spelled;
    this.tokens = Stream.concat(special.stream(), words.stream()).toList();
    for (String token : tokens) {
      if (ids.put(token, ids.size()) != null) {
        throw new IllegalArgumentException("the token '%s' is listed twice".formatted(token));
      }
    }
  }

  /** All tokens; a token's id is its place. */
  public List<String> tokens() {
    return tokens;
  }

  /** The number of tokens. */
  public int size() {
    return tokens.size();
  }

  /**
   * The id of a token.
   *
   * @throws IllegalArgumentException if there is no such token
   */
  public int id(String token) {
    @Nullable Integer id = ids.get(token);
    if (id == null) {
      throw new IllegalArgumentException(
          "the vocabulary of %s has no token '%s'".formatted(owner, token));
    }
    return id;
  }

  /**
   * The ids of a text.
   *
   * @throws IllegalArgumentException if a word is not in the vocabulary; the message names it
   */
  public int[] encode(String text) {
    return text.isBlank()
        ? new int[0]
        : Arrays.stream(text.strip().split("\\s+"))
            .flatMap(
                word ->
                    spelled && word.chars().allMatch(WordVocabulary::isCharacter)
                        ? word.chars().mapToObj(Character::toString)
                        : Stream.of(word))
            .mapToInt(this::id)
            .toArray();
  }

  /** A text in which single digits and letters that follow each other are joined to one word. */
  static String joined(List<String> tokens) {
    StringBuilder text = new StringBuilder();
    boolean character = false;
    for (String token : tokens) {
      boolean next = token.length() == 1 && isCharacter(token.charAt(0));
      if (text.length() > 0 && !(character && next)) {
        text.append(' ');
      }
      text.append(token);
      character = next;
    }
    return text.toString();
  }

  private static boolean isCharacter(int c) {
    return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z';
  }

  /**
   * The vocabulary as {@code tokenizer.json} of Hugging Face tokenizers: word level, split at white
   * space, and spelled words into single characters.
   */
  public String tokenizerJson() {
    ObjectNode root = Json.object();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    for (String token : tokens) {
      if (token.startsWith("<")) {
        added
            .addObject()
            .put("id", id(token))
            .put("content", token)
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            // Coordinates are part of an answer, so they are kept when special tokens are left out.
            .put("special", special.contains(token));
      }
    }
    root.putNull("normalizer");
    ObjectNode split = root.putObject("pre_tokenizer");
    if (spelled) {
      split.put("type", "Sequence");
      ArrayNode steps = split.putArray("pretokenizers");
      steps.addObject().put("type", "WhitespaceSplit");
      ObjectNode characters = steps.addObject().put("type", "Split");
      characters.putObject("pattern").put("Regex", "[0-9A-Z]");
      characters.put("behavior", "Isolated").put("invert", false);
    } else {
      split.put("type", "WhitespaceSplit");
    }
    root.putNull("post_processor").putNull("decoder");
    ObjectNode model = root.putObject("model");
    model.put("type", "WordLevel");
    ObjectNode vocabulary = model.putObject("vocab");
    tokens.forEach(token -> vocabulary.put(token, id(token)));
    model.put("unk_token", UNKNOWN);
    return Json.pretty(root);
  }
}
