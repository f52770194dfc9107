package org.optmerge.method;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code linear}: Σ w_t θ_t, divided by Σ w_t if {@code normalize}.
 *
 * @param weight w_t
 * @param normalize whether the weights are made to sum to 1
 * @see <a href="https://arxiv.org/abs/2203.05482">Wortsman et al., Model soups, ICML 2022</a>
 */
record Linear(
    @Required @ParameterDoc("weight of each model") @Nullable PerModel weight,
    @ParameterDoc("divide by the sum of the weights") boolean normalize)
    implements StreamingMergeMethod {
  public Linear {
    Check.each("linear", "weight", weight, Double::isFinite, "a finite number");
  }

  @Override
  public Operand operand() {
    return Operand.WEIGHTS;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    double[] weights = Check.covers("linear", "weight", weight, count);
    if (normalize) {
      Normalization.checkSum("linear", parameter, weights);
    }
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    double[] weights = Check.covers("linear", "weight", weight, tau.count());
    return new LinearCombination(normalize ? Normalization.normalized(weights) : weights);
  }
}
