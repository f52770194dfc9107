package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * SVC, after any method: shrinks each singular value of the merged task vector by how much more of
 * each task it holds along its direction than the task itself does.
 *
 * <p>For direction r with left vector u_r: aᵢ = u_rᵀτᵢ, sᵢ = ⟨σ_r v_r, aᵢ⟩/‖aᵢ‖², σ_r ← σ_r · N/Σ
 * max(α, sᵢ). A task without any part along u_r counts as α (the published code divides by zero).
 * Parameters that are not matrices keep what the other method gives.
 *
 * @param inner what is calibrated
 * @param innerScaling λ of the other method, on which the calibration depends
 * @param alpha α, positive: 1 leaves directions alone that hold less than the tasks do
 * @see <a href="https://arxiv.org/abs/2602.05536">When shared knowledge hurts: spectral
 *     over-accumulation in model merging</a>
 */
record SingularValueCalibration(
    MergeMethod inner,
    @ParameterDoc("scaling of the method that is calibrated") double innerScaling,
    @ParameterDoc("least projection coefficient of a task") double alpha)
    implements MatrixMethod {
  public SingularValueCalibration {
    Check.finite("svc", "inner_scaling", innerScaling);
    Check.that("svc", "alpha", alpha, a -> a > 0 && Double.isFinite(a), "positive");
  }

  @Override
  public TaskVector mergeFactored(TaskVectors tau) {
    if (merges(tau)) {
      return MatrixMethod.super.mergeFactored(tau);
    }
    try (NDArray merged = inner.merge(tau)) {
      return new TaskVector.Dense(merged.mul(innerScaling));
    }
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    TaskVectors vectors = new TaskVectors(tau.parameter(), tau.vectors());
    NDArray merged = inner.merge(vectors);
    merged.attach(tau.scope());
    NDArray wide = LinearAlgebra.toFloat64(tau.scope(), merged).mul(innerScaling);
    Svd svd = LinearAlgebra.svd(wide);
    int rank = svd.s().length;
    double[] sum = new double[rank];
    NDArray ut = svd.u().transpose();
    NDArray weighted = LinearAlgebra.scaleRows(svd.vt(), svd.s());
    for (int t = 0; t < tau.count(); t++) {
      try (NDArray dense = tau.dense(t);
          NDArray response = ut.matMul(dense);
          NDArray products = response.mul(weighted);
          NDArray along = products.sum(new int[] {1});
          NDArray squares = response.mul(response);
          NDArray norms = squares.sum(new int[] {1})) {
        double[] projection = along.toDoubleArray();
        double[] norm = norms.toDoubleArray();
        for (int r = 0; r < rank; r++) {
          sum[r] += norm[r] == 0 ? alpha : Math.max(alpha, projection[r] / norm[r]);
        }
      }
    }
    double[] calibrated = new double[rank];
    Arrays.setAll(calibrated, r -> svd.s()[r] * tau.count() / sum[r]);
    return new TaskVector.Dense(svd.with(calibrated));
  }
}
