package org.optmerge.base;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.optmerge.merge.MergeException;

/** Results of work given to a pool. */
public final class Tasks {
  private Tasks() {}

  /** Waits for a result; throws what the task threw, not what the pool made of it. */
  public static <T> T get(Future<T> future) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MergeException("the merge was interrupted", e);
    } catch (ExecutionException e) {
      throw unwrap(e);
    }
  }

  /** A pool wraps what a task threw, sometimes twice; the innermost has the message to show. */
  private static RuntimeException unwrap(Throwable thrown) {
    Throwable at = thrown;
    while (at.getCause() != null
        && (at instanceof ExecutionException || at.getCause().toString().equals(at.getMessage()))) {
      at = at.getCause();
    }
    if (at instanceof Error error) {
      throw error;
    }
    if (at instanceof IOException io) {
      return new UncheckedIOException(io);
    }
    return at instanceof RuntimeException runtime ? runtime : new IllegalStateException(at);
  }
}
