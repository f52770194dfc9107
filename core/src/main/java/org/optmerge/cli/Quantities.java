package org.optmerge.cli;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Numbers as people read them; decimal units, as disks and downloads are measured. */
final class Quantities {
  private static final String[] BYTES = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  private static final String[] COUNTS = {"", " k", " M", " G", " T", " P", " E"};

  private Quantities() {}

  /** For example {@code 988 MB}. */
  static String bytes(double bytes) {
    return bytes < 999.5 ? String.format(Locale.ROOT, "%.0f B", bytes) : scaled(bytes, BYTES, " ");
  }

  /** For example {@code 494 M}. */
  static String count(double count) {
    return count < 999.5 ? String.format(Locale.ROOT, "%.0f", count) : scaled(count, COUNTS, "");
  }

  /** Three significant digits and a unit. */
  private static String scaled(double value, String[] units, String space) {
    int unit = 0;
    double rest = value;
    while (rest >= 999.5 && unit < units.length - 1) {
      rest /= 1000;
      unit++;
    }
    int decimals = rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0;
    return String.format(Locale.ROOT, "%." + decimals + "f", rest) + space + units[unit];
  }

  /** For example {@code 42 s}, {@code 3 min 20 s}, {@code 2 h 05 min}. */
  static String seconds(double seconds) {
    if (seconds < 9.95) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    if (whole < 3600) {
      return String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60);
    }
    return String.format(Locale.ROOT, "%d h %02d min", whole / 3600, whole % 3600 / 60);
  }

  /** Four significant digits; {@code -} if undefined. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    double magnitude = Math.abs(value);
    if (magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e5)) {
      return String.format(Locale.ROOT, "%.3e", value);
    }
    int decimals = magnitude < 10 ? 4 : magnitude < 1000 ? 2 : 1;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  /** For example {@code 896 x 128}; {@code scalar} for no extents. */
  static String shape(List<Long> shape) {
    return shape.isEmpty()
        ? "scalar"
        : shape.stream().map(String::valueOf).collect(Collectors.joining(" x "));
  }

  /** A number and its noun, with an s unless it is one. */
  static String of(long count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }
}
