package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * Model Stock: the mean of the experts, drawn towards the base by as much as they disagree.
 *
 * <p>With c the mean cosine of the angles between task vectors, Δ = t · mean(τ), t = N c / (1 + (N
 * − 1) c). A negative c gives a negative t, as in both implementations; task vectors that cancel
 * altogether, c = −1/(N − 1), give t = 0.
 *
 * @param average what is averaged over pairs of task vectors
 * @param filterWise whether each row has its own t
 * @see <a href="https://arxiv.org/abs/2403.19522">Jang et al., Model Stock, ECCV 2024, equation
 *     5</a>
 */
record ModelStock(
    @FixedByName Average average,
    @ParameterDoc("take angles row by row instead of over the tensor") boolean filterWise)
    implements StreamingMergeMethod {
  /** The quantity that is averaged over pairs. */
  public enum Average {
    /** The angles, whose mean then has its cosine taken, as in fusion_bench. */
    ANGLES,
    /** The cosines, as in mergekit. */
    COSINES
  }

  /** mergekit's smallest product of two lengths. */
  private static final double NO_NORM = 1e-6;

  /** The number that fusion_bench adds to divisors; visible where task vectors are short. */
  private static final double EPSILON = 1e-8;

  private static final double CANCELS = 1e-9;

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.inputs(
        "model_stock", count, 2, Integer.MAX_VALUE, "at least two models besides the base");
  }

  @Override
  public long alignment(List<Long> shape) {
    return filterWise ? Extents.rowLength(shape) : 1;
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    Coefficients coefficients = this::coefficients;
    return filterWise
        ? coefficients.perRow(Math.toIntExact(Extents.rowLength(tau.shape())))
        : new LinearCombination(coefficients.of(Gram.of(tau)));
  }

  double[] coefficients(Gram gram) {
    int count = gram.count();
    double sum = 0;
    for (int s = 0; s < count; s++) {
      for (int t = 0; t < s; t++) {
        double cosine = cosine(gram, s, t);
        sum += average == Average.ANGLES ? Math.acos(cosine) : cosine;
      }
    }
    double mean = sum / (count * (count - 1) / 2.0);
    double cosine = average == Average.ANGLES ? Math.cos(mean) : mean;
    double divisor = 1 + (count - 1) * cosine + (average == Average.ANGLES ? EPSILON : 0);
    double share = Math.abs(divisor) < CANCELS ? 0 : count * cosine / divisor;
    double[] coefficients = new double[count];
    Arrays.fill(coefficients, share / count);
    return coefficients;
  }

  private double cosine(Gram gram, int s, int t) {
    double lengths = gram.norm(s) * gram.norm(t);
    // Two zero vectors have no angle; a right one draws the mean to the base, where they are.
    lengths = average == Average.ANGLES ? lengths + EPSILON : Math.max(lengths, NO_NORM);
    double cosine = gram.product(s, t) / lengths;
    return Math.max(-1, Math.min(1, cosine));
  }
}
