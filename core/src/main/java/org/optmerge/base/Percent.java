package org.optmerge.base;

import java.util.Locale;

/** Shares in percent, with a point whatever the language of the machine. */
public final class Percent {
  private Percent() {}

  /** For example {@code 61.3}. */
  public static String of(double share) {
    return of(share, 1);
  }

  /** The same with another number of decimals. */
  public static String of(double share, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", 100 * share);
  }

  /** An interval of shares, for example {@code [60.1, 62.4]}. */
  public static String range(double lower, double upper) {
    return range(lower, upper, 1);
  }

  /** The same with another number of decimals. */
  public static String range(double lower, double upper, int decimals) {
    return "[%s, %s]".formatted(of(lower, decimals), of(upper, decimals));
  }

  /** For example {@code 61.3 %}; {@code -} if it is undefined, as the share of nothing is. */
  public static String withSign(double share) {
    return Double.isFinite(share) ? of(share) + " %" : "-";
  }
}
