package org.optmerge.metric;

/** A prediction that cannot be scored against its reference; the official code raises there. */
public final class MetricException extends RuntimeException {
  /** Says what is wrong. */
  public MetricException(String message) {
    super(message);
  }
}
