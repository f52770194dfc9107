package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * Spherical interpolation of two models' weights, each tensor as one vector.
 *
 * <p>With c the cosine of the weights: if |c| exceeds the threshold, (1 − t) W_0 + t W_1; else,
 * with φ = arccos c, [sin((1 − t)φ) W_0 + sin(tφ) W_1] / sin φ. The weights themselves are
 * combined, not their directions.
 *
 * @param t 0 gives the first model (the base), 1 the second; {@link #REQUIRED} until given
 * @param dotThreshold |cosine| above which the two count as parallel
 */
@Paper(
    value = "Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985",
    url = "https://doi.org/10.1145/325334.325242")
public record Slerp(
    @ParameterDoc("0 gives the base, 1 the other model") double t,
    @ParameterDoc("cosine from which on the models count as parallel") double dotThreshold)
    implements StreamingMergeMethod {
  /** Stands for a value not given yet. */
  public static final double REQUIRED = Double.NaN;

  /** The threshold of mergekit and of fusion_bench. */
  public static final double DOT_THRESHOLD = 0.9995;

  private static final double ZERO = 1e-8;

  public Slerp {
    Check.that("slerp", "t", t, v -> !Double.isInfinite(v), "a finite number");
    Check.inUnitInterval("slerp", "dot_threshold", dotThreshold);
  }

  /** With the usual threshold. */
  public static Slerp of(double t) {
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
    return new LinearCombination(coefficients(Gram.of(weights)));
  }

  private double[] coefficients(Gram gram) {
    double cosine = gram.product(0, 1) / (length(gram.norm(0)) * length(gram.norm(1)));
    return Math.abs(cosine) > dotThreshold
        ? new double[] {1 - t, t}
        : Arc.coefficients(Math.acos(cosine), t);
  }

  private static double length(double norm) {
    return norm > ZERO ? norm : 1;
  }
}
