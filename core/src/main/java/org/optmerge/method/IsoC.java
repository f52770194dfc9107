package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;

/**
 * Iso-C: the sum of the task vectors with all singular values replaced by their mean.
 *
 * <p>Singular directions whose value is no more than rounding error are left out, where the
 * published code blows arbitrary ones up to the mean; the mean is taken over all min(m, n), as
 * published. If the task vectors cancel, or all are zero, so is the result. Factors stay factors.
 *
 * @param elsewhere what parameters that are not matrices become: their mean in the InternVL script
 *     and in fusion_bench, their sum in the baseline and modality scripts
 * @see <a href="https://arxiv.org/abs/2502.04959">Marczak et al., No task left behind, ICML
 *     2025</a>
 */
record IsoC(@ParameterDoc("what parameters that are not matrices become") NonMatrixRule elsewhere)
    implements MatrixMethod {
  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    double norms = 0;
    for (int t = 0; t < tau.count(); t++) {
      norms += tau.norm(t);
    }
    double tolerance = LinearAlgebra.rankTolerance(norms);
    Svd svd;
    if (tau.sumIsFactored()) {
      NDArray[] factors = tau.factorsOfSum();
      svd = Matrices.truncatedSvd(factors[0], factors[1], Long.MAX_VALUE, tolerance);
    } else {
      try (NDArray sum = tau.sum(1)) {
        svd = LinearAlgebra.truncatedSvd(sum, Long.MAX_VALUE, tolerance);
      }
    }
    if (svd.s().length == 0) {
      return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
    }
    double mean = Arrays.stream(svd.s()).sum() / tau.smallerSide();
    return tau.sumIsFactored()
        ? new TaskVector.LowRank(svd.u(), svd.vt(), mean)
        : new TaskVector.Dense(svd.u().matMul(svd.vt()).muli(mean));
  }
}
