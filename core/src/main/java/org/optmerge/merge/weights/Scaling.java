package org.optmerge.merge.weights;

import org.optmerge.method.scaling.MeasuredScaling;
import org.optmerge.method.scaling.ScalingRule;

/** Where a tensor's λ comes from. */
public sealed interface Scaling {
  /** A number of the recipe, or of the method. */
  record Given(double value) implements Scaling {}

  /**
   * To be found from the weights, before the first byte is written.
   *
   * @param perTensor a λ for each tensor, or one for all of the rule
   */
  record Sought(ScalingRule rule, boolean perTensor) implements Scaling {
    /** As a recipe has it. */
    @Override
    public String toString() {
      return perTensor ? "{%s: tensor}".formatted(rule.label()) : rule.label();
    }
  }

  /** Found from the weights. */
  record Found(MeasuredScaling measured) implements Scaling {}
}
