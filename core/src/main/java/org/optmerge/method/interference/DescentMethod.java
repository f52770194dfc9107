package org.optmerge.method.interference;

import ai.djl.ndarray.NDArray;
import java.util.Map;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.method.Matrices;
import org.optmerge.taskvector.TaskVector;

/** A method that goes down an interference loss: a loss, a start, a descent. */
interface DescentMethod extends InterferenceMethod {
  /** The loss of one matrix, in the cheaper form. */
  default ProjectionLoss loss(Matrices tau) {
    return loss(tau, ProjectionLoss.Builder.prefersFactors(projectorRows(tau), tau.columns()));
  }

  /** The loss of one matrix. */
  ProjectionLoss loss(Matrices tau, boolean factored);

  /** The number of rows that the projectors have in all. */
  long projectorRows(Matrices tau);

  /** The start of the descent. */
  Init init();

  /** The steps of the descent. */
  Descent descent();

  @Override
  default Map<String, Object> description() {
    return InterferenceDescription.of(descent());
  }

  @Override
  default TaskVector mergeMatrices(Matrices tau) {
    double start = init().ofSum(tau.count());
    if (descent().filter().isEmpty()) {
      // A step costs 2mn · min(n, 2R), and there are hundreds.
      ProjectionLoss loss = loss(tau, 2 * projectorRows(tau) < tau.columns());
      return AdamKernel.apply(tau, loss, start, learningRate(tau), descent().steps());
    }
    SpectralFilter filter = descent().filter().orElseThrow();
    Matrices matrices = SpectralKernel.inSufficientType(tau, filter);
    ProjectionLoss loss = loss(matrices);
    if (matrices != tau && SpectralKernel.exceedsFloat32(loss, filter)) {
      return SpectralKernel.apply(tau, loss(tau), start, filter);
    }
    return SpectralKernel.apply(matrices, loss, start, filter);
  }

  /** Adam's step size for this matrix. */
  default double learningRate(Matrices tau) {
    if (!descent().relativeRate()) {
      return descent().learningRate();
    }
    double size = Math.sqrt((double) tau.rows() * tau.columns());
    double sum = 0;
    for (int t = 0; t < tau.count(); t++) {
      sum += tau.norm(t) / size;
    }
    return descent().learningRate() * sum / tau.count();
  }

  /** Adds an expert whose target and projector are the whole task vector. */
  static void addWhole(ProjectionLoss.Builder loss, Matrices tau, int t, double weight) {
    if (weight == 0 || tau.squaredNorm(t) == 0) {
      return;
    }
    if (tau.isFactored(t)) {
      try (NDArray projector = tau.rowFactor(t);
          NDArray transposed = projector.transpose();
          NDArray b = tau.b(t);
          NDArray a = tau.a(t);
          NDArray inner = a.matMul(transposed);
          NDArray response = b.matMul(inner)) {
        loss.add(weight, projector, response, tau.squaredNorm(t));
      }
      return;
    }
    try (NDArray dense = tau.dense(t)) {
      if (loss.isFactored()) {
        try (NDArray response = LinearAlgebra.gramOfRows(dense, tau.type())) {
          loss.add(weight, dense, response, LinearAlgebra.largestEigenvalueAtMost(response));
        }
        return;
      }
      try (NDArray gram = LinearAlgebra.gramOfColumns(dense, tau.type())) {
        if (tau.rows() >= tau.columns()) {
          double largest = LinearAlgebra.largestEigenvalueAtMost(gram);
          try (NDArray product = dense.matMul(gram)) {
            loss.addGram(weight, gram, product, largest);
          }
        } else {
          try (NDArray left = LinearAlgebra.gramOfRows(dense, tau.type());
              NDArray product = left.matMul(dense)) {
            double largest = LinearAlgebra.largestEigenvalueAtMost(left);
            loss.addGram(weight, gram, product, largest);
          }
        }
      }
    }
  }
}
