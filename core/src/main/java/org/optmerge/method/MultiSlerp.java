package org.optmerge.method;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code multislerp}: a spherical mean of any number of models, of their weights or of
 * their task vectors.
 *
 * <p>a_t = w_t (divided by their sum if {@code normalizeWeights}), u_t = x_t / (‖x_t‖ + ε), m = Σ
 * a_t u_t; the result has the direction of m and the length Σ a_t ‖x_t‖. mergekit then takes a step
 * along the tangent Σ a_t (u_t − ⟨u_t, m̂⟩ m̂). That tangent is m − ⟨m, m̂⟩ m̂ = 0, so the step is
 * left out here. Where m vanishes two models are combined in a straight line, and more are refused.
 *
 * @param weight w_t
 * @param normalizeWeights whether weights are made to sum to 1
 * @param eps ε
 * @param operand task vectors if there is a base, weights otherwise
 * @see <a href="https://goddard.blog/posts/multislerp-wow-what-a-cool-idea/">Goddard,
 *     multislerp</a>
 */
record MultiSlerp(
    @Required @ParameterDoc("weight of each model") @Nullable PerModel weight,
    @ParameterDoc("divide the weights by their sum") boolean normalizeWeights,
    @ParameterDoc("length that counts as zero") double eps,
    Operand operand)
    implements StreamingMergeMethod {
  /** The defaults of mergekit. */
  public static final MultiSlerp DEFAULT = new MultiSlerp(null, true, 1e-8, Operand.WEIGHTS);

  /** A mean of unit vectors cannot be told from zero below this, whatever ε. */
  private static final double ROUNDING = 1e-7;

  public MultiSlerp {
    Check.each("multislerp", "weight", weight, Double::isFinite, "a finite number");
    Check.atLeastZero("multislerp", "eps", eps);
  }

  @Override
  public MergeMethod over(Operand operand) {
    return new MultiSlerp(weight, normalizeWeights, eps, operand);
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.inputs("multislerp", count, 1, Integer.MAX_VALUE, "one model or more");
    double[] weights = Check.covers("multislerp", "weight", weight, count);
    if (normalizeWeights) {
      Normalization.checkSum("multislerp", parameter, weights);
    }
  }

  @Override
  public BlockMerge prepare(TaskVectorStream x) {
    int count = x.count();
    double[] weights = Check.covers("multislerp", "weight", weight, count);
    double[] a = normalizeWeights ? Normalization.normalized(weights) : weights;
    return new LinearCombination(coefficients(Gram.of(x), a, x.parameter()));
  }

  /** The coefficient of each input. */
  double[] coefficients(Gram gram, double[] a, String parameter) {
    int count = gram.count();
    double[] mean = new double[count];
    double length = 0;
    double longest = 0;
    for (int t = 0; t < count; t++) {
      double norm = gram.norm(t);
      // ε keeps the quotient finite; a parameter of zeros stays zero.
      mean[t] = norm == 0 ? 0 : a[t] / (norm + eps);
      length += a[t] * norm;
      longest = Math.max(longest, norm);
    }
    double norm = gram.norm(mean);
    if (count == 1 || longest == 0) {
      return a;
    }
    if (norm < Math.max(eps, ROUNDING)) {
      if (count == 2) {
        return a;
      }
      throw new IllegalArgumentException(
          "multislerp: the %d models cancel in '%s', so their mean has no direction; change the weights"
              .formatted(count, parameter));
    }
    for (int t = 0; t < count; t++) {
      mean[t] *= length / norm;
    }
    return mean;
  }
}
