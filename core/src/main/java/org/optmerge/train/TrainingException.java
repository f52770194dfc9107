package org.optmerge.train;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/** Training cannot begin or go on; the message says why and what to do. */
public final class TrainingException extends OptMergeException {
  private static final long serialVersionUID = 1L;

  /** With what happened, and where. */
  public TrainingException(String message) {
    super(message);
  }

  /** With what happened, and where. */
  public TrainingException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
