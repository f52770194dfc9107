package org.optmerge.method.interference;

import java.util.Arrays;

/**
 * The number of leading eigendirections of the Hessian to keep, from its spectrum alone.
 *
 * @see <a href="https://arxiv.org/abs/2606.07289">Wei et al., Closed-form spectral regularization
 *     for multi-task model merging</a>
 */
public enum RankRule {
  /** All of them. */
  NONE,
  /** ⌈Σλ² / λ₁²⌉. */
  STABLE_RANK,
  /** ⌈exp(−Σ p ln p)⌉ with p = λ/Σλ. */
  ENTROPY,
  /** ⌈(Σλ)² / Σλ²⌉. */
  PARTICIPATION,
  /** ⌈(Σ√λ)² / Σλ⌉: the published default. */
  PARTICIPATION_SQRT,
  /**
   * The √λ above the optimal hard threshold for noise, a multiple of their median; at least one.
   */
  GAVISH_DONOHO,
  /** The fewest whose λ reach a given share of Σλ. */
  CUMULATIVE_VARIANCE;

  /** Guards quotients against a spectrum of zeros. */
  private static final double TINY = 1e-30;

  /**
   * The number of directions to keep, before any limits.
   *
   * @param eigenvalues descending, positive
   * @param rows of the parameter
   * @param columns of the parameter
   * @param cumulativeShare for {@link #CUMULATIVE_VARIANCE}
   */
  public int rank(double[] eigenvalues, long rows, long columns, double cumulativeShare) {
    double sum = Arrays.stream(eigenvalues).sum();
    double squares = Arrays.stream(eigenvalues).map(value -> value * value).sum();
    double[] roots = Arrays.stream(eigenvalues).map(Math::sqrt).toArray();
    double sumOfRoots = Arrays.stream(roots).sum();
    return switch (this) {
      case NONE -> eigenvalues.length;
      case STABLE_RANK ->
          (int) Math.ceil(squares / Math.max(eigenvalues[0] * eigenvalues[0], TINY));
      case ENTROPY -> (int) Math.ceil(Math.exp(entropy(eigenvalues, sum)));
      case PARTICIPATION -> (int) Math.ceil(sum * sum / Math.max(squares, TINY));
      case PARTICIPATION_SQRT -> (int) Math.ceil(sumOfRoots * sumOfRoots / Math.max(sum, TINY));
      case GAVISH_DONOHO -> gavishDonoho(roots, rows, columns);
      case CUMULATIVE_VARIANCE -> {
        int below = 0;
        double partial = 0;
        for (double value : eigenvalues) {
          partial += value;
          below += partial / Math.max(sum, TINY) < cumulativeShare ? 1 : 0;
        }
        yield below + 1;
      }
    };
  }

  private static double entropy(double[] eigenvalues, double sum) {
    return -Arrays.stream(eigenvalues)
        .map(value -> Math.max(value / Math.max(sum, TINY), TINY))
        .map(p -> p * Math.log(p))
        .sum();
  }

  /** With the published code's approximation of the median of the Marchenko–Pastur law. */
  private static int gavishDonoho(double[] roots, long rows, long columns) {
    double beta = (double) Math.min(rows, columns) / Math.max(rows, columns);
    double median =
        beta < 0.9999
            ? Math.sqrt(Math.max((1 - beta) * (1 - beta) + beta, 1e-3))
            : Math.sqrt(2 + Math.sqrt(3));
    double coefficient =
        Math.sqrt(2 * (beta + 1) + 8 * beta / (beta + 1 + Math.sqrt(beta * beta + 14 * beta + 1)));
    // torch's median: the lower of the two middle values.
    double middle = Math.max(roots[roots.length / 2], TINY);
    double threshold = coefficient / median * middle;
    return Math.max(1, (int) Arrays.stream(roots).filter(root -> root > threshold).count());
  }
}
