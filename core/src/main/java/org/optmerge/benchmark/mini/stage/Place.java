package org.optmerge.benchmark.mini.stage;

import java.util.List;
import java.util.Locale;

/** Where something stands. */
public enum Place {
  /** On the left third. */
  LEFT,
  /** On the middle third. */
  MIDDLE,
  /** On the right third. */
  RIGHT;

  /** All of them, from left to right. */
  public static final List<Place> ALL = List.of(values());

  /** Its name, as questions and answers have it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
