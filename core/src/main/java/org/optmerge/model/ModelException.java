package org.optmerge.model;

/** A model that cannot be built, read or run as asked; the message says what was expected. */
public final class ModelException extends RuntimeException {
  public ModelException(String message) {
    super(message);
  }

  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
