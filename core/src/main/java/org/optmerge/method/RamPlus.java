package org.optmerge.method;

import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code ramplus_tl}: {@link Ram} in which entries that model t alone changed are
 * multiplied by 1 + r · min(ρ_t, α), ρ_t being the number of entries it changed with others by the
 * number it changed alone, in this tensor.
 *
 * @param epsilon |τ| beyond which an entry counts as changed
 * @param r how strongly
 * @param alpha the largest ρ that counts
 * @see <a href="https://arxiv.org/abs/2601.13572">RAM and RAM+, arXiv 2601.13572</a>
 */
record RamPlus(
    @ParameterDoc("change beyond which an entry counts as changed") double epsilon,
    @ParameterDoc("how strongly entries that one model changed are amplified") double r,
    @ParameterDoc("largest ratio of shared to unique entries that counts") double alpha)
    implements StreamingMergeMethod {
  /** The defaults of mergekit. */
  public static final RamPlus DEFAULT = new RamPlus(Ram.EPSILON, 0.1, 0.2);

  public RamPlus {
    Check.atLeastZero("ramplus_tl", "epsilon", epsilon);
    Check.finite("ramplus_tl", "r", r);
    Check.atLeastZero("ramplus_tl", "alpha", alpha);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    int count = tau.count();
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);
    Ram.Regions regions = new Ram.Regions(epsilon, new float[count]);
    long[][] counts =
        tau.reduce(
            () -> new long[2][count],
            (sums, block) -> {
              BufferPool.Scratch rows = scratch.borrow();
              float[] models = rows.row(0, block.length());
              regions.count(block, models);
              for (int t = 0; t < count; t++) {
                add(block, t, models, sums);
              }
              scratch.giveBack(rows);
            },
            (a, b) -> {
              for (int t = 0; t < count; t++) {
                a[0][t] += b[0][t];
                a[1][t] += b[1][t];
              }
              return a;
            });
    float[] alone = new float[count];
    for (int t = 0; t < count; t++) {
      double ratio = counts[1][t] / Math.max(counts[0][t], Math.max(epsilon, Double.MIN_NORMAL));
      alone[t] = (float) (1 + r * Math.min(ratio, alpha));
    }
    return new Ram.Regions(epsilon, alone);
  }

  private void add(Block block, int t, float[] models, long[][] sums) {
    float limit = (float) epsilon;
    float[] tau = block.tau()[t];
    int unique = 0;
    int shared = 0;
    for (int i = 0; i < block.length(); i++) {
      if (Math.abs(tau[i]) > limit) {
        unique += models[i] == 1 ? 1 : 0;
        shared += models[i] > 1 ? 1 : 0;
      }
    }
    sums[0][t] += unique;
    sums[1][t] += shared;
  }
}
