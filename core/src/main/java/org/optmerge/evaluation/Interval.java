package org.optmerge.evaluation;

import java.util.Locale;
import org.apiguardian.api.API;

/**
 * A mean and the range in which it would lie had other examples been drawn.
 *
 * @param mean of the scores themselves
 * @param lower end of the confidence interval
 * @param upper end of the confidence interval
 * @param level such as 0.95
 */
@API(status = API.Status.EXPERIMENTAL)
public record Interval(double mean, double lower, double upper, double level) {
  /** This interval on another scale, such as 100 for percent. */
  public Interval times(double factor) {
    return new Interval(mean * factor, lower * factor, upper * factor, level);
  }

  /** As people write it, such as {@code 0.500 [0.412, 0.588]}. */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.3f [%.3f, %.3f]", mean, lower, upper);
  }
}
