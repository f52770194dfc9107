package org.optmerge.merge;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/**
 * A merge that cannot go on; the message names the tensor or file, what was expected, what came and
 * what to do.
 */
public final class MergeException extends OptMergeException {
  public MergeException(String message) {
    super(message);
  }

  public MergeException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
