package org.optmerge.benchmark.mini;

import java.util.Locale;

/** A constant whose name is a word of questions and answers. */
public interface Word {
  /** The name of the constant. */
  String name();

  /** The word. */
  default String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
