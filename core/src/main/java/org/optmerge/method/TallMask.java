package org.optmerge.method;

import java.util.List;
import org.optmerge.base.BranchFree;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * TALL-masks: of the sum of the task vectors the entries that matter to one task.
 *
 * <p>Mask t is |τ_t| &gt; λ |Σ τ − τ_t|; the model of task t is θ_0 + mask_t · Σ τ.
 *
 * @param lambda λ: the larger, the fewer entries
 * @param task the task to recover, from 1
 * @see <a href="https://arxiv.org/abs/2405.07813">Wang et al., Localizing task information, ICML
 *     2024, equation 4</a>
 */
record TallMask(
    @ParameterDoc("the larger, the fewer entries a task keeps") double lambda,
    @ParameterDoc("the task to recover, from 1") int task)
    implements StreamingMergeMethod {
  /** The middle of the paper's grid. */
  public static final double LAMBDA = 0.4;

  public TallMask {
    Check.atLeastZero("tall-mask", "lambda", lambda);
    Check.atLeast("tall-mask", "task", task, 1);
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.task("tall-mask", task, count);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    float share = (float) lambda;
    return (block, merged) -> {
      block.sum(merged);
      float[] vector = block.tau()[task - 1];
      for (int i = 0; i < block.length(); i++) {
        merged[i] *= mask(vector[i], merged[i], share);
      }
    };
  }

  /** 1 if an entry matters to a task, else 0. */
  static float mask(float tau, float sum, float lambda) {
    return BranchFree.positive(Math.abs(tau) - lambda * Math.abs(sum - tau));
  }
}
