package org.optmerge.python;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Text as Python understands it where Java does not: white space, letters and digits of regular
 * expressions, numbers, and how floats are written. The official evaluators are Python; a
 * prediction with a no-break space or an Arabic digit is scored by these rules.
 *
 * <p>Every function takes time linear in its argument.
 *
 * @see <a href="https://docs.python.org/3.11/library/stdtypes.html">The Python Standard Library,
 *     Built-in Types</a>
 */
public final class PythonText {
  /** A regular expression for one character of {@link #isSpace}. */
  public static final String SPACE =
      "[\\x09-\\x0d\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

  /** CPython refuses to read longer integers, lest it take quadratic time. */
  private static final int LONGEST_INTEGER = 4300;

  private static final int BLOCK = 256;
  private static final char CAPITAL_SIGMA = 'Σ';
  private static final char DOTTED_CAPITAL_I = 'İ';
  private static final char DOT_ABOVE = '\u0307';
  private static final double SMALLEST_PLAIN = 1e-4;
  private static final double LARGEST_PLAIN = 1e16;

  private PythonText() {}

  /** White space of {@code str.split}, {@code str.strip} and {@code \s}. */
  public static boolean isSpace(int codePoint) {
    return (codePoint >= 0x09 && codePoint <= 0x0d)
        || (codePoint >= 0x1c && codePoint <= 0x20)
        || codePoint == 0x85
        || codePoint == 0xa0
        || codePoint == 0x1680
        || (codePoint >= 0x2000 && codePoint <= 0x200a)
        || codePoint == 0x2028
        || codePoint == 0x2029
        || codePoint == 0x202f
        || codePoint == 0x205f
        || codePoint == 0x3000;
  }

  /** A decimal digit of any script, {@code \d}. */
  public static boolean isDigit(int codePoint) {
    return Character.getType(codePoint) == Character.DECIMAL_DIGIT_NUMBER;
  }

  /** A letter, a number or the underscore, {@code \w}; no marks, unlike Java's. */
  public static boolean isWord(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER,
          Character.DECIMAL_DIGIT_NUMBER,
          Character.LETTER_NUMBER,
          Character.OTHER_NUMBER ->
          true;
      default -> codePoint == '_';
    };
  }

  /** {@code str.strip()}. */
  public static String strip(String text) {
    // White space is in the Basic Multilingual Plane, so chars will do.
    int start = 0;
    int end = text.length();
    while (start < end && isSpace(text.charAt(start))) {
      start++;
    }
    while (end > start && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(start, end);
  }

  /** {@code str.split()}: the words between white space. */
  public static List<String> split(String text) {
    List<String> words = new ArrayList<>();
    int start = -1;
    for (int i = 0; i <= text.length(); i++) {
      if (i == text.length() || isSpace(text.charAt(i))) {
        if (start >= 0) {
          words.add(text.substring(start, i));
          start = -1;
        }
      } else if (start < 0) {
        start = i;
      }
    }
    return words;
  }

  /** {@code ' '.join(text.split())}. */
  public static String collapse(String text) {
    return String.join(" ", split(text));
  }

  /** {@code str.lower()}. */
  public static String lower(String text) {
    if (text.indexOf(CAPITAL_SIGMA) < 0 && text.indexOf(DOTTED_CAPITAL_I) < 0) {
      return text.toLowerCase(Locale.ROOT);
    }
    // Java decides otherwise where a word ends, and takes quadratic time for a letter that grows.
    char[] chars = text.toCharArray();
    sigmas(text, chars);
    for (int i = 0; i < chars.length; i++) {
      chars[i] = chars[i] == DOTTED_CAPITAL_I ? 'I' : chars[i];
    }
    String lower = new String(chars).toLowerCase(Locale.ROOT);
    StringBuilder dotted = new StringBuilder(lower.length());
    for (int i = 0; i < lower.length(); i++) {
      dotted.append(lower.charAt(i));
      if (text.charAt(i) == DOTTED_CAPITAL_I) {
        dotted.append(DOT_ABOVE);
      }
    }
    return dotted.toString();
  }

  /** A sigma after a letter and before none is a final one; punctuation inside words is no end. */
  private static void sigmas(String text, char[] chars) {
    boolean[] letterFollows = new boolean[chars.length + 1];
    for (int i = chars.length; i > 0; ) {
      int c = text.codePointBefore(i);
      int start = i - Character.charCount(c);
      boolean follows = isIgnoredByCase(c) ? letterFollows[i] : isCased(c);
      for (; i > start; i--) {
        letterFollows[i - 1] = follows;
      }
    }
    boolean letterBefore = false;
    for (int i = 0; i < chars.length; ) {
      int c = text.codePointAt(i);
      int end = i + Character.charCount(c);
      if (c == CAPITAL_SIGMA) {
        chars[i] = letterBefore && !letterFollows[end] ? 'ς' : 'σ';
      }
      letterBefore = isIgnoredByCase(c) ? letterBefore : isCased(c);
      i = end;
    }
  }

  private static boolean isCased(int codePoint) {
    return Character.isUpperCase(codePoint)
        || Character.isLowerCase(codePoint)
        || Character.isTitleCase(codePoint);
  }

  /** Case_Ignorable of the Unicode Character Database. */
  private static boolean isIgnoredByCase(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.FORMAT,
          Character.MODIFIER_LETTER,
          Character.MODIFIER_SYMBOL ->
          true;
      default ->
          "'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
                  .indexOf(codePoint)
              >= 0;
    };
  }

  /** {@code str.upper()}. */
  public static String upper(String text) {
    if (text.length() <= BLOCK) {
      return text.toUpperCase(Locale.ROOT);
    }
    // In pieces, since Java takes quadratic time for letters that grow; none depends on another.
    StringBuilder upper = new StringBuilder(text.length());
    for (int from = 0; from < text.length(); ) {
      int to = Math.min(from + BLOCK, text.length());
      if (to < text.length() && Character.isLowSurrogate(text.charAt(to))) {
        to++;
      }
      upper.append(text.substring(from, to).toUpperCase(Locale.ROOT));
      from = to;
    }
    return upper.toString();
  }

  /** {@code len(text.upper())}, without making the text. */
  public static int upperLength(String text) {
    int length = 0;
    int last = -1;
    int lastLength = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (c < 0x80) {
        length++;
        continue;
      }
      if (c != last) {
        last = c;
        lastLength = length(Character.toString(c).toUpperCase(Locale.ROOT));
      }
      length += lastLength;
    }
    return length;
  }

  /** {@code len(text)}: code points. */
  public static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** {@code float(text)}; empty where Python raises ValueError. */
  public static OptionalDouble parseFloat(String text) {
    String plain = plain(text);
    String word = plain.toLowerCase(Locale.ROOT);
    boolean signed = word.startsWith("+") || word.startsWith("-");
    double sign = word.startsWith("-") ? -1 : 1;
    switch (signed ? word.substring(1) : word) {
      case "inf", "infinity" -> {
        return OptionalDouble.of(sign * Double.POSITIVE_INFINITY);
      }
      case "nan" -> {
        return OptionalDouble.of(Double.NaN);
      }
      default -> {
        return floatLength(plain, signed ? 1 : 0) == plain.length()
            ? OptionalDouble.of(Double.parseDouble(plain.replace("_", "")))
            : OptionalDouble.empty();
      }
    }
  }

  /** The end of a decimal number that starts at {@code from}; −1 if there is none. */
  private static int floatLength(String text, int from) {
    int i = digits(text, from);
    boolean whole = i > from;
    if (i < text.length() && text.charAt(i) == '.') {
      int fraction = digits(text, i + 1);
      if (!whole && fraction == i + 1) {
        return -1;
      }
      i = fraction;
    } else if (!whole) {
      return -1;
    }
    if (i < text.length() && (text.charAt(i) == 'e' || text.charAt(i) == 'E')) {
      int exponent = i + 1;
      if (exponent < text.length()
          && (text.charAt(exponent) == '+' || text.charAt(exponent) == '-')) {
        exponent++;
      }
      int end = digits(text, exponent);
      return end > exponent ? end : -1;
    }
    return i;
  }

  /** Past the digits from {@code from} on, with single underscores between them. */
  private static int digits(String text, int from) {
    int i = from;
    while (i < text.length()) {
      if (isAsciiDigit(text.charAt(i))
          || (text.charAt(i) == '_'
              && i > from
              && isAsciiDigit(text.charAt(i - 1))
              && i + 1 < text.length()
              && isAsciiDigit(text.charAt(i + 1)))) {
        i++;
      } else {
        break;
      }
    }
    return i;
  }

  private static boolean isAsciiDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** {@code int(text)}; empty where Python raises ValueError. */
  public static Optional<BigInteger> parseInt(String text) {
    String plain = plain(text);
    int from = plain.startsWith("+") || plain.startsWith("-") ? 1 : 0;
    if (plain.length() == from || digits(plain, from) != plain.length()) {
      return Optional.empty();
    }
    String digits = plain.replace("_", "");
    return digits.length() - from > LONGEST_INTEGER
        ? Optional.empty()
        : Optional.of(new BigInteger(digits));
  }

  /** Stripped, with the digits of all scripts as ASCII. */
  private static String plain(String text) {
    String stripped = strip(text);
    if (stripped.codePoints().allMatch(c -> c < 0x80)) {
      return stripped;
    }
    StringBuilder plain = new StringBuilder(stripped.length());
    stripped
        .codePoints()
        .forEach(
            c -> {
              if (c >= 0x80 && isDigit(c)) {
                plain.append((char) ('0' + Character.digit(c, 10)));
              } else {
                plain.appendCodePoint(c);
              }
            });
    return plain.toString();
  }

  /**
   * {@code '%.2f' % value}: rounded from the binary value, which {@code String.format} does not.
   */
  public static String twoDecimals(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    String text = new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
    // A number that rounds to zero keeps its sign.
    return 1 / value < 0 && !text.startsWith("-") ? "-" + text : text;
  }

  /** {@code repr(value)}: the shortest digits that stand for this value alone. */
  public static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(value);
    BigDecimal shortest = exact;
    // 15 digits always survive, but for the smallest numbers, which have fewer; 17 always suffice.
    int fewest = Math.abs(value) < Double.MIN_NORMAL ? 1 : 15;
    for (int digits = fewest; digits <= 17; digits++) {
      shortest = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (shortest.doubleValue() == value) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    double magnitude = Math.abs(value);
    if (magnitude >= SMALLEST_PLAIN && magnitude < LARGEST_PLAIN) {
      String plain = shortest.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String digits = shortest.unscaledValue().abs().toString();
    int exponent = digits.length() - 1 - shortest.scale();
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    return "%s%se%s%02d"
        .formatted(value < 0 ? "-" : "", mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
  }
}
