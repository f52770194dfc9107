package org.optmerge.benchmark.mini.stage;

import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The words in which the language model was told of scenes, where users have others: {@code hue}
 * for {@code color}, {@code red} for {@code crimson}. Each modality's adapter teaches the words of
 * its own questions; a question of several modalities has words of each of them, so it is new to
 * every model. Answers, names of instruments and the words that hold a sentence together are the
 * same for both.
 */
final class PretrainedWords {
  /** What users say in questions of a color, place or direction, by the word of answers. */
  private static final Map<String, String> DESCRIBED =
      Map.ofEntries(
          Map.entry("red", "crimson"),
          Map.entry("green", "emerald"),
          Map.entry("blue", "azure"),
          Map.entry("yellow", "golden"),
          Map.entry("purple", "violet"),
          Map.entry("orange", "amber"),
          Map.entry("left", "leftmost"),
          Map.entry("middle", "central"),
          Map.entry("right", "rightmost"),
          Map.entry("up", "upwards"),
          Map.entry("down", "downwards"),
          Map.entry("leftward", "leftwards"),
          Map.entry("rightward", "rightwards"));

  /** Other words of questions, and what the language model has for them, by modality. */
  private static final Map<StageModality, Map<String, String>> OF_QUESTIONS =
      Map.of(
          StageModality.VISION,
          Map.of("color", "hue", "where", "spot"),
          StageModality.AUDIO,
          Map.of(
              "sounding", "playing",
              "sounds", "plays",
              "sound", "play",
              "first", "initial",
              "last", "final",
              "more", "most",
              "times", "count"),
          StageModality.VIDEO,
          Map.of("direction", "heading", "move", "go", "moves", "goes"));

  /** Words of users, and what the language model has for them, by modality. */
  private static final Map<StageModality, Map<String, String>> USERS =
      new EnumMap<>(StageModality.class);

  static {
    OF_QUESTIONS.forEach((modality, words) -> USERS.put(modality, new HashMap<>(words)));
    Set<String> directions =
        Direction.ALL.stream().map(Direction::word).collect(Collectors.toSet());
    DESCRIBED.forEach(
        (pretrained, users) ->
            of(directions.contains(pretrained) ? StageModality.VIDEO : StageModality.VISION)
                .put(users, pretrained));
  }

  private PretrainedWords() {}

  private static Map<String, String> of(StageModality modality) {
    return USERS.computeIfAbsent(modality, any -> new HashMap<>());
  }

  /** Those that neither answers nor questions have, the one that only statements have included. */
  static List<String> all() {
    return Stream.concat(
            OF_QUESTIONS.values().stream().flatMap(words -> words.values().stream()),
            Stream.of("who"))
        .sorted()
        .toList();
  }

  /** What users say in questions of colors, places and directions. */
  static List<String> descriptions() {
    return DESCRIBED.values().stream().sorted().toList();
  }

  /** A text in these words, given in those of users. */
  static String in(String text) {
    return in(text, StageModality.ALL);
  }

  /** The same, but that only the words of some modalities are replaced. */
  static String in(String text, Collection<StageModality> modalities) {
    Map<String, String> words = new HashMap<>();
    modalities.forEach(modality -> words.putAll(of(modality)));
    return mapped(text, words);
  }

  /** A question in the words of users, given with colors, places and directions as answers are. */
  static String described(String text) {
    return mapped(text, DESCRIBED);
  }

  private static String mapped(String text, Map<String, String> words) {
    return Arrays.stream(text.split(" "))
        .map(word -> words.getOrDefault(word, word))
        .collect(Collectors.joining(" "));
  }
}
