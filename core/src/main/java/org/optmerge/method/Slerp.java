package org.optmerge.method;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * Spherical interpolation of two models' weights, each tensor as one vector.
 *
 * <p>With c the cosine of the weights: if |c| exceeds the threshold, (1 − t) W_0 + t W_1; else,
 * with φ = arccos c, [sin((1 − t)φ) W_0 + sin(tφ) W_1] / sin φ. The weights themselves are
 * combined, not their directions.
 *
 * @param t 0 gives the first model (the base), 1 the second; null until given
 * @param dotThreshold |cosine| above which the two count as parallel
 * @see <a href="https://doi.org/10.1145/325334.325242">Shoemake, Animating rotation with quaternion
 *     curves, SIGGRAPH 1985</a>
 */
record Slerp(
    @Required @ParameterDoc("0 gives the base, 1 the other model") @Nullable Double t,
    @ParameterDoc("cosine from which on the models count as parallel") double dotThreshold)
    implements StreamingMergeMethod {
  /** The threshold of mergekit and of fusion_bench. */
  public static final double DOT_THRESHOLD = 0.9995;

  private static final double ZERO = 1e-8;

  public Slerp {
    if (t != null) {
      Check.finite("slerp", "t", t);
    }
    Check.inUnitInterval("slerp", "dot_threshold", dotThreshold);
  }

  /** With the usual threshold. */
  public static Slerp of(@Nullable Double t) {
    return new Slerp(t, DOT_THRESHOLD);
  }

  @Override
  public Operand operand() {
    return Operand.WEIGHTS;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.given("slerp", "t", t);
    Check.inputs("slerp", count, 2, 2, "exactly two models, the base and another");
  }

  @Override
  public BlockMerge prepare(TaskVectorStream weights) {
    return new LinearCombination(coefficients(Gram.of(weights), Check.given("slerp", "t", t)));
  }

  double[] coefficients(Gram gram, double t) {
    double cosine = gram.product(0, 1) / (length(gram.norm(0)) * length(gram.norm(1)));
    return Math.abs(cosine) > dotThreshold
        ? new double[] {1 - t, t}
        : SphericalPath.coefficients(Math.acos(cosine), t);
  }

  private static double length(double norm) {
    return norm > ZERO ? norm : 1;
  }
}
