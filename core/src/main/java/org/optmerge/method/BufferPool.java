package org.optmerge.method;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Buffers that threads borrow for the time of one block, so that there are as many as threads at
 * work, whatever the number of blocks.
 */
final class BufferPool<B> {
  private final ConcurrentLinkedQueue<B> idle = new ConcurrentLinkedQueue<>();
  private final Supplier<B> fresh;

  BufferPool(Supplier<B> fresh) {
    this.fresh = fresh;
  }

  B borrow() {
    B buffer = idle.poll();
    return buffer == null ? fresh.get() : buffer;
  }

  void giveBack(B buffer) {
    idle.add(buffer);
  }

  /** All buffers that were given back. */
  Stream<B> all() {
    return idle.stream();
  }

  /** Some arrays of one length, which grows to what the longest block needs. */
  static final class Scratch {
    private final float[][] rows;

    Scratch(int count) {
      this.rows = new float[count][0];
    }

    static BufferPool<Scratch> of(int count) {
      return new BufferPool<>(() -> new Scratch(count));
    }

    float[] row(int index, int length) {
      if (rows[index].length < length) {
        rows[index] = new float[length];
      }
      return rows[index];
    }

    float[][] rows(int length) {
      for (int index = 0; index < rows.length; index++) {
        row(index, length);
      }
      return rows;
    }
  }

  /** Uses a buffer and gives it back. */
  <R> R with(Function<B, R> use) {
    B buffer = borrow();
    try {
      return use.apply(buffer);
    } finally {
      giveBack(buffer);
    }
  }
}
