package org.optmerge.metric;

import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.PythonArithmetic;
import org.optmerge.python.PythonNumber;
import org.optmerge.python.PythonText;

/**
 * The value of a formula in LaTeX, as far as the official evaluator of MATH-Vision gets to one: it
 * translates the formula, prints the result and evaluates that as Python, so that a root, π or any
 * variable but {@code a} ends it. What remains is arithmetic.
 */
final class LatexArithmetic {
  private static final int DEEPEST = 100;

  /** Spacing, dollar signs and the size of brackets mean nothing. */
  private static final List<String> IGNORED =
      List.of(
          "\\left", "\\right", "\\quad", "\\qquad", "\\,", "\\:", "\\;", "\\!", "\\ ", "\\$", "$",
          "~");

  private static final List<String> TIMES = List.of("*", "\\times", "\\cdot");
  private static final List<String> DIVIDED = List.of("/", ":", "\\div");
  private static final List<String> FRACTIONS = List.of("\\frac", "\\dfrac", "\\tfrac");

  private final String text;
  private final @Nullable PythonNumber a;
  private final boolean latest;
  private int at;
  private int depth;

  private LatexArithmetic(String text, @Nullable PythonNumber a, boolean latest) {
    this.text = text;
    this.a = a;
    this.latest = latest;
  }

  /**
   * The value.
   *
   * @param a what a variable of this name stands for; null if nothing
   * @param latest the rules of latex2sympy2_extended 1.11, which reads boxes, degrees and mixed
   *     numbers, and takes an equation for an equation, instead of latex2sympy2 1.9's, which takes
   *     {@code x = 5} for 5 and overlooks a period at the end
   * @return empty if it comes to no number
   */
  static Optional<PythonNumber> evaluate(String text, @Nullable PythonNumber a, boolean latest) {
    if (text.length() > PythonArithmetic.LONGEST) {
      return Optional.empty();
    }
    String formula = PythonText.strip(text);
    if (latest) {
      formula = formula.replace('−', '-').replace("'", "");
      formula = formula.replace("^{\\circ}", "").replace("^\\circ", "");
      formula = unwrapped(unwrapped(formula, "\\boxed{"), "\\text{");
    } else if (formula.endsWith(".")) {
      formula = formula.substring(0, formula.length() - 1);
    }
    LatexArithmetic arithmetic = new LatexArithmetic(formula, a, latest);
    try {
      if (!latest) {
        arithmetic.skipLeftSide();
      }
      PythonNumber value = arithmetic.sum();
      return arithmetic.atEnd() ? Optional.of(value) : Optional.empty();
    } catch (NoNumber e) {
      return Optional.empty();
    }
  }

  private static String unwrapped(String formula, String command) {
    return formula.startsWith(command) && formula.indexOf('}') == formula.length() - 1
        ? formula.substring(command.length(), formula.length() - 1)
        : formula;
  }

  /** Thrown and caught here. */
  private static final class NoNumber extends Exception {
    NoNumber() {
      super(null, null, false, false);
    }
  }

  /** A variable and an equals sign. */
  private void skipLeftSide() {
    skip();
    int start = at;
    if (at < text.length() && Character.isLetter(text.charAt(at))) {
      at++;
      skip();
      if (take("=")) {
        return;
      }
    }
    at = start;
  }

  private PythonNumber sum() throws NoNumber {
    if (++depth > DEEPEST) {
      throw new NoNumber();
    }
    PythonNumber total = product();
    while (true) {
      if (take("+")) {
        total = applied(total, "+", product());
      } else if (take("-")) {
        total = applied(total, "-", product());
      } else {
        depth--;
        return total;
      }
    }
  }

  private PythonNumber product() throws NoNumber {
    PythonNumber total = signed();
    while (true) {
      if (takeAny(TIMES)) {
        total = applied(total, "*", signed());
      } else if (takeAny(DIVIDED)) {
        total = applied(total, "/", signed());
      } else {
        return total;
      }
    }
  }

  private PythonNumber signed() throws NoNumber {
    boolean negative = false;
    while (true) {
      if (take("-")) {
        negative = !negative;
      } else if (!take("+")) {
        break;
      }
    }
    PythonNumber value = sideBySide();
    return negative ? value.negated() : value;
  }

  /** Factors without a sign between them; they bind closer than a division. */
  private PythonNumber sideBySide() throws NoNumber {
    skip();
    int start = at;
    PythonNumber total = power();
    boolean number = text.substring(start, at).chars().allMatch(Character::isDigit);
    while (true) {
      skip();
      if (at == text.length() || "+-*/:)]}=,".indexOf(text.charAt(at)) >= 0 || atOperator()) {
        return total;
      }
      boolean mixed = latest && number && FRACTIONS.stream().anyMatch(this::isAt);
      total = applied(total, mixed ? "+" : "*", power());
      number = false;
    }
  }

  private boolean atOperator() {
    return TIMES.stream().anyMatch(this::isAt)
        || DIVIDED.stream().anyMatch(this::isAt)
        || isAt("\\}");
  }

  private PythonNumber power() throws NoNumber {
    PythonNumber base = atom();
    while (take("\\%")) {
      base = applied(base, "/", PythonNumber.of(100));
    }
    if (!take("^")) {
      return base;
    }
    skip();
    PythonNumber exponent;
    if (take("{")) {
      exponent = sum();
      require("}");
    } else {
      exponent = atom();
    }
    return applied(base, "**", exponent);
  }

  private PythonNumber atom() throws NoNumber {
    skip();
    if (takeAny(FRACTIONS)) {
      require("{");
      PythonNumber above = sum();
      require("}");
      require("{");
      PythonNumber below = sum();
      require("}");
      return applied(above, "/", below);
    }
    for (String[] brackets : new String[][] {{"(", ")"}, {"[", "]"}, {"\\{", "\\}"}, {"{", "}"}}) {
      if (take(brackets[0])) {
        PythonNumber value = sum();
        require(brackets[1]);
        return value;
      }
    }
    if (take("a")) {
      if (a == null) {
        throw new NoNumber();
      }
      return a;
    }
    return number();
  }

  /** Digits with commas between thousands, and a fraction after a period. */
  private PythonNumber number() throws NoNumber {
    int start = at;
    skipDigits();
    while (at < text.length() && text.charAt(at) == ',' && at > start) {
      int comma = at++;
      int digits = at;
      skipDigits();
      if (at - digits != 3) {
        at = comma;
        break;
      }
    }
    int whole = at;
    if (at + 1 < text.length() && text.charAt(at) == '.' && isDigit(text.charAt(at + 1))) {
      at++;
      skipDigits();
    }
    String digits = text.substring(start, at).replace(",", "");
    if (digits.isEmpty()) {
      throw new NoNumber();
    }
    if (at > whole) {
      return PythonNumber.of(Double.parseDouble(digits));
    }
    Optional<BigInteger> integer = PythonText.parseInt(digits);
    if (integer.isEmpty()) {
      throw new NoNumber();
    }
    return new PythonNumber.Whole(integer.get());
  }

  private void skipDigits() {
    while (at < text.length() && isDigit(text.charAt(at))) {
      at++;
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static PythonNumber applied(PythonNumber left, String operator, PythonNumber right)
      throws NoNumber {
    PythonNumber value = left.apply(operator, right);
    if (value == null) {
      throw new NoNumber();
    }
    return value;
  }

  private boolean atEnd() {
    skip();
    return at == text.length();
  }

  private void require(String token) throws NoNumber {
    if (!take(token)) {
      throw new NoNumber();
    }
  }

  private boolean takeAny(List<String> tokens) {
    return tokens.stream().anyMatch(this::take);
  }

  private boolean take(String token) {
    skip();
    if (isAt(token)) {
      at += token.length();
      return true;
    }
    return false;
  }

  /** A command does not end in the middle of its name. */
  private boolean isAt(String token) {
    int end = at + token.length();
    return text.startsWith(token, at)
        && !(token.length() > 1
            && Character.isLetter(token.charAt(token.length() - 1))
            && end < text.length()
            && Character.isLetter(text.charAt(end)));
  }

  private void skip() {
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
}
