package org.optmerge.python;

/** A place in a text of Python, and the steps that readers of literals and expressions share. */
abstract class PythonScanner {
  /** Deeper than any data set, and CPython's own limit for expressions; no danger to the stack. */
  private static final int DEEPEST = 100;

  final String text;
  int at;
  int depth;

  PythonScanner(String text) {
    this.text = text;
  }

  /** The end of reading: the text is not of the kind that is read. Caught by the readers. */
  static final class Refused extends Exception {
    Refused() {
      super(null, null, false, false);
    }
  }

  final void deeper() throws Refused {
    if (++depth > DEEPEST) {
      throw new Refused();
    }
  }

  /** The character here; 0 at the end. */
  final char peek() {
    return at < text.length() ? text.charAt(at) : 0;
  }

  final boolean take(char c) {
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  /** Takes what may be a number or a name: letters, digits, points, and an exponent's sign. */
  final String word() {
    int start = at;
    while (at < text.length() && (isWordPart(text.charAt(at)) || atExponentSign(start))) {
      at++;
    }
    return text.substring(start, at);
  }

  private static boolean isWordPart(char c) {
    return c < 0x80 && (Character.isLetterOrDigit(c) || c == '.' || c == '_');
  }

  /** The sign in {@code 1e-5}, but not in {@code 0x1e-5} or {@code 3-5}. */
  private boolean atExponentSign(int start) {
    return (peek() == '-' || peek() == '+')
        && at > start
        && Character.toLowerCase(text.charAt(at - 1)) == 'e'
        && !text.regionMatches(true, start, "0x", 0, 2)
        && (Character.isDigit(text.charAt(start)) || text.charAt(start) == '.');
  }
}
