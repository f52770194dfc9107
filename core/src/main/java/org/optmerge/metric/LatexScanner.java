package org.optmerge.metric;

import java.util.List;
import java.util.regex.Pattern;
import org.optmerge.python.PythonText;

/** Goes through a formula in LaTeX: tokens, numbers, and what means nothing between them. */
final class LatexScanner {
  /** Spacing, dollar signs and the size of brackets mean nothing. */
  private static final List<String> IGNORED =
      List.of(
          "\\left", "\\right", "\\quad", "\\qquad", "\\,", "\\:", "\\;", "\\!", "\\ ", "\\$", "$",
          "~");

  private final String text;
  private int at;

  LatexScanner(String text) {
    this.text = text;
  }

  /** Without white space and what means as little, at both ends. */
  static String unspaced(String formula) {
    String text = PythonText.strip(formula);
    for (String token : IGNORED) {
      if (text.startsWith(token) && text.length() > token.length()) {
        return unspaced(text.substring(token.length()));
      }
      if (text.endsWith(token) && text.length() > token.length()) {
        return unspaced(text.substring(0, text.length() - token.length()));
      }
    }
    return text;
  }

  /** Skips a variable and an equals sign, if they come next. */
  void skipLeftSide() {
    skip();
    int start = at;
    if (at < text.length() && Character.isLetter(text.charAt(at))) {
      at++;
      if (take("=")) {
        return;
      }
    }
    at = start;
  }

  /** Skips what means nothing. */
  void skip() {
    boolean skipped = true;
    while (skipped && at < text.length()) {
      skipped = PythonText.isSpace(text.charAt(at));
      if (skipped) {
        at++;
      } else {
        for (String token : IGNORED) {
          if (isAt(token)) {
            at += token.length();
            skipped = true;
            break;
          }
        }
      }
    }
  }

  /** True if nothing comes that means anything. */
  boolean atEnd() {
    skip();
    return at == text.length();
  }

  /** Goes beyond a token, if it comes next. */
  boolean take(String token) {
    skip();
    if (isAt(token)) {
      at += token.length();
      return true;
    }
    return false;
  }

  /** True if a token comes next. A command does not end in the middle of its name. */
  boolean isAt(String token) {
    int end = at + token.length();
    return text.startsWith(token, at)
        && !(token.length() > 1
            && Character.isLetter(token.charAt(token.length() - 1))
            && end < text.length()
            && Character.isLetter(text.charAt(end)));
  }

  boolean isAtAny(List<String> tokens) {
    return tokens.stream().anyMatch(this::isAt);
  }

  /** True at the end, and before one of these characters. */
  boolean isAtAny(String characters) {
    return at == text.length() || characters.indexOf(text.charAt(at)) >= 0;
  }

  /** Whether the whole formula is of this form. */
  boolean matches(Pattern form) {
    return form.matcher(text).matches();
  }

  /**
   * What comes before a character, which is left behind; empty, and nothing left, if it is not
   * there.
   */
  String upTo(char last) {
    int end = text.indexOf(last, at);
    if (end < 0) {
      return "";
    }
    String before = text.substring(at, end);
    at = end + 1;
    return before;
  }

  /**
   * Digits, and a fraction after a period; empty if there are none.
   *
   * @param commas whether commas may stand between thousands; they are left out
   */
  String number(boolean commas) {
    int start = at;
    skipDigits();
    while (commas && at < text.length() && text.charAt(at) == ',' && at > start) {
      int comma = at++;
      int digits = at;
      skipDigits();
      if (at - digits != 3) {
        at = comma;
        break;
      }
    }
    if (at + 1 < text.length() && text.charAt(at) == '.' && isDigit(text.charAt(at + 1))) {
      at++;
      skipDigits();
    }
    return text.substring(start, at).replace(",", "");
  }

  private void skipDigits() {
    while (at < text.length() && isDigit(text.charAt(at))) {
      at++;
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
