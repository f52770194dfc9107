package org.optmerge.evaluation;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.base.CounterRandom;

/**
 * Confidence intervals of mean scores, had other examples been drawn: resamples them with
 * replacement, seeded, and reads the interval off the resampled means (percentile bootstrap).
 *
 * <p>Several tasks are resampled each within itself, and their means averaged with equal weight, as
 * a benchmark's average is. Two systems are compared on the same resampled examples, so that what
 * is hard for both cancels.
 *
 * @param resamples how many means are drawn
 * @param level of the interval, in (0, 1)
 * @param seed the same seed gives the same interval
 * @see <a href="https://doi.org/10.1007/978-1-4899-4541-9">Efron and Tibshirani, An Introduction to
 *     the Bootstrap, 1993, chapters 13 and 16</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record Bootstrap(int resamples, double level, long seed) {
  /** 95 %, 2,000 resamples, seed 0. */
  public static final Bootstrap DEFAULT = new Bootstrap(2_000, 0.95, 0);

  public Bootstrap {
    if (resamples < 1) {
      throw new IllegalArgumentException("Bootstrap: resamples must be positive, is " + resamples);
    }
    if (!(level > 0 && level < 1)) {
      throw new IllegalArgumentException("Bootstrap: level must be in (0, 1), is " + level);
    }
  }

  /**
   * The mean of one task's scores.
   *
   * @throws IllegalArgumentException if there are no scores or one is not finite
   */
  public Interval mean(double[] scores) {
    return mean(List.of(scores));
  }

  /**
   * The mean of the tasks' means.
   *
   * @param tasks the scores of each task
   * @throws IllegalArgumentException if there is no task, a task has no scores or one is not finite
   */
  public Interval mean(Collection<double[]> tasks) {
    List<double[]> checked = checked(tasks);
    double[] means = new double[resamples];
    for (int t = 0; t < checked.size(); t++) {
      resample(checked.get(t), t, means);
    }
    return interval(meanOfMeans(checked), means, checked.size());
  }

  /**
   * The first system's mean less the second's, on the same examples.
   *
   * @param first scores, one for each example
   * @param second scores of the same examples in the same order
   * @throws IllegalArgumentException if the lengths differ, there are none, or one is not finite
   */
  public Difference difference(double[] first, double[] second) {
    return difference(List.of(first), List.of(second));
  }

  /**
   * The difference of the means of the tasks' means.
   *
   * @param first the first system's scores of each task
   * @param second the second system's scores of the same tasks and examples, in the same order
   * @throws IllegalArgumentException if they do not match, there are none, or one is not finite
   */
  public Difference difference(Collection<double[]> first, Collection<double[]> second) {
    List<double[]> a = checked(first);
    List<double[]> b = checked(second);
    if (a.size() != b.size()) {
      throw new IllegalArgumentException(
          "Bootstrap: %d tasks of one system, %d of the other".formatted(a.size(), b.size()));
    }
    double[] differences = new double[resamples];
    int wins = 0;
    int losses = 0;
    int ties = 0;
    for (int t = 0; t < a.size(); t++) {
      double[] x = a.get(t);
      double[] y = b.get(t);
      if (x.length != y.length) {
        throw new IllegalArgumentException(
            "Bootstrap: task %d has %d scores of one system, %d of the other"
                .formatted(t, x.length, y.length));
      }
      double[] paired = new double[x.length];
      for (int i = 0; i < x.length; i++) {
        paired[i] = x[i] - y[i];
        if (x[i] > y[i]) {
          wins++;
        } else if (x[i] < y[i]) {
          losses++;
        } else {
          ties++;
        }
      }
      resample(paired, t, differences);
    }
    // With both ends counted in, a sample of equal systems has p = 1 and none has p = 0.
    int below = 0;
    int above = 0;
    for (double difference : differences) {
      below += difference <= 0 ? 1 : 0;
      above += difference >= 0 ? 1 : 0;
    }
    double pValue = Math.min(1, 2.0 * (Math.min(below, above) + 1) / (resamples + 1));
    return new Difference(
        interval(meanOfMeans(a) - meanOfMeans(b), differences, a.size()),
        pValue,
        wins,
        losses,
        ties);
  }

  /** Adds the mean of a resample of one task to each entry. */
  private void resample(double[] scores, int task, double[] sums) {
    CounterRandom random = CounterRandom.of(seed, "bootstrap of task " + task);
    int n = scores.length;
    for (int r = 0; r < sums.length; r++) {
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += scores[random.integer((long) r * n + i, n)];
      }
      sums[r] += sum / n;
    }
  }

  private Interval interval(double mean, double[] sums, int tasks) {
    double[] sorted = sums.clone();
    Arrays.sort(sorted);
    double tail = (1 - level) / 2;
    return new Interval(
        mean, quantile(sorted, tail) / tasks, quantile(sorted, 1 - tail) / tasks, level);
  }

  /** Linear between the two nearest, as NumPy's default. */
  private static double quantile(double[] sorted, double share) {
    double position = share * (sorted.length - 1);
    int below = (int) position;
    double fraction = position - below;
    return fraction == 0
        ? sorted[below]
        : sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
  }

  private static double meanOfMeans(List<double[]> tasks) {
    double sum = 0;
    for (double[] scores : tasks) {
      sum += Arrays.stream(scores).sum() / scores.length;
    }
    return sum / tasks.size();
  }

  private static List<double[]> checked(Collection<double[]> tasks) {
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException("Bootstrap: no scores");
    }
    for (double[] scores : tasks) {
      if (scores.length == 0) {
        throw new IllegalArgumentException("Bootstrap: a task without scores has no mean");
      }
      for (double score : scores) {
        if (!Double.isFinite(score)) {
          throw new IllegalArgumentException("Bootstrap: a score is " + score);
        }
      }
    }
    return List.copyOf(tasks);
  }
}
