package org.optmerge.method;

import java.util.Arrays;
import org.optmerge.base.BranchFree;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code ram}: entries that one model changed are added, those that several changed are
 * averaged over them.
 *
 * @param epsilon |τ| beyond which an entry counts as changed
 * @see <a href="https://arxiv.org/abs/2601.13572">RAM and RAM+, arXiv 2601.13572</a>
 */
record Ram(@ParameterDoc("change beyond which an entry counts as changed") double epsilon)
    implements StreamingMergeMethod {
  /** The default of mergekit. */
  public static final double EPSILON = 1e-5;

  public Ram {
    Check.atLeastZero("ram", "epsilon", epsilon);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    return new Regions(epsilon, ones(tau.count()));
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1f);
    return ones;
  }

  /** How many models changed an entry decides what becomes of it. */
  static final class Regions implements BlockMerge {
    private final float epsilon;
    private final float[] alone;
    private final BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);

    /**
     * A merge.
     *
     * @param alone per model, the factor for entries that it alone changed
     */
    Regions(double epsilon, float[] alone) {
      this.epsilon = (float) epsilon;
      this.alone = alone;
    }

    /** Counts, per entry, the models that changed it. */
    void count(Block block, float[] counts) {
      Arrays.fill(counts, 0, block.length(), 0f);
      for (int t = 0; t < alone.length; t++) {
        float[] tau = block.tau()[t];
        for (int i = 0; i < block.length(); i++) {
          counts[i] += BranchFree.positive(Math.abs(tau[i]) - epsilon);
        }
      }
    }

    @Override
    public void merge(Block block, float[] merged) {
      BufferPool.Scratch rows = scratch.borrow();
      int length = block.length();
      float[] counts = rows.row(0, length);
      count(block, counts);
      Arrays.fill(merged, 0, length, 0f);
      for (int t = 0; t < alone.length; t++) {
        add(block.tau()[t], counts, alone[t], merged, length);
      }
      scratch.giveBack(rows);
    }

    private void add(float[] tau, float[] counts, float alone, float[] merged, int length) {
      for (int i = 0; i < length; i++) {
        float changed = BranchFree.positive(Math.abs(tau[i]) - epsilon);
        float shared = BranchFree.positive(counts[i] - 1);
        float factor = shared / Math.max(counts[i], 1f) + (1 - shared) * alone;
        merged[i] += tau[i] * changed * factor;
      }
    }
  }
}
