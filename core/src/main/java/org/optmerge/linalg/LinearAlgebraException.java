package org.optmerge.linalg;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/**
 * A matrix that cannot be factorised: NaN or infinity in it, no convergence, singular, or a result
 * that does not reproduce it.
 */
public final class LinearAlgebraException extends OptMergeException {
  public LinearAlgebraException(String message) {
    super(message);
  }

  public LinearAlgebraException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** The same failure, with the parameter it happened at in front of the message. */
  public LinearAlgebraException at(String parameter) {
    return new LinearAlgebraException(
        "parameter '%s': %s".formatted(parameter, getMessage()), this);
  }
}
