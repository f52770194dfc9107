package org.optmerge.base;

import org.jspecify.annotations.Nullable;

/** The end of work whose thread was asked to stop; the thread is still marked as interrupted. */
public final class InterruptedWorkException extends OptMergeException {
  public InterruptedWorkException(@Nullable InterruptedException cause) {
    super("interrupted", cause);
  }
}
