package org.optmerge.method;

import java.util.List;
import java.util.function.Consumer;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * DARE's preparation of task vectors: drop a share p of the entries, multiply the others by 1 / (1
 * − p).
 *
 * @param dropRate p
 * @param rescale whether the others are multiplied
 * @param strategy which entries are dropped
 * @param seed of the random numbers; the entries dropped are a function of it, of the expert's
 *     position, of the parameter's name and of the entry's index
 * @see <a href="https://arxiv.org/abs/2311.03099">Yu et al., Language models are super Mario, ICML
 *     2024</a>
 */
record DropAndRescale(
    @ParameterDoc("share of the entries to drop") double dropRate,
    @ParameterDoc("multiply the others by 1 / (1 - drop_rate)") boolean rescale,
    @ParameterDoc("which entries are dropped") Strategy strategy,
    long seed) {
  /** As in the official code, which drops far less than the paper. */
  public static final DropAndRescale DEFAULT = random(0.2, 0);

  /** The choice of the entries that are dropped. */
  public enum Strategy {
    /** Each with probability p. */
    RANDOM,
    /** Those up to the ⌊n p⌋-th smallest magnitude, tensor by tensor. */
    MAGNITUDE
  }

  public DropAndRescale {
    Check.that("dare", "drop_rate", dropRate, v -> v >= 0 && v < 1, "in [0, 1)");
  }

  /** DARE itself. */
  public static DropAndRescale random(double dropRate, long seed) {
    return new DropAndRescale(dropRate, true, Strategy.RANDOM, seed);
  }

  /** DARE before a method. */
  Dare then(StreamingMergeMethod inner) {
    return new Dare(this, inner);
  }

  /** The task vectors after dropping, block by block. */
  TaskVectorStream of(TaskVectorStream tau) {
    return new Dropped(tau, mask(tau));
  }

  private float factor() {
    return rescale ? (float) (1 / (1 - dropRate)) : 1f;
  }

  private Mask mask(TaskVectorStream tau) {
    double[] density = PerModel.each(1 - dropRate).values(tau.count());
    if (strategy == Strategy.RANDOM) {
      return new Sparsifier.Bernoulli(seed).mask(tau, density);
    }
    long rank = (long) (tau.size() * dropRate);
    if (rank == 0) {
      return Mask.ALL;
    }
    float[] dropped = MagnitudeSelection.kthSmallest(List.of(tau), rank);
    return (block, t, factor, target) ->
        Mask.above(block.tau()[t], 0, block.length(), dropped[t], factor, target);
  }

  private final class Dropped extends TaskVectorStream {
    private final TaskVectorStream tau;
    private final Mask mask;

    Dropped(TaskVectorStream tau, Mask mask) {
      super(tau.parameter(), tau.shape(), tau.count());
      this.tau = tau;
      this.mask = mask;
    }

    @Override
    public void visit(long from, long to, long alignment, Consumer<Block> action) {
      BufferPool.Scratch rows = new BufferPool.Scratch(tau.count());
      tau.visit(from, to, alignment, block -> action.accept(drop(block, rows)));
    }

    Block drop(Block block, BufferPool.Scratch rows) {
      float[][] kept = rows.rows(block.length());
      for (int t = 0; t < kept.length; t++) {
        mask.apply(block, t, factor(), kept[t]);
      }
      return new Block(block.start(), block.length(), kept);
    }
  }

  /** The merge of a block of the task vectors as they were before dropping. */
  StreamingMergeMethod.BlockMerge prepare(TaskVectorStream tau, StreamingMergeMethod inner) {
    Dropped dropped = new Dropped(tau, mask(tau));
    StreamingMergeMethod.BlockMerge merge = inner.prepare(dropped);
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(tau.count());
    return (block, merged) -> {
      BufferPool.Scratch rows = scratch.borrow();
      merge.merge(dropped.drop(block, rows), merged);
      scratch.giveBack(rows);
    };
  }
}
