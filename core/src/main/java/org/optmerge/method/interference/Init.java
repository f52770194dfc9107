package org.optmerge.method.interference;

import org.apiguardian.api.API;

/** The start of an optimisation over the merged task vector. */
@API(status = API.Status.EXPERIMENTAL)
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
