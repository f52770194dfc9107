package org.optmerge.python;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/** A table that cannot be read; the message names file and place, and what was expected. */
final class TableException extends OptMergeException {
  public TableException(String message) {
    super(message);
  }

  public TableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
