package org.optmerge.method;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;

/**
 * mergekit's methods in double precision, for recipes with {@code dtype: float64} and for models
 * that are stored in it: a parameter at a time, in memory.
 */
public final class DoubleMerge {
  private final double[][] x;
  private final int size;
  private final int row;
  private final String parameter;

  private DoubleMerge(double[][] x, List<Long> shape, String parameter) {
    this.x = x;
    this.size = x[0].length;
    this.row = Math.max(1, Math.toIntExact(Extents.rowLength(shape)));
    this.parameter = parameter;
  }

  /** True for methods that have a form in double precision. */
  public static boolean has(MergeMethod method) {
    return method instanceof Linear
        || method instanceof Passthrough
        || method instanceof Slerp
        || method instanceof NuSlerp
        || method instanceof MultiSlerp
        || method instanceof Karcher
        || method instanceof ModelStock
        || method instanceof NearSwap
        || method instanceof Ram
        || method instanceof RamPlus
        || method instanceof Sce
        || method instanceof ArceeFusion
        || method instanceof GeneralizedTaskArithmetic;
  }

  /**
   * Merges a parameter.
   *
   * @param x weights or task vectors, as the method takes them
   * @return the merged weight or task vector
   * @throws IllegalArgumentException if the method has no form in double precision
   */
  public static double[] merge(
      MergeMethod method, double[][] x, List<Long> shape, String parameter) {
    return new DoubleMerge(x, shape, parameter).merge(method);
  }

  private double[] merge(MergeMethod method) {
    int count = x.length;
    if (method instanceof Linear linear) {
      double[] weights = Check.covers("linear", "weight", linear.weight(), count);
      return combined(linear.normalize() ? Normalization.normalized(weights) : weights);
    } else if (method instanceof Passthrough passthrough) {
      return combined(passthrough.scale().values(count));
    } else if (method instanceof Slerp slerp) {
      return combined(slerp.coefficients(gram(0, 1, size), Check.given("slerp", "t", slerp.t())));
    } else if (method instanceof NuSlerp nuslerp) {
      return nuslerp(nuslerp);
    } else if (method instanceof MultiSlerp spherical) {
      double[] weights = Check.covers("multislerp", "weight", spherical.weight(), count);
      double[] a = spherical.normalizeWeights() ? Normalization.normalized(weights) : weights;
      return combined(spherical.coefficients(gram(0, 1, size), a, parameter));
    } else if (method instanceof Karcher karcher) {
      return combined(karcher.coefficients(gram(0, 1, size)));
    } else if (method instanceof ModelStock stock) {
      return stock.filterWise()
          ? perVector(1, row, row, stock::coefficients)
          : combined(stock.coefficients(gram(0, 1, size)));
    } else if (method instanceof NearSwap swap) {
      double limit = Check.given("nearswap", "t", swap.t());
      return each(i -> x[0][i] * Math.min(limit / Math.max(Math.abs(x[0][i]), 1e-6), 1));
    } else if (method instanceof Ram ram) {
      return each(i -> ram(ram.epsilon(), i));
    } else if (method instanceof RamPlus ram) {
      return ramPlus(ram);
    } else if (method instanceof Sce sce) {
      return sce(sce);
    } else if (method instanceof ArceeFusion) {
      return fusion();
    } else if (method instanceof GeneralizedTaskArithmetic sparse) {
      return sparse(sparse);
    }
    throw new IllegalArgumentException(
        "%s computes in float32; give 'dtype: float32' and, if that is meant, 'out_dtype: float64'"
            .formatted(method));
  }

  private double[] nuslerp(NuSlerp nuslerp) {
    double t = nuslerp.share();
    Function<Gram, double[]> coefficients = gram -> NuSlerp.coefficients(gram, t);
    if (nuslerp.nuslerpFlatten()) {
      return combined(coefficients.apply(gram(0, 1, size)));
    }
    return nuslerp.nuslerpRowWise()
        ? perVector(row, size / row, 1, coefficients)
        : perVector(1, row, row, coefficients);
  }

  /** An entry is the mean of the models that changed it. */
  private double ram(double epsilon, int i) {
    double sum = 0;
    int changed = 0;
    for (double[] tau : x) {
      if (Math.abs(tau[i]) > epsilon) {
        sum += tau[i];
        changed++;
      }
    }
    return changed == 0 ? 0 : sum / changed;
  }

  private double[] ramPlus(RamPlus ram) {
    int count = x.length;
    int[] models = new int[size];
    for (double[] tau : x) {
      for (int i = 0; i < size; i++) {
        models[i] += Math.abs(tau[i]) > ram.epsilon() ? 1 : 0;
      }
    }
    double[] alone = new double[count];
    for (int t = 0; t < count; t++) {
      float shared = 0;
      float unique = 0;
      for (int i = 0; i < size; i++) {
        boolean changed = Math.abs(x[t][i]) > ram.epsilon();
        shared += changed && models[i] > 1 ? 1 : 0;
        unique += changed && models[i] == 1 ? 1 : 0;
      }
      // mergekit divides integers, in float32 whatever the type of the weights.
      float ratio = shared / Math.max(unique, (float) Math.max(ram.epsilon(), Double.MIN_NORMAL));
      alone[t] = 1f + (float) ram.r() * Math.min(ratio, (float) ram.alpha());
    }
    return each(
        i -> {
          double sum = 0;
          for (int t = 0; t < count; t++) {
            if (Math.abs(x[t][i]) > ram.epsilon()) {
              sum += models[i] == 1 ? alone[t] * x[t][i] : x[t][i] / models[i];
            }
          }
          return sum;
        });
  }

  private double[] sce(Sce sce) {
    int count = x.length;
    double[] selection = sce.selectTopk() < 1 ? mostVaried(sce.selectTopk()) : each(i -> 1);
    double[] energy = new double[count];
    for (int t = 0; t < count; t++) {
      for (int i = 0; i < size; i++) {
        energy[t] += selection[i] * x[t][i] * x[t][i] / size;
      }
    }
    double total = Arrays.stream(energy).sum();
    double[] shares =
        Arrays.stream(energy).map(own -> total < 1e-6 ? 1.0 / count : own / total).toArray();
    return each(
        i -> {
          double sum = 0;
          for (double[] tau : x) {
            sum += tau[i];
          }
          double sign = sum >= 0 ? 1 : -1;
          double merged = 0;
          double divisor = 0;
          for (int t = 0; t < count; t++) {
            if (Math.signum(x[t][i]) == sign) {
              merged += shares[t] * x[t][i];
              divisor += shares[t];
            }
          }
          return selection[i] * merged / Math.max(divisor, 1e-6);
        });
  }

  /** 1 for the share of entries that vary most between models, of those that do; else 0. */
  private double[] mostVaried(double share) {
    int count = x.length;
    double[] variance =
        each(
            i -> {
              double mean = Arrays.stream(x).mapToDouble(tau -> tau[i]).sum() / count;
              return Arrays.stream(x).mapToDouble(t -> (t[i] - mean) * (t[i] - mean)).sum() / count;
            });
    long varied = Arrays.stream(variance).filter(it -> it != 0).count();
    int[] order =
        new DoubleMerge(new double[][] {variance}, List.of((long) size), parameter)
            .order(0, 0, size);
    double[] selection = new double[size];
    for (int rank = size - (int) (share * varied); rank < size; rank++) {
      selection[order[rank]] = 1;
    }
    return selection;
  }

  /** The base where the other model is less than particular, see {@link ArceeFusion}. */
  private double[] fusion() {
    Check.inputs("arcee_fusion", x.length, 2, 2, "the base and exactly one other model");
    double[] importance = new double[size];
    for (int from = 0; from < size; from += row) {
      double[] p = softmax(x[1], from);
      double[] q = softmax(x[0], from);
      double divergence = 0;
      for (int i = 0; i < row; i++) {
        divergence += p[i] * Math.log(p[i] / q[i]);
      }
      for (int i = from; i < from + row; i++) {
        importance[i] = Math.abs(x[1][i] - x[0][i]) * divergence;
      }
    }
    double[] sorted = importance.clone();
    Arrays.sort(sorted);
    double spread = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    double threshold = quantile(sorted, 0.5) + 1.5 * spread;
    return each(i -> importance[i] >= threshold ? x[1][i] : x[0][i]);
  }

  private static double quantile(double[] sorted, double share) {
    return sorted.length == 0 ? 0 : sorted[(int) (share * (sorted.length - 1))];
  }

  private double[] softmax(double[] values, int from) {
    double largest = Arrays.stream(values, from, from + row).max().orElse(0);
    double[] shares =
        Arrays.stream(values, from, from + row).map(value -> Math.exp(value - largest)).toArray();
    double sum = Arrays.stream(shares).sum();
    return Arrays.stream(shares).map(share -> share / sum + 1e-8).toArray();
  }

  private double[] sparse(GeneralizedTaskArithmetic sparse) {
    int count = x.length;
    double[] weights = Check.covers("weight", "weight", sparse.weight(), count);
    double[] densities = sparse.density().values(count);
    double[][] kept = new double[count][];
    for (int t = 0; t < count; t++) {
      kept[t] = densities[t] >= 1 ? x[t].clone() : kept(sparse.sparsifier(), t, densities[t]);
      if (sparse.rescale() && densities[t] < 1) {
        double before = Arrays.stream(x[t]).map(Math::abs).sum();
        double after = Arrays.stream(kept[t]).map(Math::abs).sum();
        double scale = before < 1e-7 || after < 1e-7 ? 1 : before / after;
        kept[t] = Arrays.stream(kept[t]).map(value -> value * scale).toArray();
      }
    }
    double total = Arrays.stream(weights).sum();
    double common = Math.abs(total) < 1e-8 ? 1 : total;
    return each(
        i -> {
          double sum = 0;
          for (int t = 0; t < count; t++) {
            sum += weights[t] * kept[t][i];
          }
          double divisor = common;
          if (sparse.consensus()) {
            double sign = sum >= 0 ? 1 : -1;
            sum = 0;
            divisor = 0;
            for (int t = 0; t < count; t++) {
              double value = weights[t] * kept[t][i];
              if (Math.signum(value) == sign) {
                sum += value;
                divisor += weights[t];
              }
            }
            divisor = divisor == 0 ? 1 : divisor;
          }
          return sparse.lambda() * (sparse.normalize() ? sum / divisor : sum);
        });
  }

  private double[] kept(Sparsifier sparsifier, int t, double density) {
    if (sparsifier instanceof Sparsifier.Magnitude) {
      return byRank(t, size - (int) Mask.kept(density, size), size);
    } else if (sparsifier instanceof Sparsifier.TwoSidedMagnitude band) {
      int top = (int) (band.gamma().values(x.length)[t] * size);
      int wanted = (int) (density * size);
      int from = Math.max(0, size - wanted - top);
      return band.zeroes() && top == 0 ? new double[size] : byRank(t, from, from + wanted);
    } else if (sparsifier instanceof Sparsifier.Bernoulli random) {
      CounterRandom numbers = new CounterRandom(random.seed(), t, parameter);
      long limit = CounterRandom.limit(density);
      return each(i -> numbers.keepBits(i, limit) == 0 ? 0 : x[t][i]);
    } else if (sparsifier instanceof Sparsifier.RankProbability ranks && density > 0) {
      return byRankProbability(ranks, t, density);
    }
    return sparsifier instanceof Sparsifier.None ? x[t].clone() : new double[size];
  }

  private double[] byRankProbability(Sparsifier.RankProbability ranks, int t, double density) {
    CounterRandom numbers = new CounterRandom(ranks.seed(), t, parameter);
    double epsilon = row == 1 ? 0 : ranks.epsilon().values(x.length)[t];
    double[] kept = new double[size];
    for (int from = 0; from < size; from += row) {
      int[] order = order(t, from, from + row);
      for (int rank = 0; rank < order.length; rank++) {
        double step = row == 1 ? 0 : 2 * epsilon / (row - 1);
        long limit = CounterRandom.limit(density - epsilon + step * rank);
        kept[order[rank]] = numbers.keepBits(order[rank], limit) == 0 ? 0 : x[t][order[rank]];
      }
    }
    return kept;
  }

  /** The entries whose ranks by magnitude, from 0 for the smallest, are in a range. */
  private double[] byRank(int t, int from, int to) {
    int[] order = order(t, 0, size);
    double[] kept = new double[size];
    for (int rank = from; rank < to; rank++) {
      kept[order[rank]] = x[t][order[rank]];
    }
    return kept;
  }

  /** Entries by magnitude, ascending; of equals the one of lower index is the larger. */
  private int[] order(int t, int from, int to) {
    return IntStream.range(from, to)
        .boxed()
        .sorted(
            Comparator.<Integer>comparingDouble(i -> Math.abs(x[t][i]))
                .thenComparing(Comparator.reverseOrder()))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private Gram gram(int from, int step, int length) {
    double[][] products = new double[x.length][x.length];
    for (int s = 0; s < x.length; s++) {
      for (int t = 0; t <= s; t++) {
        double sum = 0;
        for (int i = 0; i < length; i++) {
          sum += x[s][from + i * step] * x[t][from + i * step];
        }
        products[s][t] = sum;
        products[t][s] = sum;
      }
    }
    return new Gram(products);
  }

  /**
   * Combines vectors each by itself.
   *
   * @param step from an entry of a vector to the next one
   * @param length of each
   * @param next from the start of a vector to that of the next one
   */
  private double[] perVector(
      int step, int length, int next, Function<Gram, double[]> coefficients) {
    double[] merged = new double[size];
    for (int vector = 0; vector < size / length; vector++) {
      double[] c = coefficients.apply(gram(vector * next, step, length));
      for (int i = 0; i < length; i++) {
        int at = vector * next + i * step;
        for (int t = 0; t < x.length; t++) {
          merged[at] += c[t] * x[t][at];
        }
      }
    }
    return merged;
  }

  private double[] combined(double[] coefficients) {
    return each(
        i -> {
          double sum = 0;
          for (int t = 0; t < x.length; t++) {
            sum += coefficients[t] * x[t][i];
          }
          return sum;
        });
  }

  /** An entry of the result. */
  @FunctionalInterface
  private interface Entry {
    double at(int index);
  }

  private double[] each(Entry entry) {
    double[] merged = new double[size];
    Arrays.setAll(merged, entry::at);
    return merged;
  }
}
