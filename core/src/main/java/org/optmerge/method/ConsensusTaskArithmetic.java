package org.optmerge.method;

import java.util.Arrays;
import org.optmerge.base.BranchFree;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * Consensus task arithmetic: of the sum of the task vectors the entries that matter to at least k
 * tasks, by the masks of {@link TallMask}.
 *
 * @param lambda λ of the masks
 * @param k tasks that an entry must matter to
 * @see <a href="https://arxiv.org/abs/2405.07813">Wang et al., Localizing task information, ICML
 *     2024, section 4.2</a>
 */
record ConsensusTaskArithmetic(
    @ParameterDoc("the larger, the fewer entries a task keeps") double lambda,
    @ParameterDoc("tasks that an entry must matter to") int k)
    implements StreamingMergeMethod {
  public ConsensusTaskArithmetic {
    Check.atLeastZero("consensus-ta", "lambda", lambda);
    Check.atLeast("consensus-ta", "k", k, 0);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    float share = (float) lambda;
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);
    return (block, merged) -> {
      BufferPool.Scratch rows = scratch.borrow();
      float[] tasks = rows.row(0, block.length());
      Arrays.fill(tasks, 0, block.length(), 0f);
      block.sum(merged);
      for (float[] vector : block.tau()) {
        for (int i = 0; i < block.length(); i++) {
          tasks[i] += TallMask.mask(vector[i], merged[i], share);
        }
      }
      for (int i = 0; i < block.length(); i++) {
        merged[i] *= BranchFree.positive(tasks[i] - k + 0.5f);
      }
      scratch.giveBack(rows);
    };
  }
}
