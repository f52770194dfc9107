package org.optmerge.evaluation;

import java.util.Locale;
import org.apiguardian.api.API;

/**
 * The lead of one system over another on the same examples.
 *
 * @param interval of the difference of the means, first minus second
 * @param pValue how often so large a difference comes about by the choice of examples alone: of
 *     {@link Confidence} by McNemar's exact test, of {@link Bootstrap} the share of resampled
 *     differences, doubled, that lie on the other side of zero or on it; at most 1
 * @param wins examples on which the first system scored more
 * @param losses examples on which it scored less
 * @param ties examples on which both scored the same
 */
@API(status = API.Status.EXPERIMENTAL)
public record Difference(Interval interval, double pValue, int wins, int losses, int ties) {
  /** True if the interval leaves out zero: the difference is more than noise at its level. */
  public boolean significant() {
    return significant(pValue);
  }

  /**
   * The same with a p-value that several comparisons have been corrected for: both the interval and
   * the test must say so.
   *
   * @param corrected such as of {@link Confidence#holm}
   */
  public boolean significant(double corrected) {
    boolean excluded = interval.lower() > 0 || interval.upper() < 0;
    return excluded && (corrected == pValue || corrected < 1 - interval.level());
  }

  /** As people write it, such as {@code +0.050 [0.010, 0.090], p = 0.012}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%+.3f [%.3f, %.3f], p = %.3f",
        interval.mean(),
        interval.lower(),
        interval.upper(),
        pValue);
  }
}
