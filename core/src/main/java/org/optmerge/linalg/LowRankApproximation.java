package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import org.optmerge.taskvector.TaskVector;

/**
 * A matrix as the factors of an adapter: the best approximation of a given rank, or the matrix
 * itself if its rank permits.
 *
 * @param factors B · A with scale 1, shapes (m, r) and (r, n), float64; the singular values are
 *     shared out evenly, and directions beyond the matrix's own rank are zero
 * @param relativeError ‖X − BA‖_F / ‖X‖_F; 0 for a matrix of zeros
 */
public record LowRankApproximation(TaskVector.LowRank factors, double relativeError) {
  /**
   * Approximates a matrix.
   *
   * @param rank r, at least 1 and at most min(m, n)
   * @return factors in the matrix's manager
   */
  public static LowRankApproximation of(NDArray matrix, int rank) {
    return of(new TaskVector.Dense(matrix), rank);
  }

  /**
   * Approximates a task vector; one that is factored is not expanded.
   *
   * @param rank r, at least 1 and at most min(m, n)
   * @return factors in the manager of the task vector
   * @throws IllegalArgumentException if the rank is out of range
   */
  public static LowRankApproximation of(TaskVector vector, int rank) {
    Shape shape = vector.shape();
    if (shape.dimension() != 2 || rank < 1 || rank > Math.min(shape.get(0), shape.get(1))) {
      throw new IllegalArgumentException(
          "low-rank approximation: rank must be in [1, min(m, n)] of a matrix, is %d for shape %s"
              .formatted(rank, shape));
    }
    NDArray any = vector instanceof TaskVector.LowRank lowRank ? lowRank.b() : vector.dense();
    try (NDManager scope = any.getManager().newSubManager()) {
      return vector instanceof TaskVector.LowRank lowRank
              && lowRank.rank() < Math.min(shape.get(0), shape.get(1))
          ? ofFactors(scope, lowRank, rank)
          : ofDense(scope, vector, rank);
    }
  }

  private static LowRankApproximation ofDense(NDManager scope, TaskVector vector, int rank) {
    NDArray x;
    if (vector instanceof TaskVector.LowRank lowRank) {
      NDArray b = LinearAlgebra.toFloat64(scope, lowRank.b());
      x = b.matMul(LinearAlgebra.toFloat64(scope, lowRank.a())).muli(lowRank.scale());
    } else {
      x = LinearAlgebra.toFloat64(scope, vector.dense());
    }
    Svd svd = LinearAlgebra.truncatedSvd(x, rank, 0);
    double norm = Math.sqrt(LinearAlgebra.squaredNorm(x));
    double error = Math.sqrt(LinearAlgebra.squaredNorm(x.sub(svd.with(svd.s()))));
    return split(scope, svd, rank, norm == 0 ? 0 : error / norm);
  }

  private static LowRankApproximation ofFactors(
      NDManager scope, TaskVector.LowRank vector, int rank) {
    // X = Q (R A) with orthonormal Q: a decomposition of the small R A is one of X.
    NDArray b = LinearAlgebra.toFloat64(scope, vector.b()).mul(vector.scale());
    Qr qr = LinearAlgebra.qr(b);
    Svd small =
        LinearAlgebra.truncatedSvd(
            qr.r().matMul(LinearAlgebra.toFloat64(scope, vector.a())), Long.MAX_VALUE, 0);
    Svd svd = new Svd(qr.q().matMul(small.u()), small.s(), small.vt()).leading(rank);
    double all = Arrays.stream(small.s()).map(s -> s * s).sum();
    double left = Arrays.stream(small.s()).skip(rank).map(s -> s * s).sum();
    return split(scope, svd, rank, all == 0 ? 0 : Math.sqrt(left / all));
  }

  private static LowRankApproximation split(NDManager scope, Svd svd, int rank, double error) {
    double[] roots = Arrays.stream(svd.s()).map(Math::sqrt).toArray();
    NDArray b = LinearAlgebra.scaleColumns(svd.u(), roots);
    NDArray a = LinearAlgebra.scaleRows(svd.vt(), roots);
    long missing = rank - roots.length;
    if (missing > 0) {
      b = b.concat(scope.zeros(new Shape(b.getShape().get(0), missing), DataType.FLOAT64), 1);
      a = a.concat(scope.zeros(new Shape(missing, a.getShape().get(1)), DataType.FLOAT64), 0);
    }
    return new LowRankApproximation(new TaskVector.LowRank(scope.ret(b), scope.ret(a), 1), error);
  }
}
