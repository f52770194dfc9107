package org.optmerge.python;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A Python number: an exact integer or a float; operators as Python has them. */
public sealed interface PythonNumber {
  /** No answer to a question in mathematics is longer; a product may not grow beyond it. */
  int MOST_BITS = 20_000;

  /** An int. */
  record Whole(BigInteger value) implements PythonNumber {
    @Override
    public double toDouble() {
      return value.doubleValue();
    }
  }

  /** A float. */
  record Real(double value) implements PythonNumber {
    @Override
    public double toDouble() {
      return value;
    }
  }

  /** As a float; infinite where Python raises OverflowError. */
  double toDouble();

  static PythonNumber of(long value) {
    return new Whole(BigInteger.valueOf(value));
  }

  static PythonNumber of(double value) {
    return new Real(value);
  }

  default PythonNumber negated() {
    return this instanceof Whole whole ? new Whole(whole.value.negate()) : new Real(-toDouble());
  }

  /** {@code abs(this - other) < limit}. */
  default boolean closerThan(double limit, PythonNumber other) {
    if (this instanceof Whole a && other instanceof Whole b) {
      return a.value.subtract(b.value).abs().doubleValue() < limit;
    }
    return Math.abs(toDouble() - other.toDouble()) < limit;
  }

  /**
   * The value of {@code this operator other}; null where Python raises, or the result is absurd.
   */
  default @Nullable PythonNumber apply(String operator, PythonNumber other) {
    PythonNumber result =
        this instanceof Whole a && other instanceof Whole b
            ? whole(operator, a.value, b.value)
            : real(operator, toDouble(), other.toDouble());
    return result instanceof Whole w && w.value.bitLength() > MOST_BITS ? null : result;
  }

  private static @Nullable PythonNumber whole(String operator, BigInteger a, BigInteger b) {
    return switch (operator) {
      case "+" -> new Whole(a.add(b));
      case "-" -> new Whole(a.subtract(b));
      case "*" -> new Whole(a.multiply(b));
      case "/" ->
          b.signum() == 0
              ? null
              : new Real(
                  new BigDecimal(a)
                      .divide(new BigDecimal(b), MathContext.DECIMAL128)
                      .doubleValue());
      case "//" -> b.signum() == 0 ? null : new Whole(floorDivided(a, b));
      case "%" -> b.signum() == 0 ? null : new Whole(a.subtract(floorDivided(a, b).multiply(b)));
      case "**" -> power(a, b);
      case "&" -> new Whole(a.and(b));
      case "|" -> new Whole(a.or(b));
      case "^" -> new Whole(a.xor(b));
      case "<<" ->
          b.signum() < 0 || b.bitLength() > 16 ? null : new Whole(a.shiftLeft(b.intValue()));
      case ">>" ->
          b.signum() < 0 || b.bitLength() > 31 ? null : new Whole(a.shiftRight(b.intValue()));
      default -> compared(operator, a.compareTo(b));
    };
  }

  private static @Nullable PythonNumber power(BigInteger base, BigInteger exponent) {
    if (exponent.signum() < 0) {
      return base.signum() == 0
          ? null
          : new Real(Math.pow(base.doubleValue(), exponent.doubleValue()));
    }
    if (base.bitLength() <= 1) {
      // 0, 1 and −1 stay small whatever the exponent.
      if (base.signum() == 0) {
        return of(exponent.signum() == 0 ? 1 : 0);
      }
      return base.signum() > 0 || !exponent.testBit(0) ? of(1) : of(-1);
    }
    return exponent.bitLength() > 16
            || (long) base.bitLength() * exponent.intValue() > 2L * MOST_BITS
        ? null
        : new Whole(base.pow(exponent.intValue()));
  }

  private static BigInteger floorDivided(BigInteger a, BigInteger b) {
    BigInteger[] parts = a.divideAndRemainder(b);
    return parts[1].signum() != 0 && parts[1].signum() != b.signum()
        ? parts[0].subtract(BigInteger.ONE)
        : parts[0];
  }

  private static @Nullable PythonNumber real(String operator, double a, double b) {
    return switch (operator) {
      case "+" -> of(a + b);
      case "-" -> of(a - b);
      case "*" -> of(a * b);
      case "/" -> b == 0 ? null : of(a / b);
      case "//" -> b == 0 ? null : of(Math.floor(a / b));
      case "%" -> b == 0 ? null : of(a - Math.floor(a / b) * b);
      case "**" -> {
        double power = Math.pow(a, b);
        // Python has no real root of a negative number, and overflow is an error.
        yield Double.isNaN(power) || Double.isInfinite(power) ? null : of(power);
      }
      default -> compared(operator, Double.compare(a, b));
    };
  }

  private static @Nullable PythonNumber compared(String operator, int order) {
    return switch (operator) {
      case "<" -> of(order < 0 ? 1 : 0);
      case "<=" -> of(order <= 0 ? 1 : 0);
      case ">" -> of(order > 0 ? 1 : 0);
      case ">=" -> of(order >= 0 ? 1 : 0);
      case "==" -> of(order == 0 ? 1 : 0);
      case "!=" -> of(order != 0 ? 1 : 0);
      default -> null;
    };
  }

  /**
   * The value of a literal of Python source without sign, which is stricter than {@code int()} and
   * {@code float()}.
   *
   * @return null if it is no literal: {@code 010}, {@code 1__0}, {@code 2j}, digits of other
   *     scripts
   */
  static @Nullable PythonNumber literal(String text) {
    if (isPlain(text)) {
      return of(Long.parseLong(text));
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
      return first == '0' && integer.get().signum() != 0 ? null : new Whole(integer.get());
    }
    if (lower.chars().allMatch(c -> c >= '0' && c <= '9' || c == '_')) {
      return null;
    }
    var real = PythonText.parseFloat(lower);
    return real.isPresent() ? of(real.getAsDouble()) : null;
  }

  private static @Nullable PythonNumber withRadix(String digits, int radix) {
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
    return checked.length() > 4300
        ? null
        : new Whole(new BigInteger(checked.replace("_", ""), radix));
  }

  /** Nearly every number is of this kind. */
  private static boolean isPlain(String text) {
    return !text.isEmpty()
        && text.length() <= 18
        && text.charAt(0) != '0'
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
