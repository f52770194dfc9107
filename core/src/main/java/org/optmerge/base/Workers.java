package org.optmerge.base;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A bounded number of threads that work through items side by side: begun in their order, results
 * in their order.
 *
 * <p>The first failure wins: no further item is begun, and it is thrown when those that had begun
 * have ended, so that what they use may be closed. The same happens when the thread that waits is
 * interrupted; it stays marked as interrupted.
 */
public final class Workers implements AutoCloseable {
  private final ExecutorService pool;
  private final int threads;
  private final boolean interrupting;

  private Workers(ExecutorService pool, int threads, boolean interrupting) {
    this.pool = pool;
    this.threads = threads;
    this.interrupting = interrupting;
  }

  /** Threads that an item's own work may use too, by {@link java.util.concurrent.ForkJoinTask}. */
  public static Workers forking(int threads) {
    return new Workers(new ForkJoinPool(threads), threads, false);
  }

  /**
   * Plain threads, an item each.
   *
   * @param name of the threads
   * @param prepare runs first on each
   */
  public static Workers plain(int threads, String name, Runnable prepare) {
    return plain(threads, name, prepare, false);
  }

  /**
   * The same, but after a failure the other items' threads are interrupted. A file that such a
   * thread reads is closed then, for everyone.
   */
  public static Workers interrupting(int threads, String name, Runnable prepare) {
    return plain(threads, name, prepare, true);
  }

  private static Workers plain(int threads, String name, Runnable prepare, boolean interrupting) {
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads,
            work -> {
              Thread thread =
                  new Thread(
                      () -> {
                        prepare.run();
                        work.run();
                      },
                      name);
              thread.setDaemon(true);
              return thread;
            });
    return new Workers(pool, threads, interrupting);
  }

  /** Work on one item. */
  @FunctionalInterface
  public interface Work<T, R> {
    R of(T item) throws Exception;
  }

  /** Work on one item that gives nothing back. */
  @FunctionalInterface
  public interface Task<T> {
    void run(T item) throws Exception;
  }

  /** {@link #map(Collection, Work)} on threads of its own. */
  public static <T, R extends @Nullable Object> List<R> map(
      int threads, Collection<? extends T> items, Work<T, R> work) {
    try (Workers workers =
        plain(Math.max(1, Math.min(threads, items.size())), "worker", () -> {})) {
      return workers.map(items, work);
    }
  }

  /**
   * Works on all items.
   *
   * @return the results, in the order of the items
   * @throws OptMergeException or another unchecked exception: the failure of the foremost item that
   *     failed; a checked one is wrapped
   */
  public <T, R extends @Nullable Object> List<R> map(
      Collection<? extends T> items, Work<T, R> work) {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedWorkException(null);
    }
    List<T> all = List.copyOf(items);
    List<@Nullable R> results = new ArrayList<>(Collections.nCopies(all.size(), null));
    List<@Nullable Throwable> failures = new ArrayList<>(Collections.nCopies(all.size(), null));
    AtomicInteger next = new AtomicInteger();
    Loops loops = new Loops();
    List<Future<?>> begun = new ArrayList<>();
    for (int i = 0; i < Math.min(threads, all.size()); i++) {
      begun.add(
          pool.submit(
              () ->
                  loops.run(
                      () -> {
                        int at = next.getAndIncrement();
                        if (at >= all.size()) {
                          return false;
                        }
                        try {
                          results.set(at, work.of(all.get(at)));
                        } catch (Throwable thrown) {
                          if (loops.stop() || !interrupting) {
                            failures.set(at, thrown);
                          }
                        }
                        return true;
                      })));
    }
    InterruptedException interrupted = loops.await(begun);
    for (Throwable failure : failures) {
      if (failure != null) {
        throw unchecked(failure);
      }
    }
    if (interrupted != null) {
      throw new InterruptedWorkException(interrupted);
    }
    @SuppressWarnings("NullAway") // every item has its result now
    List<R> done = (List<R>) results;
    return done;
  }

  /** Works on all items, for what that does and not for what it gives. */
  public <T> void forEach(Collection<? extends T> items, Task<T> task) {
    this.<T, Boolean>map(
        items,
        item -> {
          task.run(item);
          return true;
        });
  }

  /** Begins one piece of work; {@link #get} waits for it. */
  public <R extends @Nullable Object> Future<R> begin(Callable<R> work) {
    return pool.submit(work);
  }

  /** Does one piece of work on these threads and waits for it. */
  public <R extends @Nullable Object> R call(Callable<R> work) {
    return get(begin(work));
  }

  /** Waits for a result; throws what the work threw, not what the pool made of it. */
  public static <R extends @Nullable Object> R get(Future<R> future) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedWorkException(e);
    } catch (ExecutionException e) {
      throw unchecked(e);
    }
  }

  /** Ends the threads, once their work has ended. */
  @Override
  public void close() {
    if (interrupting) {
      pool.shutdownNow();
    } else {
      pool.shutdown();
    }
    boolean interrupted = false;
    while (true) {
      try {
        if (pool.awaitTermination(1, TimeUnit.MINUTES)) {
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

  /** A pool wraps what a task threw, sometimes twice; the innermost has the message to show. */
  private static RuntimeException unchecked(Throwable thrown) {
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

  /**
   * The loops of one pass over items: each takes the next item until none is left or one failed.
   */
  private final class Loops {
    private final Set<Thread> running = new HashSet<>();
    private boolean stopped;

    void run(BooleanSupplier takeNext) {
      synchronized (this) {
        running.add(Thread.currentThread());
      }
      try {
        boolean more = true;
        while (more && !isStopped()) {
          more = takeNext.getAsBoolean();
        }
      } finally {
        synchronized (this) {
          running.remove(Thread.currentThread());
        }
        if (interrupting) {
          Thread.interrupted();
        }
      }
    }

    private synchronized boolean isStopped() {
      return stopped;
    }

    /** No further item is begun; true for the first who says so. */
    synchronized boolean stop() {
      boolean first = !stopped;
      stopped = true;
      if (first && interrupting) {
        running.stream().filter(it -> it != Thread.currentThread()).forEach(Thread::interrupt);
      }
      return first;
    }

    /**
     * Waits for the end of all loops; returns the interruption of the waiting, if there was one.
     */
    @Nullable InterruptedException await(List<Future<?>> loops) {
      InterruptedException interrupted = null;
      for (Future<?> loop : loops) {
        while (!loop.isDone()) {
          try {
            loop.get();
          } catch (InterruptedException e) {
            interrupted = e;
            stop();
          } catch (ExecutionException e) {
            throw unchecked(e);
          }
        }
      }
      if (interrupted != null) {
        Thread.currentThread().interrupt();
      }
      return interrupted;
    }
  }
}
