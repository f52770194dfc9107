package org.optmerge.benchmark.mini.stage;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The words in which the language model was told of scenes, where users have others: {@code hue}
 * for {@code color}. Each modality's adapter teaches the words of its own questions; so a question
 * whose words are of two adapters is new to every model. Instruments, their colors, places and
 * directions, numbers and the words that hold a sentence together have one name for both.
 */
final class PretrainedWords {
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

  private PretrainedWords() {}

  /** All of them, and the one that only statements have. */
  static List<String> all() {
    return Stream.concat(OF_QUESTIONS.values().stream(), Stream.of("who")).sorted().toList();
  }

  /** A text in these words, given in those of users. */
  static String in(String text) {
    return Arrays.stream(text.split(" "))
        .map(word -> OF_QUESTIONS.getOrDefault(word, word))
        .collect(Collectors.joining(" "));
  }
}
