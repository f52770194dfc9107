package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.Optional;
import org.optmerge.linalg.InverseRoot;
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
    if (tau.sumIsFactored()) {
      NDArray[] factors = tau.factorsOfSum();
      Svd svd = Matrices.truncatedSvd(factors[0], factors[1], Long.MAX_VALUE, tolerance);
      return svd.s().length == 0
          ? zero(tau)
          : new TaskVector.LowRank(svd.u(), svd.vt(), mean(tau, svd.s()));
    }
    if (tau.areLargeFloat32()) {
      try (NDArray sum = tau.inFloat32().sum(1)) {
        Optional<InverseRoot> root = InverseRoot.inFloat32(sum, tolerance);
        if (root.isPresent()) {
          return flattened(tau, sum, root.get());
        }
      }
    }
    try (NDArray sum = tau.sum(1)) {
      return flattened(tau, sum, InverseRoot.of(sum, tolerance));
    }
  }

  private static TaskVector flattened(Matrices tau, NDArray sum, InverseRoot root) {
    return root.singularValues().length == 0
        ? zero(tau)
        : new TaskVector.Dense(root.isometry(sum).muli(mean(tau, root.singularValues())));
  }

  private static double mean(Matrices tau, double[] singularValues) {
    return Arrays.stream(singularValues).sum() / tau.smallerSide();
  }

  private static TaskVector zero(Matrices tau) {
    return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
  }
}
