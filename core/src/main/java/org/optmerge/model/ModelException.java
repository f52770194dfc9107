package org.optmerge.model;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/** A model that cannot be built, read or run as asked; the message says what was expected. */
public final class ModelException extends OptMergeException {
  public ModelException(String message) {
    super(message);
  }

  public ModelException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
