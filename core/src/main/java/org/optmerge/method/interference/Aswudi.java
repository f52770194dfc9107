package org.optmerge.method.interference;

import java.util.Locale;
import org.optmerge.method.Check;
import org.optmerge.method.ParameterDoc;

/**
 * ASWUDI: WUDI's minimiser, or gradient flow towards it, in the leading eigendirections of its
 * Hessian, how many a rule says for each matrix, and the start in the others.
 *
 * <p>Matrices only; the mean elsewhere and for the head, as published. Zero task vectors have no
 * say; if all are (nearly) zero, the result is the mean. Factors stay factors.
 *
 * @param rankRule how many directions are kept
 * @param cumulativeShare for {@link RankRule#CUMULATIVE_VARIANCE}
 * @param minRank at least so many
 * @param maxRankShare at most this share of the n directions, rounded half to even
 * @param rankScale the number is then multiplied by this and rounded half to even
 * @param filter exponential, or all the way to the minimum
 * @param time t of the exponential filter 1 − exp(−λt)
 * @param init where the filter starts from
 * @param minEigenvalue eigenvalues below it count as it
 * @see <a href="https://arxiv.org/abs/2606.07289">Wei et al., Closed-form spectral regularization
 *     for multi-task model merging</a>
 */
public record Aswudi(
    @ParameterDoc("how many eigendirections are merged") RankRule rankRule,
    @ParameterDoc("share of the spectrum that cumulative_variance keeps") double cumulativeShare,
    @ParameterDoc("at least so many directions") int minRank,
    @ParameterDoc("at most this share of the directions") double maxRankShare,
    @ParameterDoc("multiplies the number of directions") double rankScale,
    @ParameterDoc("exponential: gradient flow; none: all the way to the minimum")
        Swudi.Filter filter,
    @ParameterDoc("how long gradient flow flows") double time,
    @ParameterDoc("where the filter starts from") Init init,
    @ParameterDoc("eigenvalues below it count as it") double minEigenvalue)
    implements FilteredWudi {
  /** The function's defaults. */
  public static final Aswudi PUBLISHED = of(RankRule.PARTICIPATION_SQRT, Init.SUM);

  public Aswudi {
    Check.that("aswudi", "cumulative_share", cumulativeShare, s -> s > 0 && s <= 1, "in (0, 1]");
    Check.that("aswudi", "min_rank", minRank, r -> r >= 0, "at least 0");
    Check.that("aswudi", "max_rank_share", maxRankShare, s -> s > 0 && s <= 1, "in (0, 1]");
    Check.that("aswudi", "rank_scale", rankScale, s -> s > 0 && s < 1e6, "positive");
    Check.atLeastZero("aswudi", "time", time);
    FilteredWudi.requireFloor("aswudi", minEigenvalue);
  }

  /** With the published limits. */
  public static Aswudi of(RankRule rankRule, Init init) {
    return new Aswudi(rankRule, 0.95, 1, 1, 1, Swudi.Filter.NONE, 1e6, init, 1e-8);
  }

  /** The number of directions kept of a matrix whose Hessian has the given eigenvalues. */
  int rank(double[] eigenvalues, long rows, long columns) {
    int chosen = rankRule.rank(eigenvalues, rows, columns, cumulativeShare);
    int most = Math.max(minRank, (int) Math.rint(maxRankShare * columns));
    int limited = Math.max(minRank, Math.min(chosen, most));
    return rankScale == 1
        ? limited
        : Math.max(minRank, (int) Math.min(columns, Math.rint(limited * rankScale)));
  }

  /** The filter in the directions kept. */
  @Override
  public SpectralFilter spectralFilter() {
    return filter.after(time);
  }

  @Override
  public String directions() {
    return "in as many directions with the largest eigenvalues as the rank rule %s says; the start in the others"
        .formatted(rankRule.name().toLowerCase(Locale.ROOT));
  }

  @Override
  public double[] psi(double[] eigenvalues, long rows, long columns) {
    return FilteredWudi.truncated(
        spectralFilter().psi(eigenvalues), rank(eigenvalues, rows, columns));
  }
}
