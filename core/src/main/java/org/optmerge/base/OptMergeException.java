package org.optmerge.base;

import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * The root of the project's exceptions: a request that cannot be carried out. The message is for
 * people: what failed and where, what was expected, what came, and what to do.
 */
@API(status = API.Status.EXPERIMENTAL)
public abstract class OptMergeException extends RuntimeException {
  protected OptMergeException(String message) {
    super(message);
  }

  protected OptMergeException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** A constructor of one of the exceptions: {@code CheckpointException::new}. */
  @FunctionalInterface
  public interface Kind {
    OptMergeException of(String message, @Nullable Throwable cause);
  }
}
