package org.optmerge.merge;

import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.merge.ScratchPool.Inputs;
import org.optmerge.merge.weights.NonFinite;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.WeightReader;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.Weight;

/** The inputs of one planned merge, read from their checkpoints block by block. */
final class PlannedStream extends TaskVectorStream {
  /** Takes a block; {@code base} holds the same entries of θ_0 where there is a base. */
  @FunctionalInterface
  interface BlockAction {
    void accept(Block block, float[] base);
  }

  private final @Nullable Weight baseWeight;
  private final @Nullable WeightReader base;
  private final List<WeightReader> inputs;
  private final @Nullable DType taskVectorDtype;
  private final @Nullable DType inputDtype;
  private final boolean allowNonFinite;
  private final ScratchPool scratchPool;

  /** Blocks that were read, by number, once {@link #keepBlocks} has been called. */
  private @Nullable AtomicReferenceArray<Inputs> kept;

  private int keptLength;
  private volatile boolean keeping;

  PlannedStream(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      boolean allowNonFinite,
      ScratchPool scratchPool,
      LongAdder bytesRead) {
    super(tensor.parameter(), tensor.shape(), merge.inputs().size());
    this.baseWeight = merge.base();
    this.base = baseWeight == null ? null : new WeightReader(baseWeight, bytesRead);
    this.inputs =
        merge.inputs().stream().map(weight -> new WeightReader(weight, bytesRead)).toList();
    this.taskVectorDtype = merge.taskVectorDtype();
    this.inputDtype = merge.inputDtype();
    this.allowNonFinite = allowNonFinite;
    this.scratchPool = scratchPool;
  }

  @Override
  public void visit(long from, long to, long alignment, Consumer<Block> action) {
    visitWithBase(from, to, blockLength(alignment), (block, theta0) -> action.accept(block));
  }

  /** Entries of a block whose boundaries must be multiples of {@code alignment}. */
  static int blockLength(long alignment) {
    long blocks = Math.max(1, TensorMerger.BLOCK / alignment);
    return Math.toIntExact(Math.multiplyExact(blocks, alignment));
  }

  /** Task vector t as factors, if that input is an adapter over the base; null if it is not. */
  TaskVector.@Nullable LowRank factors(int t, NDManager manager) {
    return baseWeight != null && shape().size() == 2 && inputs.get(t).isAdaptedFrom(baseWeight)
        ? inputs.get(t).factors(manager)
        : null;
  }

  /**
   * From now on blocks of this length stay in memory once they are read, as far as the budget goes,
   * so that a method of several passes converts its inputs once.
   */
  void keepBlocks(int blockLength) {
    kept = new AtomicReferenceArray<>(Math.toIntExact((size() + blockLength - 1) / blockLength));
    keptLength = blockLength;
    keeping = true;
  }

  /**
   * Adds no more blocks to those that are kept, which still serve: nothing after the last pass will
   * read it.
   */
  void keepNoMore() {
    keeping = false;
  }

  /** Gives back what {@link #keepBlocks} kept. */
  void releaseBlocks() {
    AtomicReferenceArray<Inputs> blocks = kept;
    kept = null;
    for (int i = 0; blocks != null && i < blocks.length(); i++) {
      Inputs block = blocks.get(i);
      if (block != null) {
        scratchPool.release(block);
      }
    }
  }

  void visitWithBase(long from, long to, int blockLength, BlockAction action) {
    AtomicReferenceArray<Inputs> blocks =
        blockLength == keptLength && from % blockLength == 0 ? kept : null;
    Inputs own = null;
    try {
      for (long start = from; start < to; start += blockLength) {
        int length = (int) Math.min(blockLength, to - start);
        int number = (int) (start / blockLength);
        Inputs block = blocks == null ? null : blocks.get(number);
        if (block == null) {
          if (own == null) {
            own = scratchPool.borrowInputs(blockLength);
          }
          read(start, length, own);
          block = own;
          // A block may be cut short at the end of a range; only a whole one serves another pass.
          boolean whole = length == blockLength || start + length == size();
          if (blocks != null && keeping && whole && scratchPool.keep(own)) {
            blocks.set(number, own);
            own = null;
          }
        }
        // Buffers have room for the largest number of inputs of any tensor.
        float[][] tau = Arrays.copyOf(block.tau, inputs.size());
        action.accept(new Block(start, length, tau), block.base);
      }
    } finally {
      if (own != null) {
        scratchPool.giveBack(own);
      }
    }
  }

  private void read(long start, int length, Inputs into) {
    if (base != null && baseWeight != null) {
      base.read(start, length, into.base);
      cast(baseWeight, into.base, length);
      for (int t = 0; t < inputs.size(); t++) {
        WeightReader input = inputs.get(t);
        boolean adapted = input.isAdaptedFrom(baseWeight);
        if (adapted || !isCast(input.weight())) {
          input.readTaskVector(start, length, into.base, baseWeight, into.tau[t]);
        } else {
          input.read(start, length, into.tau[t]);
          cast(input.weight(), into.tau[t], length);
          for (int i = 0; i < length; i++) {
            into.tau[t][i] -= into.base[i];
          }
        }
        check(input, start, length, into.tau[t], into.base);
        if (taskVectorDtype != null && !adapted) {
          FloatCodec.round(taskVectorDtype, into.tau[t], 0, length);
        }
      }
    } else {
      for (int t = 0; t < inputs.size(); t++) {
        inputs.get(t).read(start, length, into.tau[t]);
        cast(inputs.get(t).weight(), into.tau[t], length);
        check(inputs.get(t), start, length, into.tau[t], null);
      }
    }
  }

  private void cast(Weight weight, float[] values, int length) {
    if (inputDtype != null && isCast(weight)) {
      FloatCodec.round(inputDtype, values, 0, length);
    }
  }

  /** True if the type to which inputs are cast does not hold all values of the stored one. */
  private boolean isCast(Weight weight) {
    return (inputDtype == DType.F16 || inputDtype == DType.BF16)
        && weight.dtypes().stream().anyMatch(dtype -> dtype != inputDtype);
  }

  /** A task vector is finite only if both weights are: one look at it checks expert and base. */
  private void check(
      WeightReader reader, long start, int length, float[] values, float @Nullable [] theta0) {
    if (!allowNonFinite) {
      int at = NonFinite.firstIn(values, length);
      if (at >= 0) {
        boolean inBase = theta0 != null && base != null && !Float.isFinite(theta0[at]);
        WeightReader faulty = inBase && base != null ? base : reader;
        Weight weight = faulty.weight();
        float value = valueAt(faulty, start + at);
        throw new MergeException(
            Float.isFinite(value) && inputDtype != null
                ? NonFinite.overflow(
                    weight.describe(), shape(), start + at, value, inputDtype.torchName())
                : NonFinite.message(weight.describe(), shape(), start + at, value));
      }
    }
  }

  private static float valueAt(WeightReader reader, long index) {
    float[] value = new float[1];
    reader.read(index, 1, value);
    return value[0];
  }
}
