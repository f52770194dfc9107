package org.optmerge.method.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.List;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.method.Check;
import org.optmerge.method.Matrices;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.PerModel;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * Fisher-weighted averaging: each entry is averaged with weights cᵢ(Fᵢ + ε), Fᵢ the mean squared
 * gradient of expert i.
 *
 * <p>As the weights are normalised, this is θ_0 + Σ wᵢτᵢ.
 *
 * @param squaredGradients Fᵢ, of the parameter's shape
 * @param coefficients cᵢ
 * @param normalize divides each Fᵢ by its norm over the whole model, so that no expert dominates
 * @param minimum ε
 * @see <a href="https://arxiv.org/abs/2111.09832">Matena and Raffel, Merging models with
 *     Fisher-weighted averaging, NeurIPS 2022</a>
 */
public record Fisher(
    Statistics squaredGradients, PerModel coefficients, boolean normalize, double minimum)
    implements MergeMethod {
  public Fisher {
    Check.each("fisher", "coefficients", coefficients, c -> c >= 0, "at least 0");
    Check.that("fisher", "minimum", minimum, m -> m > 0, "positive");
  }

  @Override
  public boolean needsModel() {
    return normalize;
  }

  @Override
  public MergeMethod fit(List<TaskVectorStream> model) {
    if (!needsModel() || model.isEmpty()) {
      return this;
    }
    double[] squaredNorms = new double[model.get(0).count()];
    try (NDManager manager = NativeLibraries.newManager()) {
      for (TaskVectorStream parameter : model) {
        for (int t = 0; t < squaredNorms.length; t++) {
          try (NDArray fisher = fisher(manager, parameter.parameter(), t)) {
            squaredNorms[t] += LinearAlgebra.squaredNorm(fisher);
          }
        }
      }
    }
    double[] weights = coefficients.values(squaredNorms.length);
    double[] reciprocals =
        Arrays.stream(squaredNorms).map(square -> 1 / (Math.sqrt(square) + minimum)).toArray();
    double sum = Arrays.stream(reciprocals).sum();
    Arrays.setAll(weights, t -> weights[t] * reciprocals[t] / sum);
    return new Fisher(squaredGradients, PerModel.of(weights), false, minimum);
  }

  @Override
  public NDArray merge(TaskVectors tau) {
    if (normalize) {
      throw new IllegalStateException("fisher: normalising needs the whole model; call fit first");
    }
    try (NDManager scope = tau.manager().newSubManager()) {
      NDArray numerator = scope.zeros(tau.shape(), DataType.FLOAT64);
      NDArray denominator = scope.zeros(tau.shape(), DataType.FLOAT64);
      for (int t = 0; t < tau.count(); t++) {
        TaskVector vector = tau.vectors().get(t);
        try (NDArray fisher = fisher(scope, tau.parameter(), t);
            NDArray weight = LinearAlgebra.toFloat64(scope, fisher).add(minimum);
            NDArray dense = Matrices.dense(scope, vector)) {
          if (!fisher.getShape().equals(tau.shape())) {
            throw new IllegalArgumentException(
                "fisher: parameter '%s': squared gradients of expert %d have shape %s, not %s"
                    .formatted(tau.parameter(), t + 1, fisher.getShape(), tau.shape()));
          }
          weight.muli(coefficients.get(t));
          denominator.addi(weight);
          numerator.addi(weight.muli(dense));
        }
      }
      return scope.ret(numerator.divi(denominator));
    }
  }

  private NDArray fisher(NDManager manager, String parameter, int expert) {
    return squaredGradients
        .of(manager, parameter, expert)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "fisher: no squared gradients of expert %d for parameter '%s'"
                        .formatted(expert + 1, parameter)));
  }
}
