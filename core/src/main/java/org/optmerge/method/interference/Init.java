package org.optmerge.method.interference;

/** The start of an optimisation over the merged task vector. */
public enum Init {
  /** The mean of the task vectors. */
  MEAN,
  /** Their sum. */
  SUM,
  /** Zero. */
  ZERO;

  /** The factor that turns the sum of {@code count} task vectors into the start. */
  double ofSum(int count) {
    return switch (this) {
      case MEAN -> 1.0 / count;
      case SUM -> 1;
      case ZERO -> 0;
    };
  }
}
