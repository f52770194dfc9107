package org.optmerge.linalg;

import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * How many threads the engine uses for one call.
 *
 * <p>Two matrices, each on one thread, take less time than one after the other on two: much of a
 * factorisation runs on one thread whatever it is given.
 */
public final class EngineThreads {
  private EngineThreads() {}

  /** The threads that a call from this thread uses. */
  public static int count() {
    TorchModule.load();
    return JniUtils.getNumThreads();
  }

  /**
   * From now on calls from this thread use so many, and so do those from threads that have not
   * called the engine yet.
   *
   * @param count at least 1
   */
  public static void set(int count) {
    TorchModule.load();
    JniUtils.setNumThreads(count);
  }

  /**
   * Does pieces of work side by side, each on a thread for which the engine uses no other: for many
   * small matrices that is the fastest, and no result depends on how many threads there are.
   *
   * @param threads how many are done at the same time
   * @return the results, in the order of the work
   * @throws RuntimeException or Error if a piece fails, after those that had begun have ended; the
   *     first failure in the order of the work
   */
  public static <T> List<T> sideBySide(int threads, List<? extends Supplier<T>> work) {
    if (work.isEmpty()) {
      return List.of();
    }
    int before = count();
    ExecutorService workers =
        Executors.newFixedThreadPool(
            Math.min(threads, work.size()),
            run -> {
              Thread thread =
                  new Thread(
                      () -> {
                        set(1);
                        run.run();
                      },
                      "one-engine-thread");
              thread.setDaemon(true);
              return thread;
            });
    AtomicBoolean failed = new AtomicBoolean();
    try {
      List<Future<Optional<T>>> begun = new ArrayList<>();
      for (Supplier<T> piece : work) {
        begun.add(workers.submit(() -> failed.get() ? Optional.empty() : of(piece, failed)));
      }
      List<T> results = new ArrayList<>();
      for (Future<Optional<T>> one : begun) {
        one.get().ifPresent(results::add);
      }
      return results;
    } catch (InterruptedException e) {
      failed.set(true);
      Thread.currentThread().interrupt();
      throw new LinearAlgebraException("interrupted", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException thrown) {
        throw thrown;
      }
      if (e.getCause() instanceof Error thrown) {
        throw thrown;
      }
      throw new IllegalStateException(e.getCause());
    } finally {
      workers.shutdown();
      awaitEnd(workers);
      set(before);
    }
  }

  private static <T> Optional<T> of(Supplier<T> piece, AtomicBoolean failed) {
    try {
      return Optional.of(piece.get());
    } catch (RuntimeException | Error e) {
      failed.set(true);
      throw e;
    }
  }

  /** What workers use may be closed once they are done, not before. */
  private static void awaitEnd(ExecutorService workers) {
    boolean interrupted = false;
    while (true) {
      try {
        if (workers.awaitTermination(1, TimeUnit.MINUTES)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
