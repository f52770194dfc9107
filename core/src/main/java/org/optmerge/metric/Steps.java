package org.optmerge.metric;

import org.jspecify.annotations.Nullable;

/** A record of the intermediate steps of a score, for explanations. */
@FunctionalInterface
public interface Steps {
  /** Keeps nothing. */
  Steps NONE = (what, value) -> {};

  /**
   * Notes one step.
   *
   * @param what such as {@code normalised prediction}
   * @param value what it came to
   */
  void step(String what, @Nullable Object value);
}
