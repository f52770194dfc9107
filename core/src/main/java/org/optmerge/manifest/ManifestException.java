package org.optmerge.manifest;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/**
 * A manifest that is not as it must be; the message says which, what was expected and what came.
 */
final class ManifestException extends OptMergeException {
  public ManifestException(String message) {
    super(message);
  }

  public ManifestException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
