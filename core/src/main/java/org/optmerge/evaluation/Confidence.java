package org.optmerge.evaluation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How sure mean scores and their differences are: exact where all scores are 0 or 1, resampled
 * where they are graded.
 *
 * <p>A share of right answers has Wilson's score interval, which is not of width zero when all
 * answers are right. The difference of two shares on the same questions has Newcombe's interval
 * (square and add, of Wilson's, with the correlation of the pairs), and the exact form of McNemar's
 * test: of the questions on which the systems differ, either could have won each. Graded scores are
 * left to {@link Bootstrap}, which is too sure of itself below about thirty examples. Several
 * comparisons at once are corrected by {@link #holm}.
 *
 * @see <a href="https://doi.org/10.1080/01621459.1927.10502953">Wilson, Probable Inference, JASA
 *     1927</a>
 * @see <a
 *     href="https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22%3C2635::AID-SIM954%3E3.0.CO;2-C">
 *     Newcombe, Improved confidence intervals for the difference between binomial proportions based
 *     on paired data, Statistics in Medicine 1998, method 10</a>
 */
public final class Confidence {
  /** Fewer graded scores than this make intervals that are too narrow. */
  public static final int FEW = 30;

  private Confidence() {}

  /** True if all scores are 0 or 1, so that they are counted rather than resampled. */
  public static boolean isCounted(double[] scores) {
    return Arrays.stream(scores).allMatch(score -> score == 0 || score == 1);
  }

  /**
   * The mean of scores.
   *
   * @param bootstrap for graded scores; its level is that of the interval in any case
   * @throws IllegalArgumentException if there are no scores or one is not finite
   */
  public static Interval mean(double[] scores, Bootstrap bootstrap) {
    if (scores.length == 0 || !isCounted(scores)) {
      return bootstrap.mean(scores);
    }
    return wilson((int) Arrays.stream(scores).sum(), scores.length, bootstrap.level());
  }

  /**
   * The first system's mean less the second's, on the same examples.
   *
   * @param first scores, one for each example
   * @param second scores of the same examples in the same order
   * @throws IllegalArgumentException if the lengths differ, there are none, or one is not finite
   */
  public static Difference difference(double[] first, double[] second, Bootstrap bootstrap) {
    if (first.length == 0
        || first.length != second.length
        || !isCounted(first)
        || !isCounted(second)) {
      return bootstrap.difference(first, second);
    }
    int both = 0;
    int wins = 0;
    int losses = 0;
    for (int i = 0; i < first.length; i++) {
      both += first[i] == 1 && second[i] == 1 ? 1 : 0;
      wins += first[i] > second[i] ? 1 : 0;
      losses += first[i] < second[i] ? 1 : 0;
    }
    int neither = first.length - both - wins - losses;
    return new Difference(
        newcombe(both, wins, losses, neither, bootstrap.level()),
        mcNemar(wins, losses),
        wins,
        losses,
        both + neither);
  }

  /**
   * Wilson's score interval of a share.
   *
   * @param right how many of them
   * @param all how many there are, at least one
   */
  static Interval wilson(int right, int all, double level) {
    double z = quantile(1 - (1 - level) / 2);
    double share = right / (double) all;
    double squared = z * z / all;
    double centre = share + squared / 2;
    double half = z * Math.sqrt(share * (1 - share) / all + squared / (4 * all));
    double lower = right == 0 ? 0 : (centre - half) / (1 + squared);
    double upper = right == all ? 1 : (centre + half) / (1 + squared);
    return new Interval(share, lower, upper, level);
  }

  /**
   * Newcombe's interval of the difference of two shares of the same examples.
   *
   * @param both examples that both systems have right
   * @param first examples that only the first has right
   * @param second examples that only the second has right
   * @param neither examples that none has right
   */
  static Interval newcombe(int both, int first, int second, int neither, double level) {
    int all = both + first + second + neither;
    Interval one = wilson(both + first, all, level);
    Interval other = wilson(both + second, all, level);
    double margins =
        (double) (both + first)
            * (second + neither)
            * ((double) (both + second) * (first + neither));
    double product = (double) both * neither - (double) first * second;
    double corrected = product > 0 ? Math.max(product - all / 2.0, 0) : product;
    double phi = margins == 0 ? 0 : corrected / Math.sqrt(margins);
    double mean = (first - second) / (double) all;
    double below = added(one.mean() - one.lower(), other.upper() - other.mean(), phi);
    double above = added(one.upper() - one.mean(), other.mean() - other.lower(), phi);
    return new Interval(mean, Math.max(-1, mean - below), Math.min(1, mean + above), level);
  }

  private static double added(double one, double other, double phi) {
    return Math.sqrt(Math.max(0, one * one - 2 * phi * one * other + other * other));
  }

  /**
   * The exact p-value of McNemar's test: how often so uneven a share of the differing examples, or
   * a more uneven one, comes about where each could have gone to either system.
   */
  static double mcNemar(int wins, int losses) {
    int all = wins + losses;
    int fewer = Math.min(wins, losses);
    double logChoose = 0;
    double tail = 0;
    for (int k = 0; k <= fewer; k++) {
      if (k > 0) {
        logChoose += StrictMath.log(all - k + 1) - StrictMath.log(k);
      }
      tail += StrictMath.exp(logChoose - all * StrictMath.log(2));
    }
    return Math.min(1, 2 * tail);
  }

  /**
   * Corrects the p-values of several comparisons, so that the chance of a single false one among
   * them stays below the level.
   *
   * @param pValues in any order
   * @return the corrected values, in the same order
   * @see <a href="https://www.jstor.org/stable/4615733">Holm, A Simple Sequentially Rejective
   *     Multiple Test Procedure, 1979</a>
   */
  public static double[] holm(double[] pValues) {
    List<Integer> order =
        IntStream.range(0, pValues.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> pValues[i]))
            .toList();
    double[] corrected = new double[pValues.length];
    double largest = 0;
    for (int rank = 0; rank < order.size(); rank++) {
      int i = order.get(rank);
      largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[i]));
      corrected[i] = largest;
    }
    return corrected;
  }

  /**
   * The quantile of the normal distribution, by bisection of its integral.
   *
   * @param share in (0.5, 1)
   */
  private static double quantile(double share) {
    if (share == 0.975) {
      return 1.959963984540054;
    }
    double low = 0;
    double high = 40;
    for (int step = 0; step < 100; step++) {
      double middle = (low + high) / 2;
      if (0.5 + integral(middle) < share) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** The integral of the normal density from 0, by its series. */
  private static double integral(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 400 && term > 1e-18 * sum; n++) {
      term *= x * x / (2 * n + 1);
      sum += term;
    }
    return sum * StrictMath.exp(-x * x / 2) / StrictMath.sqrt(2 * Math.PI);
  }
}
