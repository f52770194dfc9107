package org.optmerge.model.media;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Steps of a decoder that may never return from damaged data, done on a thread of their own that
 * does not keep the process alive. A step that is late is given up; its thread goes on if it
 * listens to no interrupt, since Java cannot end it.
 */
final class Deadline implements AutoCloseable {
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          step -> {
            Thread worker = new Thread(step, "decoder");
            worker.setDaemon(true);
            return worker;
          });
  private final Duration limit;

  /**
   * @param limit for each step
   */
  Deadline(Duration limit) {
    this.limit = limit;
  }

  /**
   * Does a step.
   *
   * @param what the step is, for the message
   * @throws IOException if it takes longer than the limit; the message names it
   */
  <T> T within(String what, Callable<T> step) throws IOException {
    Future<T> result = thread.submit(step);
    try {
      return result.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      result.cancel(true);
      throw new IOException(
          "%s was not decoded within %d seconds; is it damaged?".formatted(what, limit.toSeconds()),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while decoding", e);
    } catch (ExecutionException e) {
      throw new IOException("%s cannot be decoded: %s".formatted(what, e.getCause()), e);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
