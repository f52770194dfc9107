package org.optmerge.train;

/** Training cannot begin or go on; the message says why and what to do. */
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** With what happened, and where. */
  public TrainingException(String message) {
    super(message);
  }

  /** With what happened, and where. */
  public TrainingException(String message, Throwable cause) {
    super(message, cause);
  }
}
