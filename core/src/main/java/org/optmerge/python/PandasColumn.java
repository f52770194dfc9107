package org.optmerge.python;

import java.math.BigInteger;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What pandas makes of a column that it reads: texts that stand for nothing become NaN, and if
 * every other cell is a number, all of them become numbers. VLMEvalKit scores {@code str()} of what
 * comes out, so an answer {@code 07} in a column of numbers is scored as {@code 7}, or {@code 7.0}
 * if one cell is empty.
 *
 * @param noneIsMissing whether the text None stands for nothing, as since pandas 2.0
 * @see <a href="https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html">pandas.read_csv,
 *     na_values</a>
 */
public record PandasColumn(boolean noneIsMissing) {
  /** pandas 2. */
  public static final PandasColumn DEFAULT = new PandasColumn(true);

  private static final Set<String> NOTHING =
      Set.of(
          "",
          "#N/A",
          "#N/A N/A",
          "#NA",
          "-1.#IND",
          "-1.#QNAN",
          "-NaN",
          "-nan",
          "1.#IND",
          "1.#QNAN",
          "<NA>",
          "N/A",
          "NA",
          "NULL",
          "NaN",
          "n/a",
          "nan",
          "null");

  private static final Set<String> TRUE = Set.of("True", "TRUE", "true");
  private static final Set<String> FALSE = Set.of("False", "FALSE", "false");
  private static final BigInteger LARGEST_UNSIGNED = BigInteger.ONE.shiftLeft(64);
  private static final int LONGEST_NUMBER = 1000;

  /** White space of C around a number, nothing of which can be matched in two ways. */
  private static final Pattern INTEGER = Pattern.compile("\\s*+([+-]?\\d++)\\s*+");

  /** The cells with the types that pandas gives them. */
  public List<Cell> infer(List<Cell> cells) {
    List<Cell> filled =
        cells.stream()
            .map(
                cell ->
                    cell.kind() == Cell.Kind.TEXT && isMissing(cell.text()) ? Cell.MISSING : cell)
            .toList();
    if (filled.stream().allMatch(Cell::missing)) {
      return filled;
    }
    List<Cell> numbers = wholes(filled);
    if (numbers == null) {
      numbers = reals(filled);
    }
    if (numbers == null) {
      numbers = truths(filled);
    }
    return numbers == null ? filled : numbers;
  }

  /** True for a text that stands for no value. */
  public boolean isMissing(String text) {
    return NOTHING.contains(text) || (noneIsMissing && text.equals("None"));
  }

  private static @Nullable List<Cell> wholes(List<Cell> cells) {
    Cell[] wholes = new Cell[cells.size()];
    boolean negative = false;
    boolean unsigned = false;
    for (int i = 0; i < wholes.length; i++) {
      Cell cell = cells.get(i);
      BigInteger value = whole(cell);
      if (value == null) {
        return null;
      }
      negative |= value.signum() < 0;
      unsigned |= value.bitLength() > 63;
      if (value.compareTo(LARGEST_UNSIGNED) >= 0) {
        return null;
      }
      wholes[i] = Cell.whole(value);
    }
    return negative && unsigned ? null : List.of(wholes);
  }

  private static @Nullable BigInteger whole(Cell cell) {
    return switch (cell.kind()) {
      case WHOLE -> new BigInteger(cell.text());
      case TEXT ->
          cell.text().length() <= LONGEST_NUMBER && INTEGER.matcher(cell.text()).matches()
              ? new BigInteger(cell.text().trim().replace("+", ""))
              : null;
      case REAL, TRUTH, MISSING -> null;
    };
  }

  private static @Nullable List<Cell> reals(List<Cell> cells) {
    Cell[] reals = new Cell[cells.size()];
    for (int i = 0; i < reals.length; i++) {
      Cell cell = cells.get(i);
      switch (cell.kind()) {
        case MISSING -> reals[i] = cell;
        case REAL -> reals[i] = cell;
        case WHOLE -> reals[i] = Cell.real(Double.parseDouble(cell.text()));
        case TRUTH -> {
          return null;
        }
        case TEXT -> {
          double value = parse(cell.text());
          if (Double.isNaN(value) || isHuge(cell.text())) {
            return null;
          }
          reals[i] = Cell.real(value);
        }
      }
    }
    return List.of(reals);
  }

  /** An integer that fits no type of integer makes the whole column text. */
  private static boolean isHuge(String text) {
    BigInteger value = whole(Cell.text(text));
    return value != null && value.bitLength() > 64;
  }

  private static @Nullable List<Cell> truths(List<Cell> cells) {
    Cell[] truths = new Cell[cells.size()];
    for (int i = 0; i < truths.length; i++) {
      Cell cell = cells.get(i);
      boolean known =
          cell.kind() != Cell.Kind.TEXT && cell.kind() != Cell.Kind.WHOLE
              ? cell.kind() != Cell.Kind.REAL
              : cell.kind() == Cell.Kind.TEXT
                  && (TRUE.contains(cell.text()) || FALSE.contains(cell.text()));
      if (!known) {
        return null;
      }
      truths[i] = cell.kind() == Cell.Kind.TEXT ? Cell.truth(TRUE.contains(cell.text())) : cell;
    }
    return List.of(truths);
  }

  /**
   * The number that pandas' own parser makes of a text: 17 digits, scaled once by a power of ten,
   * so that {@code 0.30000000000000004} is 0.3.
   *
   * @return NaN if it is no number
   */
  public static double parse(String text) {
    if (text.length() > LONGEST_NUMBER) {
      return Double.NaN;
    }
    int i = pastSpaces(text, 0);
    boolean negative = false;
    if (i < text.length() && (text.charAt(i) == '-' || text.charAt(i) == '+')) {
      negative = text.charAt(i++) == '-';
    }
    String word = text.substring(i).toLowerCase(Locale.ROOT).strip();
    if (word.equals("inf") || word.equals("infinity")) {
      return negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    double number = 0;
    int digits = 0;
    int exponent = 0;
    boolean fraction = false;
    int start = i;
    int points = 0;
    for (; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '.' && !fraction) {
        fraction = true;
        points = 1;
      } else if (c < '0' || c > '9') {
        break;
      } else if (digits < 17) {
        number = number * 10 + (c - '0');
        digits++;
        exponent -= fraction ? 1 : 0;
      } else {
        exponent += fraction ? 0 : 1;
      }
    }
    if (i - start - points == 0) {
      return Double.NaN;
    }
    if (i < text.length() && (text.charAt(i) == 'e' || text.charAt(i) == 'E')) {
      int from = ++i;
      boolean minus = false;
      if (i < text.length() && (text.charAt(i) == '-' || text.charAt(i) == '+')) {
        minus = text.charAt(i++) == '-';
        from = i;
      }
      int given = 0;
      for (; i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9'; i++) {
        given = Math.min(100_000, given * 10 + (text.charAt(i) - '0'));
      }
      if (i == from) {
        return Double.NaN;
      }
      exponent += minus ? -given : given;
    }
    if (pastSpaces(text, i) < text.length()) {
      return Double.NaN;
    }
    double value = scaled(number, exponent);
    return negative ? -value : value;
  }

  private static double scaled(double number, int exponent) {
    if (exponent > 308) {
      return number == 0 ? 0 : Double.POSITIVE_INFINITY;
    }
    if (exponent >= 0) {
      return number * power(exponent);
    }
    if (exponent < -308) {
      // In two steps, since the power alone is out of range.
      return exponent < -616 ? 0 : number / power(-308 - exponent) / power(308);
    }
    return number / power(-exponent);
  }

  private static double power(int exponent) {
    return Double.parseDouble("1e" + exponent);
  }

  private static int pastSpaces(String text, int from) {
    int i = from;
    while (i < text.length() && text.charAt(i) < 0x80 && PythonText.isSpace(text.charAt(i))) {
      i++;
    }
    return i;
  }
}
