package org.optmerge.evaluation;

import java.util.Set;

/**
 * Names of fields that tell how a prediction file was read. They are no part of a data set, and no
 * table of a kit has them.
 */
public final class InternalFields {
  /** What a model said, of which a judge extracted the answer. */
  public static final String SAID = "said";

  /** Whether an item needed no judge: {@code true} or {@code false}. */
  public static final String PREFETCHED = "prefetched";

  /** Why an item counts as wrong whatever its answer, such as an id that nobody knows. */
  public static final String WRONG = "unknown";

  /** All of them. */
  public static final Set<String> ALL = Set.of(SAID, PREFETCHED, WRONG);

  private InternalFields() {}
}
