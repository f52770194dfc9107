package org.optmerge.manifest;

import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/**
 * A failure to fetch something; the message says what, from where, why, and what to do. It holds no
 * token and no query of an address, which may be a signature.
 */
final class FetchException extends OptMergeException {
  public FetchException(String message) {
    super(message);
  }

  public FetchException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
