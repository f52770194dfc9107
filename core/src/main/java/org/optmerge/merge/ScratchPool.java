package org.optmerge.merge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * Buffers for one block each, used again and again: a fresh page costs far more than the bandwidth
 * to fill it.
 *
 * <p>A pool serves one merge; it never holds more sets than were in use at once.
 */
final class ScratchPool {
  private final int inputs;
  private final ConcurrentLinkedDeque<Scratch> free = new ConcurrentLinkedDeque<>();

  /**
   * @param inputs the largest number of inputs of any tensor
   */
  private ScratchPool(int inputs) {
    this.inputs = inputs;
  }

  /** For the tensors of a plan. */
  static ScratchPool of(MergePlan plan) {
    int most = 1;
    for (MergePlan.OutputShard shard : plan.shards()) {
      for (PlannedTensor tensor : shard.tensors()) {
        if (tensor.work() instanceof PlannedTensor.Merge merge) {
          most = Math.max(most, merge.inputs().size());
        }
      }
    }
    return new ScratchPool(most);
  }

  /** A set whose arrays hold at least {@code length} entries. */
  Scratch borrow(int length) {
    Scratch scratch = free.pollFirst();
    return scratch != null && scratch.length >= length ? scratch : new Scratch(inputs, length);
  }

  void giveBack(Scratch scratch) {
    // Rows longer than a block are rare: their buffers are left to the garbage collector.
    if (scratch.length <= TensorMerger.BLOCK) {
      free.addFirst(scratch);
    }
  }

  /** One thread's buffers. */
  static final class Scratch {
    final int length;
    final float[][] tau;
    final float[] base;
    final float[] merged;
    final ByteBuffer bytes;

    Scratch(int inputs, int length) {
      this.length = length;
      this.tau = new float[inputs][length];
      this.base = new float[length];
      this.merged = new float[length];
      this.bytes = ByteBuffer.allocateDirect(8 * length).order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
