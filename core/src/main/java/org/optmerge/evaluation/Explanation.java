package org.optmerge.evaluation;

import java.util.List;

/**
 * The scoring of one example.
 *
 * @param item with its score
 * @param steps in the order of the computation
 */
public record Explanation(Predicted item, List<Step> steps) {
  /**
   * One step.
   *
   * @param what such as {@code normalised prediction}
   * @param value what it came to
   */
  public record Step(String what, String value) {}

  public Explanation {
    steps = List.copyOf(steps);
  }
}
