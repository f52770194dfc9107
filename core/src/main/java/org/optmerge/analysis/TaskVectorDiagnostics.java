package org.optmerge.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.Svd;
import org.optmerge.method.Matrices;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * The size, likeness and effective rank of the task vectors of one parameter, and what a merge of
 * them did. Parameters that are not matrices count as one row.
 *
 * @param parameter its name
 * @param norms ‖τ_t‖_F
 * @param effectiveRanks exp of the entropy of the singular values' shares of their sum; 0 for a
 *     task vector that is zero
 * @param cosines ⟨τ_i, τ_j⟩ / (‖τ_i‖‖τ_j‖); 0 where one is zero
 * @param overlaps mean squared cosine of the principal angles between the row spaces spanned by the
 *     leading ⌊min(m, n)/N⌋ (at least one) right singular vectors: 1 the same, 0 orthogonal
 */
@API(status = API.Status.EXPERIMENTAL)
public record TaskVectorDiagnostics(
    String parameter,
    List<Double> norms,
    List<Double> effectiveRanks,
    List<List<Double>> cosines,
    List<List<Double>> overlaps) {
  /**
   * The effect of a merge.
   *
   * @param norm ‖τ_m‖_F
   * @param interference ‖(τ_m − τ_t)τ_tᵀ‖_F² / ‖τ_t‖_F² of each task (equation 1 of the paper is
   *     their sum); 0 for a task vector that is zero
   * @param distanceFromMean ‖τ_m − τ̄‖_F / ‖τ̄‖_F; NaN if the mean is zero
   * @param cosineWithMean ⟨τ_m, τ̄⟩ / (‖τ_m‖‖τ̄‖); 0 where one is zero
   */
  public record Merged(
      double norm, List<Double> interference, double distanceFromMean, double cosineWithMean) {
    public Merged {
      interference = List.copyOf(interference);
    }

    /** Equation 1. */
    public double totalInterference() {
      return interference.stream().mapToDouble(Double::doubleValue).sum();
    }
  }

  public TaskVectorDiagnostics {
    norms = List.copyOf(norms);
    effectiveRanks = List.copyOf(effectiveRanks);
    cosines = cosines.stream().map(List::copyOf).toList();
    overlaps = overlaps.stream().map(List::copyOf).toList();
  }

  /**
   * Looks at the task vectors of a parameter.
   *
   * @throws LinearAlgebraException if one holds NaN or infinity; the message names the parameter
   */
  public static TaskVectorDiagnostics of(TaskVectors tau) {
    try (NDManager scope = tau.manager().newSubManager();
        Matrices matrices = new Matrices(asMatrices(scope, tau))) {
      return of(tau.parameter(), matrices);
    } catch (LinearAlgebraException e) {
      throw e.at(tau.parameter());
    }
  }

  /**
   * Looks at what a merge made of the task vectors.
   *
   * @param merged τ_m, of their shape
   */
  public static Merged ofMerged(TaskVectors tau, NDArray merged) {
    try (NDManager scope = tau.manager().newSubManager();
        Matrices matrices = new Matrices(asMatrices(scope, tau))) {
      return ofMerged(matrices, LinearAlgebra.toFloat64(scope, merged).reshape(matrices.shape()));
    } catch (LinearAlgebraException e) {
      throw e.at(tau.parameter());
    }
  }

  private static TaskVectorDiagnostics of(String parameter, Matrices tau) {
    int count = tau.count();
    int leading = Math.max(1, tau.smallerSide() / count);
    List<Double> norms = new ArrayList<>();
    List<Double> ranks = new ArrayList<>();
    List<NDArray> rows = new ArrayList<>();
    for (int t = 0; t < count; t++) {
      norms.add(tau.norm(t));
      Svd svd = tau.truncatedSvd(t, tau.smallerSide());
      ranks.add(effectiveRank(svd.s()));
      rows.add(svd.leading(leading).vt());
    }
    List<List<Double>> cosines = new ArrayList<>();
    List<List<Double>> overlaps = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Double> cosine = new ArrayList<>();
      List<Double> overlap = new ArrayList<>();
      for (int j = 0; j < count; j++) {
        cosine.add(j < i ? cosines.get(j).get(i) : cosine(tau, i, j));
        overlap.add(j < i ? overlaps.get(j).get(i) : overlap(rows.get(i), rows.get(j)));
      }
      cosines.add(cosine);
      overlaps.add(overlap);
    }
    return new TaskVectorDiagnostics(parameter, norms, ranks, cosines, overlaps);
  }

  private static Merged ofMerged(Matrices tau, NDArray merged) {
    double norm = Math.sqrt(LinearAlgebra.squaredNorm(merged));
    List<Double> interference = new ArrayList<>();
    for (int t = 0; t < tau.count(); t++) {
      try (NDArray rows = tau.rowFactor(t);
          NDArray transposed = rows.transpose();
          NDArray dense = tau.dense(t);
          NDArray difference = merged.sub(dense);
          NDArray product = difference.matMul(transposed)) {
        interference.add(LinearAlgebra.squaredNorm(product) * tau.inverseSquaredNorm(t));
      }
    }
    try (NDArray mean = tau.sum(1.0 / tau.count());
        NDArray difference = merged.sub(mean)) {
      double meanNorm = Math.sqrt(LinearAlgebra.squaredNorm(mean));
      double distance = Math.sqrt(LinearAlgebra.squaredNorm(difference)) / meanNorm;
      return new Merged(
          norm,
          interference,
          meanNorm == 0 ? Double.NaN : distance,
          cosine(dot(merged, mean), norm * meanNorm));
    }
  }

  private static double cosine(Matrices tau, int i, int j) {
    if (i == j) {
      return tau.norm(i) == 0 ? 0 : 1;
    }
    try (NDArray left = tau.dense(i);
        NDArray right = tau.dense(j)) {
      return cosine(dot(left, right), tau.norm(i) * tau.norm(j));
    }
  }

  private static double cosine(double product, double norms) {
    return norms == 0 ? 0 : product / norms;
  }

  private static double dot(NDArray left, NDArray right) {
    try (NDArray product = left.mul(right);
        NDArray sum = product.sum()) {
      return sum.toDoubleArray()[0];
    }
  }

  private static double overlap(NDArray left, NDArray right) {
    long rank = Math.min(left.getShape().get(0), right.getShape().get(0));
    if (rank == 0) {
      return 0;
    }
    try (NDArray transposed = right.transpose();
        NDArray product = left.matMul(transposed)) {
      return LinearAlgebra.squaredNorm(product) / rank;
    }
  }

  private static double effectiveRank(double[] s) {
    double sum = Arrays.stream(s).sum();
    return sum == 0
        ? 0
        : Math.exp(-Arrays.stream(s).map(value -> value / sum).map(p -> p * Math.log(p)).sum());
  }

  private static TaskVectors asMatrices(NDManager scope, TaskVectors tau) {
    if (tau.shape().dimension() == 2) {
      return tau;
    }
    List<TaskVector> rows = new ArrayList<>();
    for (TaskVector vector : tau.vectors()) {
      NDArray row = vector.dense().reshape(1, -1);
      row.attach(scope);
      rows.add(new TaskVector.Dense(row));
    }
    return new TaskVectors(tau.parameter(), rows);
  }
}
