package org.optmerge.manifest;

/**
 * A manifest that is not as it must be; the message says which, what was expected and what came.
 */
public final class ManifestException extends RuntimeException {
  public ManifestException(String message) {
    super(message);
  }

  public ManifestException(String message, Throwable cause) {
    super(message, cause);
  }
}
