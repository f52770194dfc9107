package org.optmerge.method;

import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * The mean of the experts: Δ = (1/N) Σ τ_t, so that θ_0 + Δ is the mean of their weights.
 *
 * @see <a href="https://arxiv.org/abs/2203.05482">Wortsman et al., Model soups, ICML 2022</a>
 */
record WeightAverage() implements StreamingMergeMethod {
  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    return LinearCombination.each(1.0 / tau.count(), tau.count());
  }

  @Override
  public TaskVector mergeFactored(TaskVectors tau) {
    return Matrices.factoredSum(tau, 1.0 / tau.count())
        .orElseGet(() -> StreamingMergeMethod.super.mergeFactored(tau));
  }
}
