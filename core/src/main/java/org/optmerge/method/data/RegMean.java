package org.optmerge.method.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.method.Check;
import org.optmerge.method.Matrices;
import org.optmerge.method.MatrixMethod;
import org.optmerge.taskvector.TaskVector;

/**
 * RegMean: the weight whose outputs are nearest to those of the experts on their own inputs, (Σ
 * WᵢGᵢ)(Σ Gᵢ)⁻¹ with Gᵢ = XᵢᵀXᵢ.
 *
 * <p>As the weights of the mean sum to one, this is θ_0 + (Σ τᵢGᵢ)(Σ Gᵢ)⁻¹. Parameters without
 * statistics, and those that are not matrices, become the mean.
 *
 * @param grams Gᵢ of a linear layer's weight, shape (n, n)
 * @param offDiagonal factor for the entries of Gᵢ off the diagonal, in [0, 1]
 * @see <a href="https://arxiv.org/abs/2212.09849">Jin et al., Dataless knowledge fusion, ICLR
 *     2023</a>
 */
public record RegMean(Statistics grams, double offDiagonal) implements MatrixMethod {
  public RegMean {
    Check.inUnitInterval("regmean", "off_diagonal", offDiagonal);
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    List<NDArray> measured = new ArrayList<>();
    for (int t = 0; t < tau.count(); t++) {
      Optional<NDArray> gram = grams.of(tau.scope(), tau.parameter(), t);
      if (gram.isEmpty()) {
        return new TaskVector.Dense(tau.sum(1.0 / tau.count()));
      }
      measured.add(gram.get());
    }
    int side = Math.toIntExact(tau.columns());
    Shape expected = new Shape(side, side);
    NDArray identity = tau.scope().eye(side, side, 0, DataType.FLOAT64);
    NDArray denominator = tau.scope().zeros(expected, DataType.FLOAT64);
    NDArray numerator = tau.scope().zeros(new Shape(tau.columns(), tau.rows()), DataType.FLOAT64);
    for (int t = 0; t < tau.count(); t++) {
      NDArray gram = LinearAlgebra.toFloat64(tau.scope(), measured.get(t));
      if (!gram.getShape().equals(expected)) {
        throw new IllegalArgumentException(
            "regmean: parameter '%s': the Gram matrix of expert %d must have shape %s, has %s"
                .formatted(tau.parameter(), t + 1, expected, gram.getShape()));
      }
      NDArray reduced = gram.mul(identity).muli(1 - offDiagonal).addi(gram.mul(offDiagonal));
      denominator.addi(reduced);
      try (NDArray dense = tau.dense(t);
          NDArray transposed = dense.transpose();
          NDArray product = reduced.matMul(transposed)) {
        numerator.addi(product);
      }
    }
    return new TaskVector.Dense(
        LinearAlgebra.solve(denominator, numerator).transpose().duplicate());
  }
}
