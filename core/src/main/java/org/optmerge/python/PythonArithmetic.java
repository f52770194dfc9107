package org.optmerge.python;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The value of an arithmetic expression of Python: numbers, operators, brackets, a few functions
 * and one name. Whatever else Python's {@code eval} would run is no number here.
 */
public final class PythonArithmetic extends PythonScanner {
  /** CPython's compiler gives up on longer chains of operators, too. */
  public static final int LONGEST = 10_000;

  /** By rising precedence; comparisons are looser than any. */
  private static final List<List<String>> BINARY =
      List.of(
          List.of("|"),
          List.of("^"),
          List.of("&"),
          List.of("<<", ">>"),
          List.of("+", "-"),
          List.of("*", "//", "/", "%"));

  private static final List<String> COMPARISONS = List.of("<=", ">=", "==", "!=", "<", ">");

  /** The operators of two characters, each of which begins like another. */
  private static final List<String> LONGEST_FIRST =
      List.of("**", "//", "<<", ">>", "<=", ">=", "==", "!=");

  private final @Nullable PythonNumber a;

  private PythonArithmetic(String text, @Nullable PythonNumber a) {
    super(text);
    this.a = a;
  }

  /**
   * The value.
   *
   * @param a what the name {@code a} stands for: the official code evaluates answers where a
   *     variable of this name holds the reference; null while it does not
   * @return empty if it is not an expression of numbers
   */
  public static Optional<PythonNumber> evaluate(String text, @Nullable PythonNumber a) {
    if (text.length() > LONGEST) {
      return Optional.empty();
    }
    PythonArithmetic arithmetic = new PythonArithmetic(text, a);
    try {
      PythonNumber value = arithmetic.comparison();
      arithmetic.skip();
      return arithmetic.at == text.length() ? Optional.of(value) : Optional.empty();
    } catch (Refused e) {
      return Optional.empty();
    }
  }

  private PythonNumber comparison() throws Refused {
    PythonNumber left = binary(0);
    boolean chained = false;
    boolean holds = true;
    String operator = operator(COMPARISONS);
    while (operator != null) {
      chained = true;
      PythonNumber right = binary(0);
      holds &= applied(left, operator, right).toDouble() != 0;
      left = right;
      operator = operator(COMPARISONS);
    }
    return chained ? PythonNumber.of(holds ? 1 : 0) : left;
  }

  private PythonNumber binary(int level) throws Refused {
    if (level == BINARY.size()) {
      return unary();
    }
    PythonNumber left = binary(level + 1);
    String operator = operator(BINARY.get(level));
    while (operator != null) {
      left = applied(left, operator, binary(level + 1));
      operator = operator(BINARY.get(level));
    }
    return left;
  }

  private static PythonNumber applied(PythonNumber left, String operator, PythonNumber right)
      throws Refused {
    PythonNumber value = left.apply(operator, right);
    if (value == null) {
      throw new Refused();
    }
    return value;
  }

  /** Signs bind looser than a power, so −2**2 is −4. */
  private PythonNumber unary() throws Refused {
    skip();
    List<Character> signs = new ArrayList<>();
    while (at < text.length() && "+-~".indexOf(text.charAt(at)) >= 0) {
      signs.add(text.charAt(at++));
      skip();
    }
    PythonNumber value = power();
    for (int i = signs.size() - 1; i >= 0; i--) {
      if (signs.get(i) == '-') {
        value = value.negated();
      } else if (signs.get(i) == '~') {
        if (!(value instanceof PythonNumber.Whole whole)) {
          throw new Refused();
        }
        value = new PythonNumber.Whole(whole.value().not());
      }
    }
    return value;
  }

  private PythonNumber power() throws Refused {
    PythonNumber base = atom();
    if (operator(List.of("**")) == null) {
      return base;
    }
    deeper();
    PythonNumber value = applied(base, "**", unary());
    depth--;
    return value;
  }

  private PythonNumber atom() throws Refused {
    skip();
    if (take('(')) {
      deeper();
      PythonNumber value = comparison();
      require(')');
      depth--;
      return value;
    }
    String word = word();
    if (word.isEmpty()) {
      throw new Refused();
    }
    if (word.equals("a")) {
      if (a == null) {
        throw new Refused();
      }
      return a;
    }
    PythonNumber literal = PythonNumber.literal(word);
    if (literal != null) {
      return literal;
    }
    return call(word);
  }

  /** The functions that an answer may well hold. */
  private PythonNumber call(String name) throws Refused {
    skip();
    require('(');
    deeper();
    PythonNumber value;
    if (name.equals("len")) {
      value = PythonNumber.of(quotedLength());
    } else {
      PythonNumber argument = comparison();
      value =
          switch (name) {
            case "abs" -> argument.toDouble() < 0 ? argument.negated() : argument;
            case "float" -> PythonNumber.of(argument.toDouble());
            case "int" -> whole(argument, RoundingMode.DOWN);
            case "round" -> whole(argument, RoundingMode.HALF_EVEN);
            default -> throw new Refused();
          };
    }
    require(')');
    depth--;
    return value;
  }

  private static PythonNumber whole(PythonNumber number, RoundingMode rounding) throws Refused {
    if (number instanceof PythonNumber.Whole) {
      return number;
    }
    if (!Double.isFinite(number.toDouble())) {
      throw new Refused();
    }
    return new PythonNumber.Whole(
        new BigDecimal(number.toDouble()).setScale(0, rounding).toBigInteger());
  }

  /** The length of a string without escapes. */
  private int quotedLength() throws Refused {
    skip();
    char quote = at < text.length() ? text.charAt(at) : 0;
    int end = text.indexOf(quote, at + 1);
    if ((quote != '\'' && quote != '"') || end < 0) {
      throw new Refused();
    }
    String content = text.substring(at + 1, end);
    if (content.indexOf('\\') >= 0 || content.indexOf('\n') >= 0) {
      throw new Refused();
    }
    at = end + 1;
    return PythonText.length(content);
  }

  /** Takes one of these operators, unless a longer one stands there. */
  private @Nullable String operator(List<String> wanted) {
    skip();
    String there = null;
    for (String longer : LONGEST_FIRST) {
      if (text.startsWith(longer, at)) {
        there = longer;
        break;
      }
    }
    if (there == null && at < text.length()) {
      there = text.substring(at, at + 1);
    }
    if (there == null || !wanted.contains(there)) {
      return null;
    }
    at += there.length();
    return there;
  }

  private void require(char c) throws Refused {
    skip();
    if (!take(c)) {
      throw new Refused();
    }
  }

  private void skip() {
    while (" \t\f".indexOf(peek()) >= 0 || (depth > 0 && peek() == '\n')) {
      at++;
    }
  }
}
