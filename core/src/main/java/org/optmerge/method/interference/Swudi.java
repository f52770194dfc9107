package org.optmerge.method.interference;

import org.optmerge.method.Check;
import org.optmerge.method.ParameterDoc;

/**
 * SWUDI: WUDI's loss solved in closed form, with gradient flow for a time in the leading
 * eigendirections of its Hessian and the start kept in the others.
 *
 * <p>Matrices only; the mean elsewhere and for the head, as published. Zero task vectors have no
 * say; if all are (nearly) zero, the result is the mean. Factors stay factors.
 *
 * @param time t of the filter 1 − exp(−λt)
 * @param rankShare share r of the n eigendirections that are filtered, ⌊n·r + 0.999⌋, at least one;
 *     1 for all, which the published code writes as no {@code truncate_rank_ratio}
 * @param filter exponential, or all the way to the minimum
 * @param init where the filter starts from
 * @param minEigenvalue eigenvalues below it count as it
 * @see <a href="https://arxiv.org/abs/2606.07289">Wei et al., Closed-form spectral regularization
 *     for multi-task model merging</a>
 */
public record Swudi(
    @ParameterDoc("how long gradient flow flows") double time,
    @ParameterDoc("share of the eigendirections that is merged; 1: no truncation") double rankShare,
    @ParameterDoc("exponential: gradient flow; none: all the way to the minimum") Filter filter,
    @ParameterDoc("where the filter starts from") Init init,
    @ParameterDoc("eigenvalues below it count as it") double minEigenvalue)
    implements FilteredWudi {
  /** The filter in the directions kept. */
  public enum Filter {
    /** Gradient flow for a time. */
    EXPONENTIAL,
    /** All the way to the minimum. */
    NONE;

    SpectralFilter after(double time) {
      return this == NONE ? new SpectralFilter.Minimiser(0) : new SpectralFilter.GradientFlow(time);
    }
  }

  /** The function's defaults; its authors use 0.65 to 0.85 for full fine-tuning. */
  public static final Swudi PUBLISHED = new Swudi(300, 0.65, Filter.EXPONENTIAL, Init.SUM, 1e-8);

  /** For Qwen2-VL with LoRA experts, λ = 0.2. */
  public static final Swudi QWEN2_VL = new Swudi(1300, 0.01, Filter.EXPONENTIAL, Init.SUM, 1e-8);

  public Swudi {
    Check.atLeastZero("swudi", "time", time);
    Check.that("swudi", "rank_share", rankShare, r -> r > 0 && r <= 1, "in (0, 1]");
    FilteredWudi.requireFloor("swudi", minEigenvalue);
  }

  /** The filter in the directions kept, as a function of the eigenvalue. */
  @Override
  public SpectralFilter spectralFilter() {
    return filter.after(time);
  }

  @Override
  public String directions() {
    return rankShare == 1
        ? FilteredWudi.super.directions()
        : "in the share %s of the directions with the largest eigenvalues; the start in the others"
            .formatted(rankShare);
  }

  @Override
  public double[] psi(double[] eigenvalues, long rows, long columns) {
    int kept = Math.max(1, (int) Math.floor(columns * rankShare + 0.999));
    return FilteredWudi.truncated(spectralFilter().psi(eigenvalues), kept);
  }
}
