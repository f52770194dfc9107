package org.optmerge.metric;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
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

  /** The only numbers with commas that are not sets of numbers, since 1.11. */
  private static final Pattern THOUSANDS = Pattern.compile("-?\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?");

  private static final List<String> TIMES = List.of("*", "\\times", "\\cdot");
  private static final List<String> DIVIDED = List.of("/", ":", "\\div");
  private static final List<String> FRACTIONS = List.of("\\frac", "\\dfrac", "\\tfrac");

  /** What ends a row of factors, besides operators. */
  private static final String ENDS = "+-*/:)]}=,";

  private final LatexScanner in;
  private final @Nullable PythonNumber a;
  private final boolean latest;

  /**
   * The fraction that the last part is, where it is a number as it stands; null after operators.
   */
  private @Nullable Fraction exact;

  private int depth;

  private LatexArithmetic(String text, @Nullable PythonNumber a, boolean latest) {
    this.in = new LatexScanner(text);
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
      formula = LatexForm.of(formula.replace('−', '-'));
      if (isSet(formula) || formula.contains("\\)^")) {
        return Optional.empty();
      }
    } else if (formula.endsWith(".")) {
      formula = formula.substring(0, formula.length() - 1);
    }
    LatexArithmetic arithmetic = new LatexArithmetic(formula, a, latest);
    try {
      if (!latest) {
        arithmetic.in.skipLeftSide();
      }
      PythonNumber value = arithmetic.sum();
      return arithmetic.in.atEnd() ? Optional.of(value) : Optional.empty();
    } catch (NoNumber e) {
      return Optional.empty();
    }
  }

  /** True for a formula in braces, with or without brackets around them: the set of one number. */
  private static boolean isSet(String formula) {
    String inner = LatexScanner.unspaced(formula);
    while (inner.startsWith("(") && inner.endsWith(")")) {
      inner = LatexScanner.unspaced(inner.substring(1, inner.length() - 1));
    }
    boolean escaped = inner.startsWith("\\{") && inner.endsWith("\\}");
    if (!escaped && !(inner.startsWith("{") && inner.endsWith("}"))) {
      return false;
    }
    int open = 0;
    for (int i = 0; i < inner.length(); i++) {
      char c = inner.charAt(i);
      open += c == '{' ? 1 : c == '}' ? -1 : 0;
      if (open == 0 && c == '}' && i < inner.length() - 1) {
        return false;
      }
    }
    return true;
  }

  /** Thrown and caught here. */
  private static final class NoNumber extends Exception {
    NoNumber() {
      super(null, null, false, false);
    }
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
        Fraction above = exact;
        PythonNumber divisor = signed();
        Fraction ratio = Fraction.of(above, exact);
        total = applied(total, "/", divisor);
        exact = ratio;
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
    if (negative) {
      exact = exact == null ? null : exact.negated();
      return value.negated();
    }
    return value;
  }

  /** A number above another. */
  private record Fraction(BigInteger above, BigInteger below) {
    static @Nullable Fraction of(@Nullable Fraction one, @Nullable Fraction other) {
      if (one == null || other == null || other.above.signum() == 0) {
        return null;
      }
      BigInteger above = one.above.multiply(other.below);
      BigInteger below = one.below.multiply(other.above);
      BigInteger divisor = above.gcd(below);
      divisor = below.signum() < 0 ? divisor.negate() : divisor;
      return new Fraction(above.divide(divisor), below.divide(divisor));
    }

    boolean isWhole() {
      return below.equals(BigInteger.ONE);
    }

    Fraction negated() {
      return new Fraction(above.negate(), below);
    }
  }

  /** A part and the fraction that it is, if it is one. */
  private record Part(PythonNumber value, @Nullable Fraction exact) {}

  /**
   * Parts without a sign between them. A whole number and a fraction are a mixed number, and so are
   * two whole numbers, as published.
   */
  private PythonNumber mixed() throws NoNumber {
    List<Part> parts = new ArrayList<>();
    do {
      PythonNumber value = power();
      parts.add(new Part(value, exact));
    } while (!atRowsEnd());
    Part total = parts.get(parts.size() - 1);
    for (int i = parts.size() - 2; i >= 0; i--) {
      Part left = parts.get(i);
      Fraction whole = left.exact;
      Fraction rest = total.exact;
      if (whole != null && whole.isWhole() && rest != null && rest.above.signum() > 0) {
        BigInteger scaled = whole.above.multiply(rest.below);
        Fraction sum =
            new Fraction(
                whole.above.signum() < 0 ? scaled.subtract(rest.above) : scaled.add(rest.above),
                rest.below);
        total =
            new Part(
                applied(new PythonNumber.Whole(sum.above), "/", new PythonNumber.Whole(sum.below)),
                sum);
      } else {
        total = new Part(applied(left.value, "*", total.value), null);
      }
    }
    exact = total.exact;
    return total.value;
  }

  /** Factors without a sign between them; they bind closer than a division. */
  private PythonNumber sideBySide() throws NoNumber {
    if (latest) {
      return mixed();
    }
    PythonNumber total = power();
    while (!atRowsEnd()) {
      total = applied(total, "*", power());
    }
    return total;
  }

  private boolean atRowsEnd() {
    in.skip();
    return in.isAtAny(ENDS)
        || in.isAtAny(TIMES)
        || in.isAtAny(DIVIDED)
        || in.isAt("\\}")
        || in.isAt("\\)");
  }

  private PythonNumber power() throws NoNumber {
    PythonNumber base = atom();
    while (take("\\%")) {
      base = applied(base, "/", PythonNumber.of(100));
    }
    skipDegrees();
    PythonNumber value = base;
    while (take("^")) {
      in.skip();
      PythonNumber exponent;
      if (take("{")) {
        exponent = sum();
        require("}");
      } else {
        exponent = atom();
        while (latest && take("\\%")) {
          exponent = applied(exponent, "/", PythonNumber.of(100));
        }
      }
      value = applied(value, "**", exponent);
      skipDegrees();
      if (!latest) {
        break;
      }
    }
    return value;
  }

  private void skipDegrees() {
    while (latest && (take("^\\circ") || take("^{\\circ}"))) {
      exact = null;
    }
  }

  private PythonNumber atom() throws NoNumber {
    in.skip();
    if (takeAny(FRACTIONS)) {
      require("{");
      PythonNumber above = sum();
      Fraction upper = exact;
      require("}");
      require("{");
      PythonNumber below = sum();
      Fraction ratio = Fraction.of(upper, exact);
      require("}");
      PythonNumber value = applied(above, "/", below);
      exact = ratio;
      return value;
    }
    if (latest && take("\\text{")) {
      return symbol();
    }
    if (latest && take("\\(")) {
      PythonNumber value = sum();
      require("\\)");
      return value;
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

  /** A text is a name, which is evaluated as the program that it is. */
  private PythonNumber symbol() throws NoNumber {
    String name = in.upTo('}').replaceAll("[() ]", "");
    if (name.isEmpty() || name.indexOf('\\') >= 0 || name.indexOf('{') >= 0) {
      throw new NoNumber();
    }
    exact = null;
    return PythonArithmetic.evaluate(PythonText.strip(name), a).orElseThrow(NoNumber::new);
  }

  private PythonNumber number() throws NoNumber {
    exact = null;
    String digits = in.number(!latest || in.matches(THOUSANDS));
    if (digits.isEmpty()) {
      throw new NoNumber();
    }
    if (digits.indexOf('.') >= 0) {
      return PythonNumber.of(Double.parseDouble(digits));
    }
    Optional<BigInteger> integer = PythonText.parseInt(digits);
    if (integer.isEmpty()) {
      throw new NoNumber();
    }
    exact = new Fraction(integer.get(), BigInteger.ONE);
    return new PythonNumber.Whole(integer.get());
  }

  private PythonNumber applied(PythonNumber left, String operator, PythonNumber right)
      throws NoNumber {
    PythonNumber value = left.apply(operator, right);
    if (value == null) {
      throw new NoNumber();
    }
    exact = null;
    return value;
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
    return in.take(token);
  }
}
