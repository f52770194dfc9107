package org.optmerge.benchmark.mini.stage;

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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The words of the audio-visual miniature, one token each, separated by spaces. */
public final class StageVocabulary {
  /** Fills rows of a batch that are shorter than others. */
  public static final String PAD = "<pad>";

  /** Before a question. */
  public static final String USER = "<user>";

  /** Before an answer. */
  public static final String ASSISTANT = "<assistant>";

  /** After an answer; where generation stops. */
  public static final String END = "<end>";

  /** What no other token stands for. */
  public static final String UNKNOWN = "<unk>";

  /** A slot of the sound in which nothing is played. */
  public static final String REST = "rest";

  private static final String WORDS =
      """
      , . ? what color is the sounding instrument where that sounds first last more often how many
      times does sound which direction move moves and it on look at listen to watch describe yes no A B C
      0 1 2 3 4
      """;

  /** All tokens; a token's id is its place. */
  public static final List<String> TOKENS =
      Stream.of(
              Stream.of(PAD, USER, ASSISTANT, END, UNKNOWN),
              StageModality.ALL.stream().flatMap(m -> Stream.of(m.begin(), m.token(), m.end())),
              StageModality.ALL.stream().map(StageModality::noun),
              Arrays.stream(WORDS.strip().split("\\s+")),
              Stream.of(REST),
              Instrument.ALL.stream().map(Instrument::word),
              StageColour.ALL.stream().map(StageColour::word),
              Place.ALL.stream().map(Place::word),
              Direction.ALL.stream().map(Direction::word))
          .flatMap(tokens -> tokens)
          .toList();

  private static final Map<String, Integer> IDS = ids(TOKENS);

  private StageVocabulary() {}

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
          "the vocabulary of the audio-visual miniature has no token '%s'".formatted(token));
    }
    return id;
  }

  /**
   * The ids of a text: words separated by spaces.
   *
   * @throws IllegalArgumentException if a word is not in the vocabulary; the message names it
   */
  public static int[] encode(String text) {
    return text.isBlank()
        ? new int[0]
        : Arrays.stream(text.strip().split("\\s+")).mapToInt(StageVocabulary::id).toArray();
  }

  /** The text of ids, up to the first {@link #END}; {@link #PAD} is left out. */
  public static String decode(long... ids) {
    List<String> tokens = new ArrayList<>();
    for (long id : ids) {
      String token = TOKENS.get((int) id);
      if (token.equals(END)) {
        break;
      }
      if (!token.equals(PAD)) {
        tokens.add(token);
      }
    }
    return String.join(" ", tokens);
  }

  /** The vocabulary as {@code tokenizer.json} of Hugging Face tokenizers: word level. */
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
            .put("special", true);
      }
    }
    root.putNull("normalizer");
    root.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
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
