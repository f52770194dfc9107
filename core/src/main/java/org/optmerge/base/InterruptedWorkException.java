package org.optmerge.base;

/** Work that its thread was asked to stop; the thread is still marked as interrupted. */
public final class InterruptedWorkException extends OptMergeException {
  public InterruptedWorkException(InterruptedException cause) {
    super("interrupted", cause);
  }
}
