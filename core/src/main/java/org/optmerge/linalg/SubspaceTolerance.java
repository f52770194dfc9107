package org.optmerge.linalg;

import java.util.Arrays;

/**
 * The weight of the leading singular subspace of a matrix in a result, and whether float32
 * determines it well enough.
 *
 * <p>Rounding a Gram matrix and factorising it in float32 moves it by some units in the last place
 * of its norm. That turns the subspace of the k leading directions by no more than this share of
 * the norm over the gap between eigenvalues k and k + 1 (Davis and Kahan). What the turn does to a
 * result that weighs directions by the cube of their singular value is {@code sensitivity} ·
 * (s_k/‖X‖_F)³ times its angle.
 *
 * @param sensitivity of the result, relative to ‖X‖_F
 * @param error what the turn may do to the result, relative to ‖X‖_F
 */
public record SubspaceTolerance(double sensitivity, double error) {
  /** Error of a float32 Gram matrix and its eigendecomposition in units of its norm: 16 ulps. */
  private static final double BACKWARD_ERROR = 16 * 0x1p-24;

  /** The error, in tolerances, of a spectrum that is not merely unlucky. */
  private static final double FAR = 30;

  /** What it takes in float32. */
  public enum Answer {
    /** The eigenvectors as they are. */
    AS_IT_IS,
    /** The eigenvectors refined: {@link Float32Subspaces}. */
    REFINED,
    /** More than float32. */
    NO
  }

  /** The least that is enough; eigenvalues and rank as in {@link #isMetInFloat32}. */
  Answer inFloat32(double[] eigenvalues, int rank) {
    if (isMetInFloat32(eigenvalues, rank)) {
      return Answer.AS_IT_IS;
    }
    return refinedError(eigenvalues, rank) <= error ? Answer.REFINED : Answer.NO;
  }

  /**
   * True if not just two neighbouring eigenvalues are too close for float32, but the spectrum is
   * too steep for it; eigenvalues and rank as in {@link #isMetInFloat32}.
   */
  public boolean isFarFromFloat32(double[] eigenvalues, int rank) {
    return refinedError(eigenvalues, rank) > FAR * error;
  }

  private double refinedError(double[] eigenvalues, int rank) {
    double total = Arrays.stream(eigenvalues).map(value -> Math.max(0, value)).sum();
    double weight = Math.pow(Math.max(0, eigenvalues[rank - 1]) / total, 1.5);
    return sensitivity * weight * Float32Subspaces.turnOfGram(eigenvalues, rank);
  }

  /**
   * Looks at the eigenvalues.
   *
   * @param eigenvalues of the Gram matrix, descending
   * @param rank k
   */
  public boolean isMetInFloat32(double[] eigenvalues, int rank) {
    if (rank == 0 || rank == eigenvalues.length || eigenvalues[0] <= 0) {
      return true;
    }
    double total = Arrays.stream(eigenvalues).map(value -> Math.max(0, value)).sum();
    double last = Math.max(0, eigenvalues[rank - 1]);
    double gap = last - Math.max(0, eigenvalues[rank]);
    double angle = Math.min(1, BACKWARD_ERROR * eigenvalues[0] / Math.max(gap, Double.MIN_NORMAL));
    return sensitivity * Math.pow(last / total, 1.5) * angle * Math.sqrt(2) <= error;
  }
}
