package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;

/**
 * DC-Merge: task vectors with their energy spread over their directions, merged by TIES in a space
 * that covers the directions of all, where each task keeps to its own.
 *
 * <p>Of each task vector the leading ⌊min(m, n)/N⌋ directions U_t, V_t (of an adapter its own, if
 * fewer) with smoothed singular values σ̃_t. U and V are all of them made orthonormal together. M_t
 * = Uᵀ (U_t diag(σ̃_t) V_tᵀ) V keeps its largest entries; of these the mean of those with the sign
 * of their sum, in the blocks of directions of one task, is M; Δ = U M Vᵀ. Factors stay factors.
 *
 * <p>The published code has the adapters' rank, 16, written in; for full fine-tunes it does not
 * smooth, which is {@code smoothing: none}. Directions whose singular value is rounding error are
 * left out, as in {@link Tsv}. Matrices only, the mean elsewhere.
 *
 * @param smoothing of singular values
 * @param rho for {@link Smoothing#LINEAR}: the largest over the smallest is at most this
 * @param keepShare share of the entries of M_t that stay, one at least
 * @see <a href="https://arxiv.org/abs/2603.06242">DC-Merge: directional consistency, CVPR 2026</a>
 */
record DcMerge(
    @ParameterDoc("how energy is spread over a task's directions") Smoothing smoothing,
    @ParameterDoc("of linear smoothing: at most this between largest and smallest") double rho,
    @ParameterDoc("share of the entries kept of each task in the common space") double keepShare)
    implements MatrixMethod {
  /** The published code's defaults for adapters. */
  static final DcMerge PUBLISHED = new DcMerge(Smoothing.AVERAGE, 5, 1e-3);

  /** How singular values are made more equal; their sum stays. */
  public enum Smoothing {
    /** All equal. */
    AVERAGE,
    /** Falling evenly, from the largest to a part of it. */
    LINEAR,
    /** As they are. */
    NONE
  }

  DcMerge {
    Check.that("dc-merge", "rho", rho, r -> r >= 1 && Double.isFinite(r), "at least 1");
    Check.that("dc-merge", "keep_share", keepShare, k -> k > 0 && k <= 1, "in (0, 1]");
  }

  @Override
  public TaskVector mergeMatrices(Matrices tau) {
    int rank = tau.smallerSide() / tau.count();
    SingularVectors directions = new SingularVectors();
    List<Svd> tasks = new ArrayList<>();
    for (int t = 0; t < tau.count(); t++) {
      Svd svd = tau.truncatedSvd(t, rank);
      directions.add(svd);
      if (svd.s().length > 0) {
        tasks.add(svd);
      }
    }
    if (directions.isEmpty()) {
      return new TaskVector.Dense(tau.scope().zeros(tau.shape(), DataType.FLOAT64));
    }
    double[] ones = new double[directions.values().length];
    Arrays.fill(ones, 1);
    TaskVector.LowRank cover = directions.orthonormalFactors(ones);
    int side = ones.length;
    double[][] kept = new double[tasks.size()][];
    NDArray ut = cover.b().transpose();
    NDArray v = cover.a().transpose();
    for (int t = 0; t < kept.length; t++) {
      Svd task = tasks.get(t);
      NDArray left = LinearAlgebra.scaleColumns(ut.matMul(task.u()), smooth(task.s()));
      kept[t] = largest(left.matMul(task.vt().matMul(v)).toDoubleArray());
    }
    double[] merged = new double[side * side];
    int first = 0;
    for (Svd task : tasks) {
      int end = first + task.s().length;
      for (int row = first; row < end; row++) {
        for (int column = first; column < end; column++) {
          merged[row * side + column] = elect(kept, row * side + column);
        }
      }
      first = end;
    }
    NDArray small = tau.scope().create(merged, new Shape(side, side));
    NDArray left = cover.b().matMul(small);
    return tau.sumIsFactored()
        ? new TaskVector.LowRank(left, cover.a(), 1)
        : new TaskVector.Dense(left.matMul(cover.a()));
  }

  double[] smooth(double[] singularValues) {
    int count = singularValues.length;
    if (smoothing == Smoothing.NONE || count == 1) {
      return singularValues;
    }
    double[] shares = new double[count];
    double ratio =
        smoothing == Smoothing.AVERAGE
            ? 1
            : Math.min(rho, singularValues[0] / singularValues[count - 1]);
    Arrays.setAll(shares, i -> ratio + (1 - ratio) * i / (count - 1));
    double factor = Arrays.stream(singularValues).sum() / Arrays.stream(shares).sum();
    return Arrays.stream(shares).map(share -> share * factor).toArray();
  }

  private double[] largest(double[] matrix) {
    int count = Math.max(1, (int) (keepShare * matrix.length));
    double[] magnitudes = Arrays.stream(matrix).map(Math::abs).sorted().toArray();
    double least = magnitudes[matrix.length - count];
    return Arrays.stream(matrix).map(x -> Math.abs(x) >= least ? x : 0).toArray();
  }

  /** The mean of the entries with the sign of their sum. */
  private static double elect(double[][] matrices, int entry) {
    double sum = 0;
    for (double[] matrix : matrices) {
      sum += matrix[entry];
    }
    double agreeing = 0;
    int count = 0;
    for (double[] matrix : matrices) {
      if (sum != 0 && Math.signum(matrix[entry]) == Math.signum(sum)) {
        agreeing += matrix[entry];
        count++;
      }
    }
    return count == 0 ? 0 : agreeing / count;
  }
}
