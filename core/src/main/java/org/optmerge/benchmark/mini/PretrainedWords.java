package org.optmerge.benchmark.mini;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The words in which statements say what questions have words of their own for: {@code max} for
 * {@code highest}. A base model has read the one, each expert teaches its part of the other; so a
 * question whose words are of two experts is answered by neither alone. Figures, their colours and
 * shapes, letters, numbers and boxes have one name for both.
 */
final class PretrainedWords {
  private static final Map<String, String> OF_QUESTIONS =
      Map.ofEntries(
          // VQA
          Map.entry("color", "hue"),
          Map.entry("shape", "form"),
          Map.entry("there", "present"),
          Map.entry("left", "west"),
          Map.entry("right", "east"),
          Map.entry("above", "over"),
          Map.entry("below", "under"),
          // Geometry
          Map.entry("angle", "turn"),
          Map.entry("width", "across"),
          Map.entry("height", "down"),
          Map.entry("area", "surface"),
          Map.entry("perimeter", "outline"),
          Map.entry("sides", "corners"),
          // Chart
          Map.entry("value", "amount"),
          Map.entry("highest", "max"),
          Map.entry("lowest", "min"),
          Map.entry("difference", "gap"),
          // OCR
          Map.entry("word", "text"),
          Map.entry("written", "text"),
          // OCR and grounding
          Map.entry("top", "upper"),
          Map.entry("bottom", "lower"),
          // Grounding
          Map.entry("leftmost", "first"),
          Map.entry("rightmost", "last"),
          Map.entry("largest", "big"),
          Map.entry("smallest", "small"));

  private PretrainedWords() {}

  /** All of them. */
  static List<String> all() {
    return OF_QUESTIONS.values().stream().distinct().sorted().toList();
  }

  /** A key of a statement, given in the words of questions. */
  static String key(String words) {
    return Arrays.stream(words.split(" "))
        .map(word -> OF_QUESTIONS.getOrDefault(word, word))
        .collect(Collectors.joining(" "));
  }
}
