package org.optmerge.metric;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.PythonText;

/**
 * A form in which answers state a box. Every reader looks at each character a bounded number of
 * times.
 */
@API(status = API.Status.EXPERIMENTAL)
public enum BoxFormat {
  /**
   * lmms-eval in the OptMerge fork: {@code [x,y,x,y]}, else {@code (x,y,x,y)}, else {@code
   * (x,y),(x,y)}; divided by 1000 if a number is outside [0, 1]. Normalised corners.
   */
  LMMS_EVAL_FORK {
    @Override
    public Optional<Box> read(String answer) {
      double[] box = find(SQUARE, answer);
      if (box == null) {
        box = find(ROUND, answer);
      }
      if (box == null) {
        box = find(PAIRS, answer);
      }
      if (box == null) {
        return Optional.empty();
      }
      for (double side : box) {
        if (side < -MARGIN || side > 1 + MARGIN) {
          return Optional.of(
              new Box(box[0] / MILLE, box[1] / MILLE, box[2] / MILLE, box[3] / MILLE));
        }
      }
      return Optional.of(box(box));
    }
  },
  /** lmms-eval at 98c74f4, March 2025: {@code [x,y,x,y]} only, as it stands. */
  LMMS_EVAL {
    @Override
    public Optional<Box> read(String answer) {
      return Optional.ofNullable(find(SQUARE, answer)).map(BoxFormat::box);
    }
  },
  /**
   * VLMEvalKit since November 2025: the first {@code [x,y,x,y]}, numbers apart by commas or white
   * space, else the first four numbers of the answer. As they stand: {@link BoxScore} makes pixels
   * of them.
   */
  VLMEVALKIT {
    @Override
    public Optional<Box> read(String answer) {
      double[] box = find(LOOSE, answer);
      if (box != null) {
        return Optional.of(box(box));
      }
      Matcher numbers = LOOSE_NUMBER.matcher(answer);
      double[] first = new double[4];
      for (int k = 0; k < first.length; k++) {
        if (!numbers.find()) {
          return Optional.empty();
        }
        first[k] = PythonText.parseFloat(numbers.group()).orElse(Double.NaN);
      }
      return Optional.of(box(first));
    }
  },
  /**
   * InternVL: the first {@code [x,y,x,y]} with three commas on its line, floats as Python reads
   * them; divided by 1000 if they add up to 4 or more, in float32. Normalised corners.
   */
  INTERNVL {
    @Override
    public Optional<Box> read(String answer) {
      double[] sides = find(LINE, answer);
      if (sides == null) {
        return Optional.empty();
      }
      float left = (float) sides[0];
      float top = (float) sides[1];
      float right = (float) sides[2];
      float bottom = (float) sides[3];
      float divisor = left + top + right + bottom >= SUM_OF_PROMILLE ? (float) MILLE : 1f;
      return Optional.of(new Box(left / divisor, top / divisor, right / divisor, bottom / divisor));
    }
  };

  private static final double MARGIN = 1e-5;
  private static final double MILLE = 1000;
  private static final float SUM_OF_PROMILLE = 4;

  // Nothing in these can be matched in two ways, so nothing is tried twice.
  private static final String SPACES = PythonText.SPACE + "*+";
  private static final String NUMBER = SPACES + "(-?+\\p{Nd}++(?:\\.\\p{Nd}++)?+)";
  private static final String NUMBERS = "%1$s,%1$s,%1$s,%1$s".formatted(NUMBER) + SPACES;
  private static final Pattern SQUARE = Pattern.compile("\\[" + NUMBERS + "\\]");
  private static final Pattern ROUND = Pattern.compile("\\(" + NUMBERS + "\\)");
  private static final Pattern PAIRS =
      Pattern.compile("\\(%1$s,%1$s\\),%2$s\\(%1$s,%1$s\\)".formatted(NUMBER, SPACES));

  private static final String LOOSE_DIGITS =
      "[-+]?+(?:\\p{Nd}++(?:\\.\\p{Nd}++)?+|\\.\\p{Nd}++)(?:[eE][-+]?+\\p{Nd}++)?+";
  private static final String APART = "(?:%1$s,%1$s|%2$s++)".formatted(SPACES, PythonText.SPACE);
  private static final Pattern LOOSE_NUMBER = Pattern.compile(LOOSE_DIGITS);
  private static final Pattern LOOSE =
      Pattern.compile(
          "\\[%2$s(%1$s)%3$s(%1$s)%3$s(%1$s)%3$s(%1$s)%2$s\\]"
              .formatted(LOOSE_DIGITS, SPACES, APART));

  /**
   * A line has a box if three commas and then a closing bracket follow its first opening one: what
   * follows a later bracket follows the first as well.
   */
  private static final Pattern LINE =
      Pattern.compile("(?dm)^[^\\[\\n]*+\\[++([^,\\n]*+),([^,\\n]*+),([^,\\n]*+),([^\\]\\n]*+)\\]");

  /** The box of an answer; empty if no box can be read in it. */
  public abstract Optional<Box> read(String answer);

  /** The box, with {@link Box#NONE} for none. */
  public Box parse(String answer) {
    return read(answer).orElse(Box.NONE);
  }

  private static Box box(double[] sides) {
    return new Box(sides[0], sides[1], sides[2], sides[3]);
  }

  /** The four numbers of the first match; null if there is none, or one of them is no number. */
  private static double @Nullable [] find(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.find()) {
      return null;
    }
    double[] box = new double[4];
    for (int k = 0; k < box.length; k++) {
      OptionalDouble value = PythonText.parseFloat(matcher.group(k + 1));
      if (value.isEmpty()) {
        return null;
      }
      box[k] = value.getAsDouble();
    }
    return box;
  }
}
