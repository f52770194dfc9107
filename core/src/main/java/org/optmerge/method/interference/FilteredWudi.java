package org.optmerge.method.interference;

import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.optmerge.method.Check;
import org.optmerge.method.Matrices;
import org.optmerge.taskvector.TaskVector;

/**
 * The common part of SWUDI, ASWUDI and IWUDI: WUDI's loss, and a filter of its Hessian's floored
 * spectrum instead of a descent.
 */
interface FilteredWudi extends InterferenceMethod {
  /** Squared norms below this count as this, or as zero if all are. */
  double NEGLIGIBLE = 1e-12;

  /** The start of the filter. */
  Init init();

  /** Eigenvalues below it count as it. */
  double minEigenvalue();

  /** ψ for all n eigenvalues of a matrix, floored, descending. */
  double[] psi(double[] eigenvalues, long rows, long columns);

  /** The filter where it acts. */
  SpectralFilter spectralFilter();

  /** The directions in which the filter acts, in words. */
  default String directions() {
    return "in every direction";
  }

  @Override
  default Map<String, Object> description() {
    return InterferenceDescription.of(spectralFilter(), directions());
  }

  @Override
  default TaskVector mergeMatrices(Matrices tau) {
    double largest = 0;
    for (int t = 0; t < tau.count(); t++) {
      largest = Math.max(largest, tau.squaredNorm(t));
    }
    if (largest < NEGLIGIBLE) {
      return new TaskVector.Dense(tau.sum(1.0 / tau.count()));
    }
    Matrices sufficient = SpectralKernel.inSufficientType(tau, spectralFilter());
    return merged(sufficient).or(() -> merged(tau)).orElseThrow();
  }

  private Optional<TaskVector> merged(Matrices tau) {
    boolean factored = ProjectionLoss.Builder.prefersFactors(tau.rowFactorRows(), tau.columns());
    var loss = new ProjectionLoss.Builder(tau, factored);
    for (int t = 0; t < tau.count(); t++) {
      DescentMethod.addWhole(loss, tau, t, 1 / Math.max(tau.squaredNorm(t), NEGLIGIBLE));
    }
    UnaryOperator<double[]> psi = values -> psi(values, tau.rows(), tau.columns());
    return SpectralKernel.apply(tau, loss.build(), init().ofSum(tau.count()), psi, minEigenvalue());
  }

  /** ψ without the directions from {@code kept} on. */
  static double[] truncated(double[] psi, int kept) {
    for (int i = kept; i < psi.length; i++) {
      psi[i] = 0;
    }
    return psi;
  }

  static void requireFloor(String method, double minEigenvalue) {
    Check.that(
        method, "min_eigenvalue", minEigenvalue, v -> v > 0 && Double.isFinite(v), "positive");
  }
}
