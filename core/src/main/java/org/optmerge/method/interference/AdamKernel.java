package org.optmerge.method.interference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.concurrent.CancellationException;
import org.optmerge.linalg.Adam;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.method.Matrices;
import org.optmerge.taskvector.TaskVector;

/**
 * Adam on a quadratic loss, with PyTorch's order of operations.
 *
 * <p>What moves is the displacement D = τ − τ₀: the gradient is 2DG + 2(τ₀G − H), whose constant
 * part is computed in float64. As D is small against τ₀ this loses less to rounding than the
 * published iteration even in float32, in which large matrices run, and one step costs 2mn·min(n,
 * 2R) operations instead of 4Nm²n. Small matrices run in float64 throughout.
 */
final class AdamKernel {
  /** Multiplications of one step up to which float64 costs next to nothing. */
  private static final double CHEAP = 1 << 27;

  /** A gradient of this share of the start is rounding error: some ulps of τ₀G and H. */
  private static final double ROUNDING = 1e-13;

  private AdamKernel() {}

  static TaskVector apply(
      Matrices tau, ProjectionLoss loss, double startOfSum, double learningRate, int steps) {
    NDArray start = tau.sum(startOfSum);
    double cost = (double) tau.rows() * tau.columns() * loss.side();
    DataType type = cost <= CHEAP ? DataType.FLOAT64 : DataType.FLOAT32;
    try (NDManager scope = tau.scope().newSubManager()) {
      NDArray atStart;
      try (NDArray wide = loss.halfGradient(start)) {
        double size = Math.sqrt(LinearAlgebra.squaredNorm(start));
        if (Math.sqrt(LinearAlgebra.squaredNorm(wide)) <= ROUNDING * size) {
          // The start is the minimum, as with one expert. Adam would blow up what rounding leaves
          // of the gradient to steps of full size.
          return new TaskVector.Dense(start);
        }
        atStart = rounded(scope, wide, type);
      }
      ProjectionLoss quadratic = displaced(scope, loss, atStart, type);
      NDArray displacement = scope.zeros(start.getShape(), type);
      Adam adam = new Adam(displacement);
      for (int step = 0; step < steps; step++) {
        if (Thread.currentThread().isInterrupted()) {
          throw new CancellationException(
              "parameter '%s': interrupted at step %d of %d"
                  .formatted(tau.parameter(), step, steps));
        }
        try (NDArray half = quadratic.halfGradient(displacement)) {
          if (quadratic instanceof ProjectionLoss.Factored) {
            half.addi(atStart);
          }
          adam.step(half.muli(2), learningRate);
        }
      }
      return new TaskVector.Dense(start.addi(displacement.toType(DataType.FLOAT64, true)));
    }
  }

  /**
   * The same loss as a function of the displacement. Its H is −(τ₀G − H) exactly; in factored form,
   * where H is not held, its constant gradient is added outside.
   */
  private static ProjectionLoss displaced(
      NDManager scope, ProjectionLoss loss, NDArray atStart, DataType type) {
    if (loss instanceof ProjectionLoss.Gram gram) {
      return new ProjectionLoss.Gram(rounded(scope, gram.g(), type), atStart.neg(), gram.largest());
    }
    ProjectionLoss.Factored factored = (ProjectionLoss.Factored) loss;
    NDArray b = rounded(scope, factored.b(), type);
    return new ProjectionLoss.Factored(
        b, scope.zeros(factored.y().getShape(), type), factored.largest());
  }

  private static NDArray rounded(NDManager scope, NDArray wide, DataType type) {
    return LinearAlgebra.attached(scope, wide.toType(type, true));
  }
}
