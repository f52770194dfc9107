package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.Optional;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * TSV-Merge: the leading ⌊min(m, n)/N⌋ singular vectors of each task vector, those of all tasks
 * made orthonormal together, with the singular values they had.
 *
 * <p>The intended method; the published script never reaches it and returns the mean ({@code
 * tsv-as-published}). Matrices only, the mean elsewhere and for the head. The result is zero where
 * there are more experts than rows, as published.
 *
 * <p>Singular vectors whose singular value is no more than rounding error (2⁻²¹ ‖τ‖_F) are left
 * out: on rank-deficient experts, such as LoRA, the published rule fills up with directions of
 * noise, and changes in the thirteenth digit turn the result by a large angle. A repeated expert
 * counts once; a zero one not at all. Factors stay factors.
 *
 * @see <a href="https://arxiv.org/abs/2412.00081">Gargiulo et al., Task Singular Vectors, CVPR
 *     2025</a>
 */
record Tsv() implements MatrixMethod {
  /** The share of its norm by which float32 arithmetic may move a result of large matrices. */
  private static final double FLOAT32_ERROR = 3e-6;

  @Override
  public boolean merges(TaskVectors tau) {
    return tau.shape().dimension() == 2 && !OutputHead.is(tau.parameter());
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    int rank = tau.smallerSide() / tau.count();
    if (tau.areLargeFloat32()) {
      Optional<NDArray> merged = inFloat32(tau.inFloat32(), rank);
      if (merged.isPresent()) {
        return new TaskVector.Dense(merged.get());
      }
    }
    SingularVectors vectors = new SingularVectors();
    for (int t = 0; t < tau.count(); t++) {
      vectors.add(tau.truncatedSvd(t, rank));
    }
    if (vectors.isEmpty()) {
      return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
    }
    return tau.sumIsFactored()
        ? vectors.orthonormalFactors(vectors.values())
        : new TaskVector.Dense(vectors.orthonormal(vectors.values()));
  }

  private static Optional<NDArray> inFloat32(Matrices tau, int rank) {
    SingularVectors vectors = new SingularVectors();
    for (int t = 0; t < tau.count(); t++) {
      Optional<Svd> leading = tau.truncatedSvdInFloat32(t, rank, FLOAT32_ERROR);
      if (leading.isEmpty()) {
        return Optional.empty();
      }
      vectors.add(leading.get());
    }
    return vectors.orthonormalInFloat32(vectors.values(), FLOAT32_ERROR);
  }
}
