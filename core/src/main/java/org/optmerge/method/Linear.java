package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code linear}: Σ w_t θ_t, divided by Σ w_t if {@code normalize}.
 *
 * @param weight w_t
 * @param normalize whether the weights are made to sum to 1
 */
@Paper(value = "Wortsman et al., Model soups, ICML 2022", url = "https://arxiv.org/abs/2203.05482")
public record Linear(
    @ParameterDoc("weight of each model") PerModel weight,
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
    Check.covers("linear", "weight", weight, count);
    if (normalize) {
      Weights.checkSum("linear", parameter, weight.values(count));
    }
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    double[] weights = weight.values(tau.count());
    return new LinearCombination(normalize ? Weights.normalized(weights) : weights);
  }
}
