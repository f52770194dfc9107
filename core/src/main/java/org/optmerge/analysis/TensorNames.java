package org.optmerge.analysis;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of tensors that differ in their numbers only, written as one. */
public final class TensorNames {
  private static final Pattern NUMBER = Pattern.compile("(?<=\\.|^)\\d+(?=\\.|$)");

  private TensorNames() {}

  /** The name with every number replaced: equal for the same tensor of different layers. */
  public static String pattern(String name) {
    return NUMBER.matcher(name).replaceAll("{}");
  }

  /**
   * The common name of tensors with the same {@link #pattern}, such as {@code
   * model.layers.{0..23}.mlp.up_proj.weight}.
   */
  public static String common(List<String> names) {
    List<TreeSet<Integer>> numbers = new ArrayList<>();
    for (String name : names) {
      Matcher matcher = NUMBER.matcher(name);
      for (int place = 0; matcher.find(); place++) {
        if (numbers.size() <= place) {
          numbers.add(new TreeSet<>());
        }
        numbers.get(place).add(parse(matcher.group()));
      }
    }
    int[] place = {0};
    return NUMBER
        .matcher(names.get(0))
        .replaceAll(match -> Matcher.quoteReplacement(range(numbers.get(place[0]++))));
  }

  /** Numbers too large for a layer are all shown as the largest there is. */
  private static int parse(String digits) {
    return digits.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(digits);
  }

  /** {@code 3}, {@code {0..23}}, or, with gaps, {@code {0..3,8..11}}. */
  private static String range(TreeSet<Integer> numbers) {
    if (numbers.size() == 1) {
      return String.valueOf(numbers.first());
    }
    List<String> parts = new ArrayList<>();
    int from = numbers.first();
    int to = from;
    for (int number : numbers.tailSet(from, false)) {
      if (number != to + 1) {
        parts.add(from == to ? "" + from : from + ".." + to);
        from = number;
      }
      to = number;
    }
    parts.add(from == to ? "" + from : from + ".." + to);
    return "{" + String.join(",", parts) + "}";
  }
}
