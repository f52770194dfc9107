package org.optmerge.checkpoint;

/**
 * A checkpoint that cannot be used; the message names file, tensor, what was expected and what
 * came.
 */
public final class CheckpointException extends RuntimeException {
  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
