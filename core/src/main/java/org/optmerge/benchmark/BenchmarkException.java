package org.optmerge.benchmark;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/**
 * Questions that cannot be read: their files are not there or not as they must be. The message
 * names file and row, what was expected, what came, and what to do.
 */
public final class BenchmarkException extends OptMergeException {
  public BenchmarkException(String message) {
    super(message);
  }

  public BenchmarkException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
