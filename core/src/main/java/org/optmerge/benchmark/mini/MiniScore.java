package org.optmerge.benchmark.mini;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Whether an answer is right, by the customary measure of each task. */
public final class MiniScore {
  /** How far a number read off a chart may be from the right one, relative to that. */
  static final double TOLERANCE = .05;

  /** How much of the union of two boxes they must share. */
  static final double OVERLAP = .5;

  private MiniScore() {}

  /**
   * Numbers of charts may be 5 % off (relaxed accuracy, Methani et al., PlotQA, WACV 2020); boxes
   * must share half of their union; all else must be equal but for letter case and spaces.
   *
   * @param answer the right one
   * @param prediction a model's answer, as text
   */
  public static boolean correct(MiniTask task, String answer, String prediction) {
    Optional<PixelBox> box = PixelBox.ofAnswer(answer);
    if (box.isPresent()) {
      return PixelBox.ofAnswer(prediction)
          .filter(other -> box.get().overlap(other) >= OVERLAP)
          .isPresent();
    }
    String expected = normalised(answer);
    String given = normalised(prediction);
    if (expected.equals(given)) {
      return true;
    }
    if (task != MiniTask.CHART) {
      return false;
    }
    Optional<Integer> number = number(expected);
    return number.isPresent()
        && number(given)
            .filter(value -> Math.abs(value - number.get()) <= TOLERANCE * Math.abs(number.get()))
            .isPresent();
  }

  /** Case and spaces do not matter, and characters may be spelt. */
  private static String normalised(String text) {
    List<String> tokens = Arrays.asList(text.strip().split("\\s+"));
    return WordVocabulary.joined(tokens).toLowerCase(Locale.ROOT);
  }

  private static Optional<Integer> number(String text) {
    return text.matches("\\d{1,6}") ? Optional.of(Integer.valueOf(text)) : Optional.empty();
  }
}
