package org.optmerge.python;

import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Number literals of Python source, which are stricter than {@code int()} and {@code float()}. */
final class PythonNumbers {
  private PythonNumbers() {}

  /**
   * The value of a literal without sign.
   *
   * @return {@link BigInteger}, {@link Double}, or null if it is no literal: {@code 010}, {@code
   *     1__0}, {@code 2j}, digits of other scripts
   */
  static @Nullable Object literal(String text) {
    if (isPlain(text)) {
      return BigInteger.valueOf(Long.parseLong(text));
    }
    if (text.isEmpty() || text.chars().anyMatch(c -> c >= 0x80 || PythonText.isSpace(c))) {
      return null;
    }
    String lower = text.toLowerCase(Locale.ROOT);
    if (lower.length() > 2 && lower.charAt(0) == '0') {
      int radix =
          switch (lower.charAt(1)) {
            case 'x' -> 16;
            case 'o' -> 8;
            case 'b' -> 2;
            default -> 0;
          };
      if (radix != 0) {
        return withRadix(lower.substring(2), radix);
      }
    }
    char first = lower.charAt(0);
    if (first != '.' && !(first >= '0' && first <= '9')) {
      return null;
    }
    Optional<BigInteger> integer = PythonText.parseInt(lower);
    if (integer.isPresent()) {
      return first == '0' && integer.get().signum() != 0 ? null : integer.get();
    }
    if (lower.chars().allMatch(c -> c >= '0' && c <= '9' || c == '_')) {
      return null;
    }
    var real = PythonText.parseFloat(lower);
    return real.isPresent() ? (Object) real.getAsDouble() : null;
  }

  private static @Nullable BigInteger withRadix(String digits, int radix) {
    // An underscore may follow the prefix, and stand between digits.
    String checked = digits.startsWith("_") ? digits.substring(1) : digits;
    if (checked.isEmpty() || checked.startsWith("_") || checked.endsWith("_")) {
      return null;
    }
    for (int i = 0; i < checked.length(); i++) {
      char c = checked.charAt(i);
      boolean underscore = c == '_' && checked.charAt(i - 1) != '_';
      if (!underscore && Character.digit(c, radix) < 0) {
        return null;
      }
    }
    // Longer ones occur in nobody's answer, and would take quadratic time.
    return checked.length() > 4300 ? null : new BigInteger(checked.replace("_", ""), radix);
  }

  /** Nearly every number is of this kind. */
  private static boolean isPlain(String text) {
    if (text.isEmpty() || text.length() > 18 || text.charAt(0) == '0') {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return true;
  }
}
