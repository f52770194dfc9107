package org.optmerge.method;

import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * The sum of the task vectors: Δ = Σ τ_t.
 *
 * @see <a href="https://arxiv.org/abs/2212.04089">Ilharco et al., Editing models with task
 *     arithmetic, ICLR 2023</a>
 */
record TaskArithmetic() implements StreamingMergeMethod {
  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    return LinearCombination.each(1, tau.count());
  }

  @Override
  public TaskVector mergeFactored(TaskVectors tau) {
    return Matrices.factoredSum(tau, 1)
        .orElseGet(() -> StreamingMergeMethod.super.mergeFactored(tau));
  }
}
