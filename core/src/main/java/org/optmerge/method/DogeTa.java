package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.optmerge.linalg.Adam;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * DOGE-TA: task arithmetic after a common correction δ of all task vectors, found by Adam in
 * directions that the tasks do not share, and with the largest entries only.
 *
 * <p>λᵢ = scale/‖τᵢ‖_F for each matrix; δ minimises Σ_j Σ_rows (Σ_columns τⱼ ⊙ (τⱼ − Σλᵢτᵢ −
 * (Σλᵢ)δ))², its gradient projected away from the leading left singular vectors of the tasks; Δ =
 * Σλᵢ(τᵢ + δ) ⊙ maskᵢ, where maskᵢ holds the largest entries of τᵢ over the whole model. Without
 * having seen the model, the masks are those of each parameter. A zero task vector has no say;
 * parameters that are not matrices are not corrected.
 *
 * @param subspace the projection keeps away from the leading ⌊min(m, n)/this⌋ common directions
 * @param keepPercent share of the entries kept, in percent
 * @param scale numerator of λᵢ
 * @param steps of Adam
 * @param learningRate of Adam
 * @see <a href="https://arxiv.org/abs/2501.01230">Wei et al., Modeling multi-task model merging as
 *     adaptive projective gradient descent, ICML 2025</a>
 */
record DogeTa(
    @ParameterDoc("the projection keeps away from a 1/this of the directions") int subspace,
    @ParameterDoc("share of the entries kept, in percent") double keepPercent,
    @ParameterDoc("norm that each task vector is scaled to, per matrix") double scale,
    @ParameterDoc("steps of Adam") int steps,
    @ParameterDoc("step size of Adam") double learningRate)
    implements MergeMethod {
  /** fusion_bench's defaults. */
  public static final DogeTa PUBLISHED = new DogeTa(6, 30, 0.07, 400, 1e-4);

  public DogeTa {
    Check.atLeast("doge-ta", "subspace", subspace, 1);
    Check.that("doge-ta", "keep_percent", keepPercent, k -> k > 0 && k <= 100, "in (0, 100]");
    Check.atLeastZero("doge-ta", "scale", scale);
    Check.atLeast("doge-ta", "steps", steps, 0);
    Check.atLeastZero("doge-ta", "learning_rate", learningRate);
  }

  @Override
  public boolean needsModel() {
    return true;
  }

  @Override
  public MergeMethod fit(List<TaskVectorStream> model) {
    return model.isEmpty() ? this : new Fitted(this, thresholds(model));
  }

  @Override
  public NDArray merge(TaskVectors tau) {
    return new Fitted(this, thresholds(List.of(ArrayTaskVectorStream.of(tau)))).merge(tau);
  }

  /** Per task vector, the smallest magnitude that is kept. */
  private float[] thresholds(List<TaskVectorStream> model) {
    long entries = model.stream().mapToLong(TaskVectorStream::size).sum();
    // The published rank counts from the smallest; keeping all would be its rank 0.
    long rank = Math.max(1, entries - (long) (entries * keepPercent / 100));
    return MagnitudeSelection.kthSmallest(model, rank);
  }

  /** The method once it knows which entries are large. */
  private record Fitted(DogeTa settings, float[] thresholds) implements MatrixMethod {
    @Override
    public boolean merges(TaskVectors tau) {
      return true;
    }

    @Override
    public TaskVector mergeMatrices(Matrices tau) {
      double[] lambda = new double[tau.count()];
      Arrays.setAll(lambda, t -> tau.squaredNorm(t) == 0 ? 0 : settings.scale / tau.norm(t));
      List<NDArray> vectors = new ArrayList<>();
      for (int t = 0; t < tau.count(); t++) {
        vectors.add(tau.dense(t));
      }
      boolean matrix = tau.shape().dimension() == 2;
      NDArray correction =
          matrix
              ? correction(tau, vectors, lambda)
              : tau.scope().zeros(tau.shape(), DataType.FLOAT64);
      NDArray merged = tau.scope().zeros(tau.shape(), DataType.FLOAT64);
      for (int t = 0; t < tau.count(); t++) {
        try (NDArray magnitude = vectors.get(t).abs();
            NDArray large = magnitude.gte((double) thresholds[t]);
            NDArray mask = large.toType(DataType.FLOAT64, false);
            NDArray corrected = vectors.get(t).add(correction)) {
          merged.addi(corrected.muli(mask).muli(lambda[t]));
        }
      }
      return new TaskVector.Dense(merged);
    }

    /** δ, by Adam from zero. */
    private NDArray correction(Matrices tau, List<NDArray> vectors, double[] lambda) {
      double total = Arrays.stream(lambda).sum();
      NDArray basis = commonDirections(tau);
      NDArray weighted = tau.scope().zeros(tau.shape(), DataType.FLOAT64);
      for (int t = 0; t < vectors.size(); t++) {
        weighted.addi(vectors.get(t).mul(lambda[t]));
      }
      // Σ_columns τⱼ ⊙ (τⱼ − Σλᵢτᵢ), one number for each row.
      List<NDArray> constants =
          vectors.stream()
              .map(vector -> vector.mul(vector.sub(weighted)).sum(new int[] {1}, true))
              .toList();
      NDArray correction = tau.scope().zeros(tau.shape(), DataType.FLOAT64);
      Adam adam = new Adam(correction);
      for (int step = 0; step < settings.steps; step++) {
        if (Thread.currentThread().isInterrupted()) {
          throw new CancellationException(
              "parameter '%s': interrupted at step %d".formatted(tau.parameter(), step));
        }
        try (NDManager scope = tau.scope().newSubManager()) {
          NDArray gradient = scope.zeros(new Shape(tau.rows(), tau.columns()), DataType.FLOAT64);
          for (int j = 0; j < vectors.size(); j++) {
            NDArray along = LinearAlgebra.attached(scope, vectors.get(j).mul(correction));
            NDArray residual = along.sum(new int[] {1}, true).muli(-total).addi(constants.get(j));
            gradient.addi(
                LinearAlgebra.attached(scope, vectors.get(j).mul(residual)).muli(-2 * total));
          }
          NDArray shared =
              LinearAlgebra.attached(
                  scope,
                  basis.matMul(LinearAlgebra.attached(scope, basis.transpose()).matMul(gradient)));
          adam.step(gradient.subi(shared), settings.learningRate);
        }
      }
      return correction;
    }

    /** The leading left singular vectors of [U₁ … U_N], each Uᵢ those of a task. */
    private NDArray commonDirections(Matrices tau) {
      int rank = tau.smallerSide() / tau.count();
      int common = tau.smallerSide() / settings.subspace;
      SingularVectors vectors = new SingularVectors();
      for (int t = 0; t < tau.count(); t++) {
        vectors.add(tau.truncatedSvd(t, rank));
      }
      return vectors.isEmpty()
          ? tau.scope().zeros(new Shape(tau.rows(), 0), DataType.FLOAT64)
          : LinearAlgebra.truncatedSvd(vectors.left(), common, 0).u();
    }
  }
}
