package org.optmerge.method.interference;

import org.optmerge.method.Check;
import org.optmerge.method.FixedByName;
import org.optmerge.method.ParameterDoc;

/**
 * IWUDI: WUDI's loss with a soft filter of its Hessian's whole spectrum in place of an optimiser.
 *
 * <p>Matrices only; the mean elsewhere and for the head, as published. Zero task vectors have no
 * say; if all are (nearly) zero, the result is the mean. Factors stay factors.
 *
 * @param filter which filter
 * @param time t of the exponential filter
 * @param alpha α of the Tikhonov filter; 0 goes all the way to the minimum
 * @param steps of Landweber's iteration
 * @param stepShare Landweber's step as a share of 1/λ_max
 * @param init where the filter starts from
 * @param minEigenvalue eigenvalues below it count as it
 * @see <a href="https://arxiv.org/abs/2606.07289">Wei et al., Closed-form spectral regularization
 *     for multi-task model merging</a>
 */
public record Iwudi(
    @FixedByName Filter filter,
    @ParameterDoc("t of the exponential filter 1 - exp(-eigenvalue t)") double time,
    @ParameterDoc("alpha of the Tikhonov filter eigenvalue/(eigenvalue + alpha)") double alpha,
    @ParameterDoc("steps of Landweber's iteration") int steps,
    @ParameterDoc("Landweber's step as a share of 1/largest eigenvalue") double stepShare,
    @ParameterDoc("where the filter starts from") Init init,
    @ParameterDoc("eigenvalues below it count as it") double minEigenvalue)
    implements FilteredWudi {
  /** The filters. */
  public enum Filter {
    EXPONENTIAL,
    TIKHONOV,
    LANDWEBER
  }

  /** f(λ) = 1 − exp(−300λ). */
  public static final Iwudi EXPONENTIAL = of(Filter.EXPONENTIAL);

  /** f(λ) = λ/(λ + 0.01). */
  public static final Iwudi TIKHONOV = of(Filter.TIKHONOV);

  /** f(λ) = 1 − (1 − 0.9λ/λ_max)^150. */
  public static final Iwudi LANDWEBER = of(Filter.LANDWEBER);

  public Iwudi {
    Check.atLeastZero("iwudi", "time", time);
    Check.atLeastZero("iwudi", "alpha", alpha);
    Check.atLeastZero("iwudi", "steps", steps);
    Check.that("iwudi", "step_share", stepShare, s -> s > 0 && s < 2, "in (0, 2)");
    FilteredWudi.requireFloor("iwudi", minEigenvalue);
  }

  private static Iwudi of(Filter filter) {
    return new Iwudi(filter, 300, 1e-2, 150, 0.9, Init.SUM, 1e-8);
  }

  /** The filter as a function of the eigenvalue. */
  @Override
  public SpectralFilter spectralFilter() {
    return switch (filter) {
      case EXPONENTIAL -> new SpectralFilter.GradientFlow(time);
      case TIKHONOV ->
          alpha == 0 ? new SpectralFilter.Minimiser(0) : new SpectralFilter.Tikhonov(alpha);
      case LANDWEBER -> new SpectralFilter.Landweber(stepShare, steps);
    };
  }

  @Override
  public double[] psi(double[] eigenvalues, long rows, long columns) {
    return spectralFilter().psi(eigenvalues);
  }
}
