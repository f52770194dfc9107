package org.optmerge.metric;

import java.util.Optional;
import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.PythonText;

/**
 * How a box is read from an answer. Every reader looks at each character a bounded number of times.
 */
@API(status = API.Status.EXPERIMENTAL)
public enum BoxFormat {
  /**
   * lmms-eval in the OptMerge fork: {@code [x,y,x,y]}, else {@code (x,y,x,y)}, else {@code
   * (x,y),(x,y)}; divided by 1000 if a number is outside [0, 1]. Normalised corners.
   */
  LMMS_EVAL_FORK {
    @Override
    public Box parse(String answer) {
      double[] box = find(answer, '[', ']');
      if (box == null) {
        box = find(answer, '(', ')');
      }
      if (box == null) {
        box = findPairs(answer);
      }
      if (box == null) {
        return Box.NONE;
      }
      for (double side : box) {
        if (side < -MARGIN || side > 1 + MARGIN) {
          return new Box(box[0] / MILLE, box[1] / MILLE, box[2] / MILLE, box[3] / MILLE);
        }
      }
      return new Box(box[0], box[1], box[2], box[3]);
    }
  },
  /** lmms-eval at 98c74f4, March 2025: {@code [x,y,x,y]} only, as it stands. */
  LMMS_EVAL {
    @Override
    public Box parse(String answer) {
      double[] box = find(answer, '[', ']');
      return box == null ? Box.NONE : new Box(box[0], box[1], box[2], box[3]);
    }
  },
  /**
   * InternVL: the first {@code [x,y,x,y]} with three commas on its line, floats as Python reads
   * them; divided by 1000 if they add up to 4 or more, in float32. Normalised corners.
   */
  INTERNVL {
    @Override
    public Box parse(String answer) {
      return internVl(answer)
          .map(
              box -> {
                float divisor =
                    box[0] + box[1] + box[2] + box[3] >= SUM_OF_PROMILLE ? (float) MILLE : 1f;
                return new Box(
                    box[0] / divisor, box[1] / divisor, box[2] / divisor, box[3] / divisor);
              })
          .orElse(Box.NONE);
    }
  };

  private static final double MARGIN = 1e-5;
  private static final double MILLE = 1000;
  private static final float SUM_OF_PROMILLE = 4;

  /** The box, with {@link Box#NONE} for none. */
  public abstract Box parse(String answer);

  /** {@code open number, number, number, number close}, the first of them. */
  private static double @Nullable [] find(String text, char open, char close) {
    for (int i = text.indexOf(open); i >= 0; i = text.indexOf(open, i + 1)) {
      Cursor cursor = new Cursor(text, i + 1);
      double[] box = new double[4];
      boolean whole = true;
      for (int k = 0; k < 4 && whole; k++) {
        whole = (k == 0 || cursor.take(',')) && cursor.number(box, k);
      }
      if (whole && cursor.skipSpaces().take(close)) {
        return box;
      }
    }
    return null;
  }

  /** {@code (number, number),(number, number)}, the first of them. */
  private static double @Nullable [] findPairs(String text) {
    for (int i = text.indexOf('('); i >= 0; i = text.indexOf('(', i + 1)) {
      Cursor cursor = new Cursor(text, i + 1);
      double[] box = new double[4];
      if (cursor.number(box, 0)
          && cursor.take(',')
          && cursor.number(box, 1)
          && cursor.take(')')
          && cursor.take(',')
          && cursor.skipSpaces().take('(')
          && cursor.number(box, 2)
          && cursor.take(',')
          && cursor.number(box, 3)
          && cursor.take(')')) {
        return box;
      }
    }
    return null;
  }

  /** A place in a text. */
  private static final class Cursor {
    private final String text;
    private int at;

    Cursor(String text, int at) {
      this.text = text;
      this.at = at;
    }

    Cursor skipSpaces() {
      while (at < text.length() && PythonText.isSpace(text.charAt(at))) {
        at++;
      }
      return this;
    }

    boolean take(char c) {
      if (at < text.length() && text.charAt(at) == c) {
        at++;
        return true;
      }
      return false;
    }

    /** White space, then {@code -?digits(.digits)?}. */
    boolean number(double[] box, int k) {
      skipSpaces();
      int start = at;
      take('-');
      int digits = at;
      skipDigits();
      if (at == digits) {
        return false;
      }
      int whole = at;
      if (take('.')) {
        int fraction = at;
        skipDigits();
        if (at == fraction) {
          at = whole;
        }
      }
      OptionalDouble value = PythonText.parseFloat(text.substring(start, at));
      box[k] = value.orElseThrow();
      return true;
    }

    private void skipDigits() {
      while (at < text.length() && PythonText.isDigit(text.codePointAt(at))) {
        at += Character.charCount(text.codePointAt(at));
      }
    }
  }

  /**
   * The four groups between commas, as floats; empty if the first that looks like a box is none.
   *
   * <p>A line has a box if three commas and then a closing bracket follow its first opening one:
   * what follows a later bracket follows the first as well.
   */
  private static Optional<float[]> internVl(String text) {
    int line = 0;
    while (line < text.length()) {
      int end = text.indexOf('\n', line);
      end = end < 0 ? text.length() : end;
      int open = text.indexOf('[', line);
      if (open < 0) {
        return Optional.empty();
      }
      if (open < end) {
        int first = open;
        while (first < end && text.charAt(first) == '[') {
          first++;
        }
        int[] commas = new int[3];
        int from = first;
        int found = 0;
        while (found < 3) {
          int comma = text.indexOf(',', from);
          if (comma < 0 || comma >= end) {
            break;
          }
          commas[found++] = comma;
          from = comma + 1;
        }
        int close = found == 3 ? text.indexOf(']', from) : -1;
        if (close >= 0 && close < end) {
          return floats(
              text.substring(first, commas[0]),
              text.substring(commas[0] + 1, commas[1]),
              text.substring(commas[1] + 1, commas[2]),
              text.substring(commas[2] + 1, close));
        }
      }
      line = end + 1;
    }
    return Optional.empty();
  }

  private static Optional<float[]> floats(String... groups) {
    float[] box = new float[4];
    for (int k = 0; k < 4; k++) {
      OptionalDouble value = PythonText.parseFloat(groups[k]);
      if (value.isEmpty()) {
        return Optional.empty();
      }
      box[k] = (float) value.getAsDouble();
    }
    return Optional.of(box);
  }
}
