package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;

/**
 * Iso-CTS: the leading singular vectors of the sum of the task vectors, and for each task the
 * leading ones of what that leaves of it, all made orthonormal together, with one singular value
 * for all: the mean.
 *
 * <p>Matrices only, the mean elsewhere. Singular directions whose value is no more than rounding
 * error are left out and count as zero in the mean; zero and repeated experts need no care.
 *
 * @param commonSpaceFraction share of the min(m, n) directions that the sum takes; what is left is
 *     divided evenly among the tasks, rounding half to even
 * @see <a href="https://arxiv.org/abs/2502.04959">Marczak et al., No task left behind, ICML
 *     2025</a>
 */
record IsoCts(
    @ParameterDoc("share of the directions that all tasks have in common")
        double commonSpaceFraction)
    implements MatrixMethod {
  /** fusion_bench's default. */
  public static final IsoCts PUBLISHED = new IsoCts(0.8);

  public IsoCts {
    Check.inUnitInterval("iso-cts", "common_space_fraction", commonSpaceFraction);
  }

  /** The number of directions each of {@code count} tasks gets of {@code side}. */
  int perTask(int side, int count) {
    int common = (int) (side * commonSpaceFraction);
    int each = (int) Math.rint((side - common) / (double) count);
    return Math.min(each, side / count);
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    int side = tau.smallerSide();
    int perTask = perTask(side, tau.count());
    double norms = 0;
    for (int t = 0; t < tau.count(); t++) {
      norms += tau.norm(t);
    }
    Svd common;
    try (NDArray sum = tau.sum(1)) {
      common =
          LinearAlgebra.truncatedSvd(
              sum, side - (long) perTask * tau.count(), LinearAlgebra.rankTolerance(norms));
    }
    SingularVectors vectors = new SingularVectors();
    for (int t = 0; t < tau.count() && perTask > 0; t++) {
      vectors.add(specific(tau, t, common.u(), perTask));
    }
    vectors.add(common);
    if (vectors.isEmpty()) {
      return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
    }
    double[] values = vectors.values();
    Arrays.fill(values, Arrays.stream(values).sum() / side);
    return new TaskVector.Dense(vectors.orthonormal(values));
  }

  /** The leading directions of τ_t − U Uᵀ τ_t. */
  private static Svd specific(Matrices tau, int t, NDArray u, int rank) {
    try (NDArray dense = tau.dense(t);
        NDArray transposed = u.transpose();
        NDArray along = transposed.matMul(dense);
        NDArray common = u.matMul(along);
        NDArray rest = dense.sub(common)) {
      return LinearAlgebra.truncatedSvd(rest, rank, LinearAlgebra.rankTolerance(tau.norm(t)));
    }
  }
}
