package org.optmerge.merge;

/**
 * A merge that cannot go on; the message names the tensor or file, what was expected, what came and
 * what to do.
 */
public final class MergeException extends RuntimeException {
  public MergeException(String message) {
    super(message);
  }

  public MergeException(String message, Throwable cause) {
    super(message, cause);
  }
}
