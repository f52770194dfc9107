package org.optmerge.metric;

import org.jspecify.annotations.Nullable;

/** Hears how a score comes about, step by step, from the code that computes it. */
@FunctionalInterface
public interface Steps {
  /** Nobody listens. */
  Steps NONE = (what, value) -> {};

  /**
   * One step.
   *
   * @param what such as {@code normalised prediction}
   * @param value what it came to
   */
  void step(String what, @Nullable Object value);
}
