package org.optmerge.python;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The types that pandas gives to the cells of a column that it reads: texts that stand for nothing
 * become NaN, and if every other cell is a number, all of them become numbers. VLMEvalKit scores
 * {@code str()} of what comes out, so an answer {@code 07} in a column of numbers is scored as
 * {@code 7}, or {@code 7.0} if one cell is empty.
 *
 * @param noneIsMissing true if the text None stands for nothing, as since pandas 2.0
 * @see <a href="https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html">pandas.read_csv,
 *     na_values</a>
 */
public record PandasColumn(boolean noneIsMissing) {
  /** pandas 2. */
  public static final PandasColumn DEFAULT = new PandasColumn(true);

  /** The first of them is the empty text. */
  private static final Set<String> NOTHING =
      Set.of(
          ("|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|n/a|nan"
                  + "|null")
              .split("\\|"));

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
    List<Cell> typed = wholes(filled);
    typed = typed == null ? all(filled, PandasColumn::real) : typed;
    typed = typed == null ? all(filled, PandasColumn::truth) : typed;
    return typed == null ? filled : typed;
  }

  /**
   * The cells of a column made of records, such as objects of JSON: texts stay texts, and whole
   * numbers become floats beside a float or a missing value.
   */
  public static List<Cell> ofRecords(List<Cell> cells) {
    boolean numbers =
        cells.stream()
            .noneMatch(cell -> cell.kind() == Cell.Kind.TEXT || cell.kind() == Cell.Kind.TRUTH);
    boolean wholes = cells.stream().allMatch(cell -> cell.kind() == Cell.Kind.WHOLE);
    if (!numbers || wholes) {
      return List.copyOf(cells);
    }
    return cells.stream()
        .map(
            cell ->
                cell.kind() == Cell.Kind.WHOLE ? Cell.real(Double.parseDouble(cell.text())) : cell)
        .toList();
  }

  /** The cells with another type; null if one of them cannot have it. */
  private static @Nullable List<Cell> all(
      List<Cell> cells, Function<Cell, @Nullable Cell> conversion) {
    List<Cell> converted = new ArrayList<>(cells.size());
    for (Cell cell : cells) {
      Cell other = conversion.apply(cell);
      if (other == null) {
        return null;
      }
      converted.add(other);
    }
    return List.copyOf(converted);
  }

  /** True for a text that stands for no value. */
  public boolean isMissing(String text) {
    return NOTHING.contains(text) || (noneIsMissing && text.equals("None"));
  }

  private static @Nullable List<Cell> wholes(List<Cell> cells) {
    boolean negative = false;
    boolean unsigned = false;
    List<Cell> wholes = new ArrayList<>(cells.size());
    for (Cell cell : cells) {
      BigInteger value = whole(cell);
      if (value == null || value.compareTo(LARGEST_UNSIGNED) >= 0) {
        return null;
      }
      negative |= value.signum() < 0;
      unsigned |= value.bitLength() > 63;
      wholes.add(Cell.whole(value));
    }
    return negative && unsigned ? null : List.copyOf(wholes);
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

  private static @Nullable Cell real(Cell cell) {
    return switch (cell.kind()) {
      case MISSING, REAL -> cell;
      case WHOLE -> Cell.real(Double.parseDouble(cell.text()));
      case TRUTH -> null;
      case TEXT -> {
        double value = parse(cell.text());
        yield Double.isNaN(value) || isHuge(cell.text()) ? null : Cell.real(value);
      }
    };
  }

  /** An integer that fits no type of integer makes the whole column text. */
  private static boolean isHuge(String text) {
    BigInteger value = whole(Cell.text(text));
    return value != null && value.bitLength() > 64;
  }

  private static @Nullable Cell truth(Cell cell) {
    return switch (cell.kind()) {
      case MISSING, TRUTH -> cell;
      case WHOLE, REAL -> null;
      case TEXT -> {
        boolean yes = TRUE.contains(cell.text());
        yield yes || FALSE.contains(cell.text()) ? Cell.truth(yes) : null;
      }
    };
  }

  /**
   * The number that pandas' own parser makes of a text: 17 digits, scaled once by a power of ten,
   * so that {@code 0.30000000000000004} is 0.3.
   *
   * @return NaN if it is no number
   */
  static double parse(String text) {
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
