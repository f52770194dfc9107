package org.optmerge.benchmark.mini;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The words of the miniature models, one token each. A number is spelt in digits, what is written
 * in letters; a box is four coordinate tokens.
 */
public final class MiniVocabulary {
  /** Fills rows of a batch that are shorter than others. */
  public static final String PAD = "<pad>";

  /** Before the image's tokens. */
  public static final String IMAGE_START = "<img>";

  /** Stands for one of the sixteen visual tokens of an image. */
  public static final String IMAGE_CONTEXT = "<IMG_CONTEXT>";

  /** After the image's tokens. */
  public static final String IMAGE_END = "</img>";

  /** Before a question. */
  public static final String USER = "<user>";

  /** Before an answer. */
  public static final String ASSISTANT = "<assistant>";

  /** After an answer or statement; where generation stops. */
  public static final String END = "<end>";

  /** What no other token stands for; no text of the benchmark has it. */
  public static final String UNKNOWN = "<unk>";

  /** Coordinates of a box: units of two pixels. */
  static final int COORDINATES = 24;

  private static final List<String> SPECIAL =
      List.of(PAD, IMAGE_START, IMAGE_CONTEXT, IMAGE_END, USER, ASSISTANT, END, UNKNOWN);

  private static final List<String> WORDS =
      List.of(
          """
          ? what color is the shape object how many objects are there left right above below a yes no
          angle width height area perimeter of rectangle sides does polygon have
          value bar point slice which highest lowest difference between and bars points slices
          written in image word top bottom
          locate leftmost rightmost largest smallest
          number where
          """
              .strip()
              .split("\\s+"));

  /** All tokens; a token's id is its place. */
  public static final List<String> TOKENS =
      Stream.of(
              SPECIAL.stream(),
              WORDS.stream(),
              Colour.ALL.stream().map(Colour::word),
              Shape.ALL.stream().map(Shape::word),
              IntStream.rangeClosed('0', '9').mapToObj(Character::toString),
              IntStream.rangeClosed('A', 'Z').mapToObj(Character::toString),
              IntStream.range(0, COORDINATES).mapToObj("<c%d>"::formatted))
          .flatMap(tokens -> tokens)
          .toList();

  private static final Map<String, Integer> IDS = ids(TOKENS);

  private MiniVocabulary() {}

  private static Map<String, Integer> ids(List<String> tokens) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      ids.put(tokens.get(id), id);
    }
    if (ids.size() != tokens.size()) {
      throw new IllegalStateException("a token is listed twice");
    }
    return Map.copyOf(ids);
  }

  /** How many tokens there are. */
  public static int size() {
    return TOKENS.size();
  }

  /**
   * The id of a token.
   *
   * @throws IllegalArgumentException if there is no such token
   */
  public static int id(String token) {
    @Nullable Integer id = IDS.get(token);
    if (id == null) {
      throw new IllegalArgumentException(
          "the vocabulary of the miniature has no token '%s'".formatted(token));
    }
    return id;
  }

  /**
   * The ids of a text: words separated by spaces, numbers and capital letters spelt.
   *
   * @throws IllegalArgumentException if a word is not in the vocabulary; the message names it
   */
  public static int[] encode(String text) {
    return text.isBlank()
        ? new int[0]
        : Arrays.stream(text.strip().split("\\s+"))
            .flatMap(MiniVocabulary::spelt)
            .mapToInt(MiniVocabulary::id)
            .toArray();
  }

  private static Stream<String> spelt(String word) {
    return word.chars().allMatch(MiniVocabulary::isCharacter)
        ? word.chars().mapToObj(Character::toString)
        : Stream.of(word);
  }

  private static boolean isCharacter(int c) {
    return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z';
  }

  /**
   * The text of ids, as answers are written: digits and letters that follow each other are joined.
   * What stands from the first {@link #END} on is left out, as is {@link #PAD}.
   *
   * @throws IndexOutOfBoundsException if an id is none of the vocabulary's
   */
  public static String decode(int... ids) {
    List<String> tokens = new ArrayList<>();
    for (int id : ids) {
      String token = TOKENS.get(id);
      if (token.equals(END)) {
        break;
      }
      if (!token.equals(PAD)) {
        tokens.add(token);
      }
    }
    return joined(tokens);
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

  /**
   * The vocabulary as {@code tokenizer.json} of Hugging Face tokenizers: word level, split at white
   * space, numbers and capital letters into single characters.
   */
  public static String tokenizerJson() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    for (String token : TOKENS) {
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
            .put("special", SPECIAL.contains(token));
      }
    }
    root.putNull("normalizer");
    ObjectNode split = root.putObject("pre_tokenizer");
    split.put("type", "Sequence");
    ArrayNode steps = split.putArray("pretokenizers");
    steps.addObject().put("type", "WhitespaceSplit");
    ObjectNode characters = steps.addObject().put("type", "Split");
    characters.putObject("pattern").put("Regex", "[0-9A-Z]");
    characters.put("behavior", "Isolated").put("invert", false);
    root.putNull("post_processor").putNull("decoder");
    ObjectNode model = root.putObject("model");
    model.put("type", "WordLevel");
    ObjectNode vocabulary = model.putObject("vocab");
    TOKENS.forEach(token -> vocabulary.put(token, id(token)));
    model.put("unk_token", UNKNOWN);
    try {
      return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    } catch (IOException e) {
      throw new UncheckedIOException("a tree can always be written", e);
    }
  }
}
