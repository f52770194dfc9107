package org.optmerge.base;

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
public final class Deadline implements AutoCloseable {
  /** Nothing that is small and sound takes so long, on a machine that has other work as well. */
  private static final Duration SHORTEST = Duration.ofSeconds(60);

  private static final long MILLISECONDS_A_MEGABYTE = 5000;

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
  public Deadline(Duration limit) {
    this.limit = limit;
  }

  /**
   * Does a step.
   *
   * @param what the step is, for the message
   * @throws IOException if it takes longer than the limit; the message names it
   */
  public <T> T within(String what, Callable<T> step) throws IOException {
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

  /**
   * Does all of the decoding of something, in a time that is fair for its length.
   *
   * @param what it is, for the message
   * @param bytes its length
   * @param decoding whose own failures are passed on as they are
   * @throws IOException if it takes longer; the message names it
   */
  public static <T> T decoded(String what, long bytes, Callable<T> decoding) throws IOException {
    Duration fair = SHORTEST.plusMillis(bytes * MILLISECONDS_A_MEGABYTE / 1_000_000);
    try (Deadline deadline = new Deadline(fair)) {
      return deadline.within(what, decoding);
    } catch (IOException e) {
      if (!(e.getCause() instanceof ExecutionException failure)) {
        throw e;
      }
      Throwable cause = failure.getCause();
      if (cause instanceof Error error) {
        throw error;
      }
      if (cause instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      throw cause instanceof IOException own ? own : e;
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
