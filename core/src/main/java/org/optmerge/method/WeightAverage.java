package org.optmerge.method;

import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/** The mean of the experts: Δ = (1/N) Σ τ_t, so that θ_0 + Δ is the mean of their weights. */
@Paper(value = "Wortsman et al., Model soups, ICML 2022", url = "https://arxiv.org/abs/2203.05482")
public record WeightAverage() implements StreamingMergeMethod {
  /** What the published TSV script computes: its SVD branch is never reached. */
  @Paper(
      value = "Gargiulo et al., Task Singular Vectors, CVPR 2025",
      url = "https://arxiv.org/abs/2412.00081")
  public static final WeightAverage TSV_AS_PUBLISHED = new WeightAverage();

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
