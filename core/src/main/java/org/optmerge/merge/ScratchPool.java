package org.optmerge.merge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * Buffers for one block each, used again and again: a fresh page costs far more than the bandwidth
 * to fill it.
 *
 * <p>A pool serves one merge. Blocks that are kept from one pass over a tensor to the next come
 * from a budget of their own, so that the pool's size does not follow from the model's.
 */
final class ScratchPool {
  private final int experts;
  private final AtomicLong keepable;
  private final ConcurrentLinkedDeque<Inputs> inputs = new ConcurrentLinkedDeque<>();
  private final ConcurrentLinkedDeque<Output> outputs = new ConcurrentLinkedDeque<>();

  /**
   * @param experts the largest number of inputs of any tensor
   * @param keepable bytes of blocks that may be kept between passes
   */
  private ScratchPool(int experts, long keepable) {
    this.experts = experts;
    this.keepable = new AtomicLong(keepable);
  }

  /**
   * For the tensors of a plan.
   *
   * @param keepable bytes of blocks that may be kept between passes
   */
  static ScratchPool of(MergePlan plan, long keepable) {
    int most = 1;
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.work() instanceof PlannedTensor.Merge merge) {
        most = Math.max(most, merge.inputs().size());
      }
    }
    return new ScratchPool(most, keepable);
  }

  /** A set whose arrays hold at least {@code length} entries. */
  Inputs borrowInputs(int length) {
    Inputs free = inputs.pollFirst();
    return free != null && free.length >= length
        ? free
        : new Inputs(experts, Math.max(length, TensorMerger.BLOCK));
  }

  void giveBack(Inputs used) {
    // Rows longer than a block are rare: their buffers are left to the garbage collector.
    if (used.length == TensorMerger.BLOCK) {
      inputs.addFirst(used);
    }
  }

  /** A set whose arrays hold at least {@code length} entries. */
  Output borrowOutput(int length) {
    Output free = outputs.pollFirst();
    return free != null && free.length >= length
        ? free
        : new Output(Math.max(length, TensorMerger.BLOCK));
  }

  void giveBack(Output used) {
    if (used.length == TensorMerger.BLOCK) {
      outputs.addFirst(used);
    }
  }

  /** Takes a block out of the budget for kept blocks; false if that is spent. */
  boolean keep(Inputs block) {
    long bytes = block.bytes();
    if (keepable.addAndGet(-bytes) >= 0) {
      return true;
    }
    keepable.addAndGet(bytes);
    return false;
  }

  /** Gives a kept block back. */
  void release(Inputs block) {
    keepable.addAndGet(block.bytes());
    giveBack(block);
  }

  /** Buffers for what is read of one block. */
  static final class Inputs {
    final int length;
    final float[][] tau;
    final float[] base;

    Inputs(int experts, int length) {
      this.length = length;
      this.tau = new float[experts][length];
      this.base = new float[length];
    }

    long bytes() {
      return 4L * length * (tau.length + 1);
    }
  }

  /** Buffers for what is made of one block. */
  static final class Output {
    final int length;
    final float[] merged;
    final ByteBuffer bytes;

    Output(int length) {
      this.length = length;
      this.merged = new float[length];
      this.bytes = ByteBuffer.allocateDirect(8 * length).order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
