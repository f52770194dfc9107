package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import org.optmerge.taskvector.TaskVector;

/**
 * RobustMerge: adapters' factors pruned to their largest entries, the directions that pruning
 * weakened most made up for, and the factors merged each by themselves.
 *
 * <p>Of each factor the smallest entries go. Row i of A then has s_ti = ‖A_ti‖₁ / ‖pruned A_ti‖₁;
 * values below the (1 − tail) quantile of a task's count as that quantile. A = c Σ_t pruned A_t,
 * B's column i = c Σ_t s_ti pruned B_ti / Σ_t s_ti, Δ = B A, c = 2 as published.
 *
 * <p><b>Like {@link Factorwise} this holds products B_tA_s of different adapters.</b> An adapter's
 * scale goes into its B, where the published code has equal ones. What is no adapter in every model
 * becomes the mean, as published for what is trained beside the adapters. Ranks must be equal. A
 * row of A that is pruned to nothing counts as s = 1, where the published code divides by zero.
 *
 * @param pruned share of a factor's entries that go
 * @param tail share of the directions that are told apart
 * @param coefficient c
 * @see <a href="https://arxiv.org/abs/2502.17159">Zeng et al., RobustMerge, NeurIPS 2025, section
 *     4</a>
 */
record RobustMerge(
    @ParameterDoc("share of each factor's entries that are dropped") double pruned,
    @ParameterDoc("share of the directions whose loss is made up for") double tail,
    @ParameterDoc("coefficient of each factor") double coefficient)
    implements MatrixMethod {
  /** The published code's defaults; a fifth is kept. */
  static final RobustMerge PUBLISHED = new RobustMerge(0.8, 0.2, 2);

  RobustMerge {
    Check.that("robustmerge", "pruned", pruned, p -> p >= 0 && p < 1, "in [0, 1)");
    Check.that("robustmerge", "tail", tail, t -> t > 0 && t <= 1, "in (0, 1]");
    Check.finite("robustmerge", "coefficient", coefficient);
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    if (!tau.vectors().stream().allMatch(TaskVector.LowRank.class::isInstance)) {
      return new TaskVector.Dense(tau.sum(1.0 / tau.count()));
    }
    int rank = tau.rank(0);
    int rows = Math.toIntExact(tau.rows());
    int columns = Math.toIntExact(tau.columns());
    double[] b = new double[rows * rank];
    double[] a = new double[rank * columns];
    double[] weights = new double[rank];
    for (int t = 0; t < tau.count(); t++) {
      if (tau.rank(t) != rank) {
        throw new IllegalArgumentException(
            "robustmerge: parameter '%s': adapters have ranks %d and %d; they must be equal"
                .formatted(tau.parameter(), rank, tau.rank(t)));
      }
      double[] whole = values(tau.a(t));
      double[] ofA = prune(whole);
      double[] ofB = prune(values(tau.b(t)));
      double[] scales = scales(whole, ofA, rank);
      for (int i = 0; i < a.length; i++) {
        a[i] += coefficient * ofA[i];
      }
      for (int i = 0; i < b.length; i++) {
        b[i] += coefficient * scales[i % rank] * ofB[i];
      }
      for (int r = 0; r < rank; r++) {
        weights[r] += scales[r];
      }
    }
    for (int i = 0; i < b.length; i++) {
      b[i] /= weights[i % rank];
    }
    NDManager scope = tau.scope();
    return new TaskVector.LowRank(
        scope.create(b, new Shape(rows, rank)), scope.create(a, new Shape(rank, columns)), 1);
  }

  private static double[] values(NDArray factor) {
    try (NDArray wide = factor.toType(DataType.FLOAT64, true)) {
      return wide.toDoubleArray();
    }
  }

  /** Drops entries below the k-th smallest magnitude, k = ⌊n · pruned⌋, as published. */
  private double[] prune(double[] factor) {
    double[] magnitudes = Arrays.stream(factor).map(Math::abs).sorted().toArray();
    int kth = (int) (factor.length * pruned);
    double least = kth == 0 ? 0 : magnitudes[kth - 1];
    return Arrays.stream(factor).map(x -> Math.abs(x) >= least ? x : 0).toArray();
  }

  private double[] scales(double[] whole, double[] kept, int rank) {
    int columns = whole.length / rank;
    double[] scales = new double[rank];
    for (int r = 0; r < rank; r++) {
      double before = 0;
      double after = 0;
      for (int i = r * columns; i < (r + 1) * columns; i++) {
        before += Math.abs(whole[i]);
        after += Math.abs(kept[i]);
      }
      scales[r] = after == 0 ? 1 : before / after;
    }
    double[] sorted = scales.clone();
    Arrays.sort(sorted);
    double least = sorted[Math.min(rank - 1, (int) (rank * (1 - tail)))];
    for (int r = 0; r < rank; r++) {
      scales[r] = Math.max(scales[r], least);
    }
    return scales;
  }
}
