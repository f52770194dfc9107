package org.optmerge.metric;

import org.optmerge.base.OptMergeException;

/** A prediction that cannot be scored against its reference; the official code raises there. */
public final class MetricException extends OptMergeException {
  /** Says what is wrong. */
  public MetricException(String message) {
    super(message);
  }
}
