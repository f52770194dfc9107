package org.optmerge.merge;

import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.merge.ScratchPool.Scratch;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.Weight;

/** The inputs of one planned merge, read from their checkpoints block by block. */
final class PlannedStream extends TaskVectorStream {
  /**
   * Takes a block with the buffers it was read into; {@code scratch.base} holds θ_0 where there is
   * a base.
   */
  @FunctionalInterface
  interface BlockAction {
    void accept(Block block, Scratch scratch);
  }

  private final PlannedTensor tensor;
  private final @Nullable Weight baseWeight;
  private final @Nullable WeightReader base;
  private final List<WeightReader> inputs;
  private final @Nullable DType taskVectorDtype;
  private final boolean allowNonFinite;
  private final ScratchPool scratchPool;

  PlannedStream(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      boolean allowNonFinite,
      ScratchPool scratchPool,
      LongAdder bytesRead) {
    this.tensor = tensor;
    this.baseWeight = merge.base();
    this.base = baseWeight == null ? null : new WeightReader(baseWeight, bytesRead);
    this.inputs =
        merge.inputs().stream().map(weight -> new WeightReader(weight, bytesRead)).toList();
    this.taskVectorDtype = merge.taskVectorDtype();
    this.allowNonFinite = allowNonFinite;
    this.scratchPool = scratchPool;
  }

  @Override
  public String parameter() {
    return tensor.name();
  }

  @Override
  public List<Long> shape() {
    return tensor.shape();
  }

  @Override
  public int count() {
    return inputs.size();
  }

  @Override
  public void visit(long from, long to, long alignment, Consumer<Block> action) {
    visitWithBase(from, to, blockLength(alignment), (block, scratch) -> action.accept(block));
  }

  /** Entries of a block whose boundaries must be multiples of {@code alignment}. */
  static int blockLength(long alignment) {
    long blocks = Math.max(1, TensorMerger.BLOCK / alignment);
    return Math.toIntExact(Math.multiplyExact(blocks, alignment));
  }

  /** Task vector t as factors, if that input is an adapter over the base; null if it is not. */
  TaskVector.@Nullable LowRank factors(int t, NDManager manager) {
    return baseWeight != null
            && tensor.shape().size() == 2
            && inputs.get(t).isAdaptedFrom(baseWeight)
        ? inputs.get(t).factors(manager)
        : null;
  }

  void visitWithBase(long from, long to, int blockLength, BlockAction action) {
    Scratch scratch = scratchPool.borrow((int) Math.min(blockLength, Math.max(size(), 1)));
    try {
      for (long start = from; start < to; start += blockLength) {
        int length = (int) Math.min(blockLength, to - start);
        read(start, length, scratch);
        action.accept(new Block(start, length, scratch.tau), scratch);
      }
    } finally {
      scratchPool.giveBack(scratch);
    }
  }

  private void read(long start, int length, Scratch scratch) {
    if (base != null && baseWeight != null) {
      base.read(start, length, scratch.base);
      check(base, start, length, scratch.base);
      for (int t = 0; t < inputs.size(); t++) {
        WeightReader input = inputs.get(t);
        input.readTaskVector(start, length, scratch.base, baseWeight, scratch.tau[t]);
        check(input, start, length, scratch.tau[t]);
        if (taskVectorDtype != null && !input.isAdaptedFrom(baseWeight)) {
          FloatCodec.round(taskVectorDtype, scratch.tau[t], 0, length);
        }
      }
    } else {
      for (int t = 0; t < inputs.size(); t++) {
        inputs.get(t).read(start, length, scratch.tau[t]);
        check(inputs.get(t), start, length, scratch.tau[t]);
      }
    }
  }

  private void check(WeightReader reader, long start, int length, float[] values) {
    if (!allowNonFinite) {
      int at = NonFinite.firstIn(values, length);
      if (at >= 0) {
        throw new MergeException(
            NonFinite.message(
                Weights.describe(reader.weight()), tensor.shape(), start + at, values[at]));
      }
    }
  }
}
