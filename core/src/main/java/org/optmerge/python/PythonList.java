package org.optmerge.python;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Lists as Python prints them, which tables hold in their cells: strings in either quotes with
 * escapes, numbers, names. Nothing is evaluated. Any other text is no list.
 */
public final class PythonList {
  /** No list of a data set is deeper; an attack would be. */
  private static final int DEEPEST = 50;

  private final String text;
  private int at;

  private PythonList(String text) {
    this.text = text;
  }

  /**
   * The elements of a list, as text: strings without their quotes, anything else as it is written.
   *
   * @return empty if the text is not one list
   */
  static Optional<List<String>> parse(String text) {
    String stripped = text.strip();
    if (stripped.length() < 2 || stripped.charAt(0) != '[') {
      return Optional.empty();
    }
    PythonList parser = new PythonList(stripped);
    List<String> elements = new ArrayList<>();
    return parser.list(elements, ']', 0) && parser.at == stripped.length()
        ? Optional.of(elements)
        : Optional.empty();
  }

  /** The elements if the text is a list, else the text. */
  public static List<String> orText(String text) {
    return parse(text).orElseGet(() -> List.of(text));
  }

  /** Reads from the opening bracket to behind the closing one. */
  private boolean list(List<String> into, char close, int depth) {
    if (depth > DEEPEST) {
      return false;
    }
    at++;
    boolean wantsElement = true;
    while (true) {
      skipBlanks();
      if (at >= text.length()) {
        return false;
      }
      char c = text.charAt(at);
      if (c == close) {
        at++;
        return true;
      }
      if (c == ',') {
        if (wantsElement) {
          return false;
        }
        wantsElement = true;
        at++;
      } else if (!wantsElement || !element(into, depth)) {
        return false;
      } else {
        wantsElement = false;
      }
    }
  }

  private boolean element(List<String> into, int depth) {
    int begin = at;
    char c = text.charAt(at);
    if (c == '[' || c == '(') {
      boolean whole = list(new ArrayList<>(), c == '[' ? ']' : ')', depth + 1);
      into.add(text.substring(begin, at));
      return whole;
    }
    if (c == '\'' || c == '"') {
      StringBuilder value = new StringBuilder();
      // Strings side by side are one string.
      while (at < text.length() && (text.charAt(at) == '\'' || text.charAt(at) == '"')) {
        if (!string(value)) {
          return false;
        }
        skipBlanks();
      }
      into.add(value.toString());
      return true;
    }
    while (at < text.length() && isScalar(text.charAt(at))) {
      at++;
    }
    into.add(text.substring(begin, at));
    return at > begin;
  }

  private static boolean isScalar(char c) {
    return Character.isLetterOrDigit(c) || c == '.' || c == '+' || c == '-' || c == '_';
  }

  private boolean string(StringBuilder into) {
    char quote = text.charAt(at++);
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == quote) {
        return true;
      }
      if (c == '\n') {
        return false;
      }
      if (c != '\\') {
        into.append(c);
      } else if (at >= text.length() || !escape(into)) {
        return false;
      }
    }
    return false;
  }

  private boolean escape(StringBuilder into) {
    char c = text.charAt(at++);
    switch (c) {
      case 'n' -> into.append('\n');
      case 't' -> into.append('\t');
      case 'r' -> into.append('\r');
      case 'a' -> into.append('\u0007');
      case 'b' -> into.append('\b');
      case 'f' -> into.append('\f');
      case 'v' -> into.append('\u000b');
      case '\\', '\'', '"' -> into.append(c);
      case '\n' -> {}
      case 'x' -> {
        return hexadecimal(into, 2);
      }
      case 'u' -> {
        return hexadecimal(into, 4);
      }
      case 'U' -> {
        return hexadecimal(into, 8);
      }
      default -> {
        if (c >= '0' && c <= '7') {
          int value = c - '0';
          for (int digits = 1;
              digits < 3 && at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '7';
              digits++) {
            value = 8 * value + (text.charAt(at++) - '0');
          }
          into.append((char) value);
        } else {
          into.append('\\').append(c);
        }
      }
    }
    return true;
  }

  private boolean hexadecimal(StringBuilder into, int digits) {
    if (at + digits > text.length()) {
      return false;
    }
    String number = text.substring(at, at + digits);
    if (!number.matches("[0-9a-fA-F]+")) {
      return false;
    }
    long code = Long.parseLong(number, 16);
    if (code > Character.MAX_CODE_POINT) {
      return false;
    }
    into.appendCodePoint((int) code);
    at += digits;
    return true;
  }

  private void skipBlanks() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }
}
