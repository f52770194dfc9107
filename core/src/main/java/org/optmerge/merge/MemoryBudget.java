package org.optmerge.merge;

import java.util.concurrent.Semaphore;

/** Memory that several threads share: who needs more than is left waits until others are done. */
final class MemoryBudget {
  private static final long UNIT = 1 << 20;

  private final int units;
  private final Semaphore free;

  MemoryBudget(long bytes) {
    this.units = (int) Math.max(1, Math.min(Integer.MAX_VALUE, bytes / UNIT));
    this.free = new Semaphore(units, true);
  }

  /** Waits for so many bytes; more than there are in all count as all. */
  Share take(long bytes) {
    int wanted = (int) Math.max(1, Math.min(units, (bytes + UNIT - 1) / UNIT));
    try {
      free.acquire(wanted);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MergeException("the merge was interrupted", e);
    }
    return () -> free.release(wanted);
  }

  /** A share of the memory, held until it is closed. */
  @FunctionalInterface
  interface Share extends AutoCloseable {
    @Override
    void close();
  }
}
