package org.optmerge.python;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Python lists as data sets have them in table cells: strings, numbers, True, False, None, nested
 * lists and tuples. The official code evaluates such a cell as a program; this reads it, and never
 * runs anything.
 */
public final class PythonLiteral extends PythonScanner {
  /** The length that {@code [...] * n} may grow to. */
  private static final int LONGEST_LIST = 1 << 16;

  private PythonLiteral(String text) {
    super(text);
  }

  /** Several values in round brackets. */
  public record Tuple(List<@Nullable Object> items) {}

  /**
   * The elements of a list: {@link String}, {@link BigInteger}, {@link Double}, {@link Boolean},
   * null, {@link List} or {@link Tuple}.
   *
   * @return empty if the cell is anything but a list of literals (or a sum or multiple of such)
   */
  public static Optional<List<@Nullable Object>> list(String cell) {
    PythonLiteral reader = new PythonLiteral(cell);
    while (reader.peek() == ' ' || reader.peek() == '\t') {
      reader.at++;
    }
    if (reader.peek() != '[' || endsIndented(cell)) {
      return Optional.empty();
    }
    try {
      return Optional.of(reader.sum());
    } catch (Refused e) {
      return Optional.empty();
    }
  }

  /** True if the last line is nothing but blanks, which Python takes for a wrong indent. */
  private static boolean endsIndented(String cell) {
    int end = cell.length();
    while (end > 0 && (cell.charAt(end - 1) == ' ' || cell.charAt(end - 1) == '\t')) {
      end--;
    }
    return end < cell.length()
        && end > 0
        && (cell.charAt(end - 1) == '\n' || cell.charAt(end - 1) == '\r');
  }

  /** {@code str()} of the elements if the cell is a list, else the cell. */
  public static List<String> texts(String cell) {
    return list(cell)
        .map(items -> items.stream().map(PythonLiteral::text).toList())
        .orElseGet(() -> List.of(cell));
  }

  /** {@code str(value)} of an element. */
  public static String text(@Nullable Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof String string) {
      return string;
    }
    if (value instanceof Boolean truth) {
      return truth ? "True" : "False";
    }
    if (value instanceof Double number) {
      return PythonText.repr(number);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(PythonLiteral::quoted).collect(Collectors.joining(", ", "[", "]"));
    }
    if (value instanceof Tuple tuple) {
      String items =
          tuple.items().stream().map(PythonLiteral::quoted).collect(Collectors.joining(", "));
      return tuple.items().size() == 1 ? "(" + items + ",)" : "(" + items + ")";
    }
    return value.toString();
  }

  /** {@code repr(value)}, for elements of elements. */
  private static String quoted(@Nullable Object value) {
    if (!(value instanceof String string)) {
      return text(value);
    }
    char quote = string.contains("'") && !string.contains("\"") ? '"' : '\'';
    StringBuilder out = new StringBuilder().append(quote);
    for (char c : string.toCharArray()) {
      switch (c) {
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> out.append(c == quote ? "\\" + c : String.valueOf(c));
      }
    }
    return out.append(quote).toString();
  }

  /** list (('+' list) | ('*' integer))* end */
  private List<@Nullable Object> sum() throws Refused {
    List<@Nullable Object> total = new ArrayList<>(product());
    skip(false);
    while (take('+')) {
      skip(false);
      total.addAll(product());
      skip(false);
    }
    if (at < text.length()) {
      throw new Refused();
    }
    return total;
  }

  private List<@Nullable Object> product() throws Refused {
    if (peek() != '[') {
      throw new Refused();
    }
    List<@Nullable Object> list = items(']');
    skip(false);
    while (peek() == '*') {
      at++;
      skip(false);
      if (!(number() instanceof BigInteger times)
          || times.bitLength() > 31
          || times.longValue() * list.size() > LONGEST_LIST) {
        throw new Refused();
      }
      List<@Nullable Object> repeated = new ArrayList<>();
      for (int i = 0; i < times.intValue() && !list.isEmpty(); i++) {
        repeated.addAll(list);
      }
      list = repeated;
      skip(false);
    }
    return list;
  }

  private @Nullable Object value() throws Refused {
    char c = peek();
    if (c == '[') {
      return items(']');
    }
    if (c == '(') {
      return tuple();
    }
    if (c == '\'' || c == '"' || stringPrefix() > 0) {
      return strings();
    }
    if (Character.isLetter(c)) {
      return constant();
    }
    return number();
  }

  private List<@Nullable Object> items(char close) throws Refused {
    deeper();
    at++;
    List<@Nullable Object> items = new ArrayList<>();
    skip(true);
    while (!take(close)) {
      items.add(value());
      skip(true);
      if (!take(',') && peek() != close) {
        throw new Refused();
      }
      skip(true);
    }
    depth--;
    return items;
  }

  /** Brackets around one value without a comma are only brackets. */
  private @Nullable Object tuple() throws Refused {
    int start = at;
    List<@Nullable Object> items = items(')');
    if (items.size() != 1) {
      return new Tuple(items);
    }
    int last = at - 2;
    while (last > start && PythonText.isSpace(text.charAt(last))) {
      last--;
    }
    return text.charAt(last) == ',' ? new Tuple(items) : items.get(0);
  }

  private @Nullable Object constant() throws Refused {
    int start = at;
    while (at < text.length() && Character.isLetter(text.charAt(at))) {
      at++;
    }
    return switch (text.substring(start, at)) {
      case "True" -> Boolean.TRUE;
      case "False" -> Boolean.FALSE;
      case "None" -> null;
      default -> throw new Refused();
    };
  }

  private Object number() throws Refused {
    boolean negative = false;
    while (peek() == '-' || peek() == '+') {
      negative ^= peek() == '-';
      at++;
      skip(true);
    }
    PythonNumber number = PythonNumber.literal(word());
    if (number == null) {
      throw new Refused();
    }
    PythonNumber signed = negative ? number.negated() : number;
    return signed instanceof PythonNumber.Whole whole ? whole.value() : (Object) signed.toDouble();
  }

  /** Strings side by side are one string. */
  private String strings() throws Refused {
    StringBuilder all = new StringBuilder();
    while (at < text.length() && (peek() == '\'' || peek() == '"' || stringPrefix() > 0)) {
      int prefix = stringPrefix();
      boolean raw = text.substring(at, at + prefix).toLowerCase(Locale.ROOT).contains("r");
      at += prefix;
      string(raw, all);
      skip(true);
    }
    return all.toString();
  }

  /** Length of {@code r}, {@code u} before a quote; bytes and formatted strings are no text. */
  private int stringPrefix() {
    char c = at < text.length() ? Character.toLowerCase(text.charAt(at)) : 0;
    if ((c == 'u' || c == 'r') && at + 1 < text.length()) {
      char next = text.charAt(at + 1);
      return next == '\'' || next == '"' ? 1 : 0;
    }
    return 0;
  }

  private void string(boolean raw, StringBuilder out) throws Refused {
    char quote = text.charAt(at);
    boolean triple = text.startsWith(String.valueOf(quote).repeat(3), at);
    int width = triple ? 3 : 1;
    at += width;
    while (true) {
      if (at >= text.length()) {
        throw new Refused();
      }
      char c = text.charAt(at);
      if (c == quote && (!triple || text.startsWith(String.valueOf(quote).repeat(3), at))) {
        at += width;
        return;
      }
      if (c == '\n' && !triple) {
        throw new Refused();
      }
      at++;
      if (c != '\\') {
        out.append(c);
      } else if (raw) {
        out.append(c).append(next());
      } else {
        escape(out);
      }
    }
  }

  private char next() throws Refused {
    if (at >= text.length()) {
      throw new Refused();
    }
    return text.charAt(at++);
  }

  private void escape(StringBuilder out) throws Refused {
    char c = next();
    switch (c) {
      case '\n' -> {}
      case '\\', '\'', '"' -> out.append(c);
      case 'n' -> out.append('\n');
      case 't' -> out.append('\t');
      case 'r' -> out.append('\r');
      case 'a' -> out.append('\u0007');
      case 'b' -> out.append('\b');
      case 'f' -> out.append('\f');
      case 'v' -> out.append('\u000b');
      case 'x' -> out.append((char) hexadecimal(2));
      case 'u' -> out.append((char) hexadecimal(4));
      case 'U' -> {
        int codePoint = hexadecimal(8);
        if (!Character.isValidCodePoint(codePoint)) {
          throw new Refused();
        }
        out.appendCodePoint(codePoint);
      }
      case 'N' -> named(out);
      default -> {
        if (c >= '0' && c <= '7') {
          int value = c - '0';
          for (int i = 0; i < 2 && peek() >= '0' && peek() <= '7'; i++) {
            value = value * 8 + (next() - '0');
          }
          out.append((char) value);
        } else {
          out.append('\\').append(c);
        }
      }
    }
  }

  private void named(StringBuilder out) throws Refused {
    int close = text.indexOf('}', at);
    if (peek() != '{' || close < 0) {
      throw new Refused();
    }
    try {
      out.appendCodePoint(Character.codePointOf(text.substring(at + 1, close)));
    } catch (IllegalArgumentException e) {
      throw new Refused();
    }
    at = close + 1;
  }

  private int hexadecimal(int digits) throws Refused {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = Character.digit(next(), 16);
      if (digit < 0) {
        throw new Refused();
      }
      value = value << 4 | digit;
    }
    return value;
  }

  /** White space, a continued line and a comment; line ends only inside brackets. */
  private void skip(boolean inside) {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '#') {
        while (at < text.length() && text.charAt(at) != '\n') {
          at++;
        }
      } else if (c == ' ' || c == '\t' || c == '\f' || c == '\n' && inside || c == '\r' && inside) {
        at++;
      } else if (!inside && (c == '\n' || c == '\r')) {
        // Blank lines may follow an expression, but nothing else.
        int rest = at;
        while (rest < text.length() && PythonText.isSpace(text.charAt(rest))) {
          rest++;
        }
        if (rest < text.length()) {
          return;
        }
        at = rest;
      } else {
        return;
      }
    }
  }
}
