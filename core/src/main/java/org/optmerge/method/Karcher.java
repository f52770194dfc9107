package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code karcher}: the Riemannian centre of mass of the models' directions, with the
 * mean of their lengths.
 *
 * <p>u starts as the normalised mean of the unit vectors û_t and moves along the tangent Σ a_t (φ_t
 * / sin φ_t) (û_t − ⟨u, û_t⟩ u), φ_t = arccos⟨u, û_t⟩, until that is shorter than {@code tol}.
 * Models shorter than {@code tol} have no direction but count in the length. Everything happens in
 * the span of the models, so their scalar products are all that is computed from data.
 *
 * @param weight a_t before they are made to sum to 1; mergekit has none, which is 1 each
 * @param maxIter steps at most
 * @param tol length of a step, or of a model, that counts as zero
 * @see <a href="https://doi.org/10.1002/cpa.3160300502">Karcher, Riemannian center of mass and
 *     mollifier smoothing, 1977</a>
 */
record Karcher(
    @ParameterDoc("weight of each model") PerModel weight,
    @ParameterDoc("steps at most") int maxIter,
    @ParameterDoc("length that counts as zero") double tol)
    implements StreamingMergeMethod {
  /** The defaults of mergekit. */
  public static final Karcher DEFAULT = new Karcher(PerModel.each(1), 10, 1e-5);

  public Karcher {
    Check.each("karcher", "weight", weight, v -> v >= 0 && Double.isFinite(v), "at least 0");
    Check.atLeast("karcher", "max_iter", maxIter, 0);
    Check.atLeastZero("karcher", "tol", tol);
  }

  @Override
  public Operand operand() {
    return Operand.WEIGHTS;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.covers("karcher", "weight", weight, count);
    Normalization.checkSum("karcher", parameter, weight.values(count));
  }

  @Override
  public BlockMerge prepare(TaskVectorStream weights) {
    return new LinearCombination(coefficients(Gram.of(weights)));
  }

  double[] coefficients(Gram gram) {
    int count = gram.count();
    double[] share = Normalization.normalized(weight.values(count));
    double length = 0;
    double directed = 0;
    double[] norms = new double[count];
    for (int t = 0; t < count; t++) {
      norms[t] = gram.norm(t);
      length += share[t] * norms[t];
      directed += norms[t] > tol ? share[t] : 0;
    }
    if (directed == 0) {
      return new double[count];
    }
    double[] u = new double[count];
    for (int t = 0; t < count; t++) {
      share[t] = norms[t] > tol ? share[t] / directed : 0;
      u[t] = norms[t] > tol ? share[t] / norms[t] : 0;
    }
    if (gram.norm(u) < tol) {
      u = new double[count];
      int first = 0;
      while (share[first] == 0) {
        first++;
      }
      u[first] = 1;
    }
    scale(u, 1 / gram.norm(u));
    for (int step = 0; step < maxIter && move(gram, norms, share, u); step++) {
      scale(u, 1 / gram.norm(u));
    }
    scale(u, length);
    return u;
  }

  /** One step; false if it would be too short. */
  private boolean move(Gram gram, double[] norms, double[] share, double[] u) {
    int count = u.length;
    double[] tangent = new double[count];
    double along = 0;
    for (int t = 0; t < count; t++) {
      if (share[t] == 0) {
        continue;
      }
      double[] unit = new double[count];
      unit[t] = 1 / norms[t];
      double cosine = Math.max(-1, Math.min(1, gram.product(u, unit)));
      double angle = Math.acos(cosine);
      double sine = Math.sin(angle);
      if (angle >= tol && sine > 0) {
        double pull = share[t] * angle / sine;
        tangent[t] += pull / norms[t];
        along += pull * cosine;
      }
    }
    for (int t = 0; t < count; t++) {
      tangent[t] -= along * u[t];
    }
    double distance = gram.norm(tangent);
    if (distance < tol) {
      return false;
    }
    for (int t = 0; t < count; t++) {
      u[t] = Math.cos(distance) * u[t] + Math.sin(distance) / distance * tangent[t];
    }
    return true;
  }

  private static void scale(double[] vector, double factor) {
    for (int t = 0; t < vector.length; t++) {
      vector[t] *= factor;
    }
  }
}
