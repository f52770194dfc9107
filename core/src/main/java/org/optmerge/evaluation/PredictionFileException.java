package org.optmerge.evaluation;

/** A prediction file that cannot be read or scored; says which, where, and what was expected. */
public final class PredictionFileException extends RuntimeException {
  /** Says what is wrong. */
  public PredictionFileException(String message) {
    super(message);
  }

  /** Says what is wrong, and what it came of. */
  public PredictionFileException(String message, Throwable cause) {
    super(message, cause);
  }
}
