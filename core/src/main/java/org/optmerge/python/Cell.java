package org.optmerge.python;

import java.math.BigInteger;

/**
 * A table cell as pandas holds it.
 *
 * @param kind of value
 * @param text {@code str()} of it; {@code nan} if missing
 */
public record Cell(Kind kind, String text) {
  /** No value, or a text that pandas takes for none. */
  public static final Cell MISSING = new Cell(Kind.MISSING, "nan");

  /** The kinds of values of a cell. */
  public enum Kind {
    TEXT,
    /** An int. */
    WHOLE,
    /** A float. */
    REAL,
    /** A bool. */
    TRUTH,
    MISSING
  }

  /** Some text, to be interpreted with its column. */
  public static Cell text(String text) {
    return new Cell(Kind.TEXT, text);
  }

  public static Cell whole(BigInteger value) {
    return new Cell(Kind.WHOLE, value.toString());
  }

  public static Cell real(double value) {
    return new Cell(Kind.REAL, PythonText.repr(value));
  }

  static Cell truth(boolean value) {
    return new Cell(Kind.TRUTH, value ? "True" : "False");
  }

  /** True if there is no value. */
  public boolean missing() {
    return kind == Kind.MISSING;
  }
}
