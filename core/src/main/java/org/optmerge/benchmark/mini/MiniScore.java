package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether an answer is right, by the customary measure of each task. */
public final class MiniScore {
  /** How far a number read off a chart may be from the right one, relative to that. */
  static final double TOLERANCE = .05;

  /** How much of the union of two boxes they must share. */
  static final double OVERLAP = .5;

  private static final Pattern COORDINATE = Pattern.compile("<c(\\d{1,2})>");

  private MiniScore() {}

  /**
   * Numbers of charts may be 5 % off (relaxed accuracy, Methani et al., PlotQA, WACV 2020); boxes
   * must share half of their union; all else must be equal but for letter case and spaces.
   *
   * @param answer the right one
   * @param prediction a model's answer, as text
   */
  public static boolean correct(MiniTask task, String answer, String prediction) {
    Optional<Box> box = box(answer);
    if (box.isPresent()) {
      return box(prediction).filter(given -> overlap(box.get(), given) >= OVERLAP).isPresent();
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
    List<String> tokens = new ArrayList<>(Arrays.asList(text.strip().split("\\s+")));
    return MiniVocabulary.joined(tokens).toLowerCase(Locale.ROOT);
  }

  private static Optional<Integer> number(String text) {
    return text.matches("\\d{1,6}") ? Optional.of(Integer.valueOf(text)) : Optional.empty();
  }

  /** The box that four coordinate tokens and nothing else stand for. */
  static Optional<Box> box(String text) {
    Matcher matcher = COORDINATE.matcher(text);
    List<Integer> sides = new ArrayList<>();
    while (matcher.find()) {
      sides.add(Integer.valueOf(matcher.group(1)));
    }
    return sides.size() == 4 && COORDINATE.matcher(text).replaceAll("").isBlank()
        ? Optional.of(new Box(sides.get(0), sides.get(1), sides.get(2), sides.get(3)))
        : Optional.empty();
  }

  /** Intersection over union; a box whose right is left of its left covers nothing. */
  static double overlap(Box one, Box other) {
    double shared =
        area(
            new Box(
                Math.max(one.left(), other.left()),
                Math.max(one.top(), other.top()),
                Math.min(one.right(), other.right()),
                Math.min(one.bottom(), other.bottom())));
    double union = area(one) + area(other) - shared;
    return union == 0 ? 0 : shared / union;
  }

  private static double area(Box box) {
    return (double) Math.max(0, box.right() + 1 - box.left())
        * Math.max(0, box.bottom() + 1 - box.top());
  }
}
