package org.optmerge.method;

import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;

/**
 * The methods once more, straight from their definitions: in double precision, with whole arrays,
 * by sorting.
 */
final class NaiveMethods {
  private NaiveMethods() {}

  static double[] combine(double[][] x, double... coefficients) {
    return entries(
        x, i -> IntStream.range(0, x.length).mapToDouble(t -> coefficients[t] * x[t][i]).sum());
  }

  static double[] mean(double[][] x) {
    return entries(x, i -> Arrays.stream(x).mapToDouble(v -> v[i]).sum() / x.length);
  }

  /** TIES of the official code, per tensor. */
  static double[] ties(double[][] tau, int rank) {
    double[][] trimmed = new double[tau.length][];
    for (int t = 0; t < tau.length; t++) {
      double threshold =
          Arrays.stream(tau[t]).map(Math::abs).sorted().skip(rank - 1).findFirst().orElseThrow();
      trimmed[t] = Arrays.stream(tau[t]).map(v -> Math.abs(v) >= threshold ? v : 0).toArray();
    }
    double[] sign = entries(tau, i -> Math.signum(column(trimmed, i).sum()));
    double majority = Math.signum(Arrays.stream(sign).sum());
    return entries(
        tau,
        i -> {
          double elected = sign[i] == 0 ? majority : sign[i];
          return column(trimmed, i)
              .filter(v -> v != 0 && Math.signum(v) == elected)
              .average()
              .orElse(0);
        });
  }

  /** mergekit's last steps: weights, consensus, normalisation. */
  static double[] taskArithmetic(
      double[][] kept, double[] weights, boolean consensus, boolean normalize) {
    return entries(
        kept,
        i -> {
          double[] x = new double[kept.length];
          Arrays.setAll(x, t -> weights[t] * kept[t][i]);
          double elected = Arrays.stream(x).sum() >= 0 ? 1 : -1;
          double sum = 0;
          double divisor = 0;
          for (int t = 0; t < x.length; t++) {
            if (!consensus || Math.signum(x[t]) == elected) {
              sum += x[t];
              divisor += weights[t];
            }
          }
          return normalize && divisor != 0 ? sum / divisor : sum;
        });
  }

  /** The entries at positions {@code from} to {@code to} in the order of magnitudes. */
  static double[] band(double[] tau, int from, int to) {
    Integer[] order = order(tau);
    double[] kept = new double[tau.length];
    for (int position = from; position < to; position++) {
      kept[order[position]] = tau[order[position]];
    }
    return kept;
  }

  /** Indices by ascending magnitude; of equals the first is the largest, as it is kept first. */
  private static Integer[] order(double[] tau) {
    Integer[] order = IntStream.range(0, tau.length).boxed().toArray(Integer[]::new);
    Arrays.sort(
        order,
        Comparator.<Integer>comparingDouble(i -> Math.abs(tau[i]))
            .thenComparing(Comparator.reverseOrder()));
    return order;
  }

  /** DELLA's sparsifier on rows of a length. */
  static double[] magprune(
      double[] tau, int row, double density, double epsilon, CounterRandom random) {
    double[] kept = new double[tau.length];
    for (int from = 0; from < tau.length; from += row) {
      int start = from;
      Integer[] order = IntStream.range(0, row).boxed().toArray(Integer[]::new);
      Arrays.sort(order, Comparator.comparingDouble(i -> Math.abs(tau[start + i])));
      for (int rank = 0; rank < row; rank++) {
        int i = from + order[rank];
        double probability = density - epsilon + 2 * epsilon * rank / (row - 1);
        kept[i] = random.uniform(i) < probability ? tau[i] : 0;
      }
    }
    return kept;
  }

  static double[] bernoulli(double[] tau, double density, CounterRandom random) {
    return IntStream.range(0, tau.length)
        .mapToDouble(i -> random.uniform(i) < density ? tau[i] : 0)
        .toArray();
  }

  /** Restores the L1 norm. */
  static double[] rescale(double[] kept, double[] tau) {
    double factor = l1(tau) / l1(kept);
    return Arrays.stream(kept).map(v -> v * factor).toArray();
  }

  static double[] slerp(double[] a, double[] b, double t) {
    double angle = Math.acos(dot(a, b) / norm(a) / norm(b));
    double first = Math.sin((1 - t) * angle) / Math.sin(angle);
    double second = Math.sin(t * angle) / Math.sin(angle);
    return combine(new double[][] {a, b}, first, second);
  }

  /** multislerp with mergekit's step along the tangent. */
  static double[] multislerp(double[][] x, double[] a) {
    double[][] unit = Arrays.stream(x).map(v -> times(v, 1 / norm(v))).toArray(double[][]::new);
    double[] mean = combine(unit, a);
    double[] m = times(mean, 1 / norm(mean));
    double[] tangent = new double[m.length];
    double length = 0;
    for (int t = 0; t < x.length; t++) {
      double along = dot(unit[t], m);
      for (int i = 0; i < m.length; i++) {
        tangent[i] += a[t] * (unit[t][i] - along * m[i]);
      }
      length += a[t] * norm(x[t]);
    }
    double step = norm(tangent) + 1e-8;
    return combine(
        new double[][] {m, tangent}, length * Math.cos(step), length * Math.sin(step) / step);
  }

  static double[] karcher(double[][] x, int steps) {
    double[][] unit = Arrays.stream(x).map(v -> times(v, 1 / norm(v))).toArray(double[][]::new);
    double[] u = times(mean(unit), 1 / norm(mean(unit)));
    for (int step = 0; step < steps; step++) {
      double[] tangent = new double[u.length];
      for (double[] v : unit) {
        double cosine = dot(u, v);
        double angle = Math.acos(cosine);
        for (int i = 0; i < u.length; i++) {
          tangent[i] += angle / Math.sin(angle) * (v[i] - cosine * u[i]) / x.length;
        }
      }
      double distance = norm(tangent);
      if (distance < 1e-5) {
        break;
      }
      u = combine(new double[][] {u, tangent}, Math.cos(distance), Math.sin(distance) / distance);
      u = times(u, 1 / norm(u));
    }
    return times(u, Arrays.stream(x).mapToDouble(NaiveMethods::norm).average().orElseThrow());
  }

  static double[] modelStock(double[][] tau) {
    double sum = 0;
    int pairs = 0;
    for (int s = 0; s < tau.length; s++) {
      for (int t = s + 1; t < tau.length; t++) {
        sum += dot(tau[s], tau[t]) / norm(tau[s]) / norm(tau[t]);
        pairs++;
      }
    }
    double c = sum / pairs;
    return times(mean(tau), tau.length * c / (1 + (tau.length - 1) * c));
  }

  static double[] sce(double[][] tau, double topk) {
    double[] variance =
        entries(
            tau,
            i -> {
              double mean = column(tau, i).average().orElseThrow();
              return column(tau, i).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
            });
    int nonzero = (int) Arrays.stream(variance).filter(v -> v != 0).count();
    double[] chosen = band(variance, tau[0].length - (int) (topk * nonzero), tau[0].length);
    double[][] kept = new double[tau.length][tau[0].length];
    double[] energy = new double[tau.length];
    for (int t = 0; t < tau.length; t++) {
      for (int i = 0; i < chosen.length; i++) {
        kept[t][i] = chosen[i] != 0 ? tau[t][i] : 0;
        energy[t] += kept[t][i] * kept[t][i];
      }
    }
    double total = Arrays.stream(energy).sum();
    double[] share = Arrays.stream(energy).map(v -> v / total).toArray();
    return entries(
        kept,
        i -> {
          double elected = column(kept, i).sum() >= 0 ? 1 : -1;
          double sum = 0;
          double divisor = 0;
          for (int t = 0; t < kept.length; t++) {
            if (Math.signum(kept[t][i]) == elected) {
              sum += share[t] * kept[t][i];
              divisor += share[t];
            }
          }
          return sum / Math.max(divisor, 1e-6);
        });
  }

  static double[] magmax(double[][] tau) {
    return entries(
        tau,
        i -> {
          double largest = 0;
          for (double[] v : tau) {
            largest = Math.abs(v[i]) >= Math.abs(largest) ? v[i] : largest;
          }
          return largest;
        });
  }

  static double[] emr(double[][] tau) {
    return entries(
        tau,
        i -> {
          double sign = column(tau, i).sum() > 0 ? 1 : -1;
          return sign * column(tau, i).map(v -> v * sign).filter(v -> v > 0).max().orElse(0);
        });
  }

  static double[] consensus(double[][] tau, double lambda, int least) {
    return entries(
        tau,
        i -> {
          double sum = column(tau, i).sum();
          long tasks = column(tau, i).filter(v -> Math.abs(v) > lambda * Math.abs(sum - v)).count();
          return tasks >= least ? sum : 0;
        });
  }

  static double[] arceeFusion(double[] base, double[] other, int row) {
    double[] importance = new double[base.length];
    for (int from = 0; from < base.length; from += row) {
      double[] p = softmax(Arrays.copyOfRange(other, from, from + row));
      double[] q = softmax(Arrays.copyOfRange(base, from, from + row));
      double divergence =
          IntStream.range(0, row)
              .mapToDouble(i -> (p[i] + 1e-8) * Math.log((p[i] + 1e-8) / (q[i] + 1e-8)))
              .sum();
      for (int i = from; i < from + row; i++) {
        importance[i] = (float) (Math.abs((float) other[i] - (float) base[i]) * divergence);
      }
    }
    double[] sorted = importance.clone();
    Arrays.sort(sorted);
    int last = sorted.length - 1;
    double spread = sorted[(int) (0.75 * last)] - sorted[(int) (0.25 * last)];
    double threshold = sorted[(int) (0.5 * last)] + 1.5 * spread;
    return entries(new double[][] {base}, i -> importance[i] >= threshold ? other[i] : base[i]);
  }

  private static double[] softmax(double[] x) {
    double sum = Arrays.stream(x).map(Math::exp).sum();
    return Arrays.stream(x).map(v -> Math.exp(v) / sum).toArray();
  }

  private static DoubleStream column(double[][] x, int i) {
    return Arrays.stream(x).mapToDouble(v -> v[i]);
  }

  private static double[] entries(double[][] x, IntToDoubleFunction entry) {
    return IntStream.range(0, x[0].length).mapToDouble(entry).toArray();
  }

  private static double[] times(double[] x, double factor) {
    return Arrays.stream(x).map(v -> v * factor).toArray();
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  static double norm(double[] x) {
    return Math.sqrt(dot(x, x));
  }

  private static double l1(double[] x) {
    return Arrays.stream(x).map(Math::abs).sum();
  }
}
