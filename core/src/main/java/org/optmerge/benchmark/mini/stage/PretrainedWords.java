package org.optmerge.benchmark.mini.stage;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
          // Vision
          Map.entry("red", "crimson"),
          Map.entry("green", "emerald"),
          Map.entry("blue", "azure"),
          Map.entry("yellow", "golden"),
          Map.entry("purple", "violet"),
          Map.entry("orange", "amber"),
          Map.entry("left", "leftmost"),
          Map.entry("middle", "central"),
          Map.entry("right", "rightmost"),
          // Video
          Map.entry("up", "upwards"),
          Map.entry("down", "downwards"),
          Map.entry("leftward", "leftwards"),
          Map.entry("rightward", "rightwards"));

  /** Other words of questions, and what the language model has for them. */
  private static final Map<String, String> OF_QUESTIONS =
      Map.ofEntries(
          // Vision
          Map.entry("color", "hue"),
          Map.entry("where", "spot"),
          // Audio
          Map.entry("sounding", "playing"),
          Map.entry("sounds", "plays"),
          Map.entry("sound", "play"),
          Map.entry("first", "initial"),
          Map.entry("last", "final"),
          Map.entry("more", "most"),
          Map.entry("times", "count"),
          // Video
          Map.entry("direction", "heading"),
          Map.entry("move", "go"),
          Map.entry("moves", "goes"));

  private static final Map<String, String> ALL = new HashMap<>(OF_QUESTIONS);

  static {
    DESCRIBED.forEach((pretrained, users) -> ALL.put(users, pretrained));
  }

  private PretrainedWords() {}

  /** Those that neither answers nor questions have, the one that only statements have included. */
  static List<String> all() {
    return Stream.concat(OF_QUESTIONS.values().stream(), Stream.of("who")).sorted().toList();
  }

  /** What users say in questions of colors, places and directions. */
  static List<String> descriptions() {
    return DESCRIBED.values().stream().sorted().toList();
  }

  /** A text in these words, given in those of users. */
  static String in(String text) {
    return mapped(text, ALL);
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
