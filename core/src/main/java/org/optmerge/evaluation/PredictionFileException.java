package org.optmerge.evaluation;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/** A prediction file that cannot be read or scored; says which, where, and what was expected. */
public final class PredictionFileException extends OptMergeException {
  /** Says what is wrong. */
  public PredictionFileException(String message) {
    super(message);
  }

  /** Says what is wrong, and what it came of. */
  public PredictionFileException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
