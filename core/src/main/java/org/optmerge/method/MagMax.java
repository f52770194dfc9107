package org.optmerge.method;

import org.optmerge.base.BranchFree;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * MagMax: of each entry the value of largest magnitude; among equals the last expert's.
 *
 * @see <a href="https://arxiv.org/abs/2407.06322">Marczak et al., MagMax, ECCV 2024</a>
 */
record MagMax() implements StreamingMergeMethod {
  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    return MagMax::merge;
  }

  private static void merge(Block block, float[] merged) {
    System.arraycopy(block.tau()[0], 0, merged, 0, block.length());
    for (int t = 1; t < block.tau().length; t++) {
      take(block.tau()[t], merged, block.length());
    }
  }

  private static void take(float[] tau, float[] merged, int length) {
    for (int i = 0; i < length; i++) {
      float smaller = BranchFree.positive(Math.abs(merged[i]) - Math.abs(tau[i]));
      merged[i] = merged[i] * smaller + tau[i] * (1 - smaller);
    }
  }
}
