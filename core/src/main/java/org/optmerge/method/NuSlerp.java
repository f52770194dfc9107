package org.optmerge.method;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code nuslerp}: spherical interpolation of two models, of their weights or of their
 * task vectors, by weights that need not sum to 1.
 *
 * <p>t = w_2 / (w_1 + w_2), or 1/2 where the sum is below 1e-6; then as in {@link Slerp}, but
 * without its threshold. The vectors are whole tensors, or, unless {@code nuslerpFlatten}, vectors
 * along the last extent (the rows of a matrix) or, with {@code nuslerpRowWise}, along the first
 * (its columns: the name says the opposite, mergekit's results are kept).
 *
 * @param weight w_t
 * @param nuslerpFlatten each tensor is one vector
 * @param nuslerpRowWise vectors lie along the first extent
 * @param operand task vectors if there is a base, weights otherwise
 * @see <a href="https://doi.org/10.1145/325334.325242">Shoemake, Animating rotation with quaternion
 *     curves, SIGGRAPH 1985</a>
 */
record NuSlerp(
    @Required @ParameterDoc("weight of each model") @Nullable PerModel weight,
    @ParameterDoc("interpolate each tensor as one vector") boolean nuslerpFlatten,
    @ParameterDoc("if not flattened: along the first extent instead of the last")
        boolean nuslerpRowWise,
    Operand operand)
    implements StreamingMergeMethod {
  /** The defaults of mergekit. */
  public static final NuSlerp DEFAULT = new NuSlerp(null, true, false, Operand.WEIGHTS);

  private static final double NO_WEIGHT = 1e-6;
  private static final double NO_NORM = 1e-7;

  public NuSlerp {
    Check.each("nuslerp", "weight", weight, Double::isFinite, "a finite number");
  }

  @Override
  public MergeMethod over(Operand operand) {
    return new NuSlerp(weight, nuslerpFlatten, nuslerpRowWise, operand);
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.inputs("nuslerp", count, 2, 2, "exactly two models besides the base");
    Check.covers("nuslerp", "weight", weight, count);
  }

  @Override
  public long alignment(List<Long> shape) {
    return nuslerpFlatten || nuslerpRowWise ? 1 : Extents.rowLength(shape);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream x) {
    double t = share();
    Coefficients coefficients = gram -> coefficients(gram, t);
    if (nuslerpFlatten) {
      return new LinearCombination(coefficients.of(Gram.of(x)));
    }
    return nuslerpRowWise
        ? ColumnwiseMerge.prepare(x, coefficients)
        : coefficients.perRow(Math.toIntExact(Extents.rowLength(x.shape())));
  }

  /** How far the way goes to the second model. */
  double share() {
    double[] weights = Check.covers("nuslerp", "weight", weight, 2);
    double sum = weights[0] + weights[1];
    return Math.abs(sum) < NO_WEIGHT ? 0.5 : weights[1] / sum;
  }

  static double[] coefficients(Gram gram, double t) {
    double lengths = Math.max(gram.norm(0), NO_NORM) * Math.max(gram.norm(1), NO_NORM);
    double cosine = Math.max(-1, Math.min(1, gram.product(0, 1) / lengths));
    return SphericalPath.coefficients(Math.acos(cosine), t);
  }
}
