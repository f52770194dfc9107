package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import org.optmerge.base.CounterRandom;
import org.optmerge.base.Kernels;
import org.optmerge.method.MagnitudeSelection.Largest;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/** A sparsifier that has seen the task vectors of a parameter. */
@FunctionalInterface
interface Mask {
  /** Writes the kept entries of τ_t, times a factor, and zeros for the others. */
  void apply(Block block, int t, float factor, float[] target);

  /** Keeps all. */
  Mask ALL =
      (block, t, factor, target) -> {
        float[] tau = block.tau()[t];
        for (int i = 0; i < block.length(); i++) {
          target[i] = tau[i] * factor;
        }
      };

  /** This mask where a task vector loses entries, none where its density is 1. */
  default Mask where(double[] density) {
    return (block, t, factor, target) ->
        (density[t] >= 1 ? ALL : this).apply(block, t, factor, target);
  }

  /** The number of n entries that {@link Sparsifier.Magnitude} keeps. */
  static long kept(double density, long entries) {
    return density <= 0 || entries == 0 ? 0 : Math.max(1, (long) (density * entries));
  }

  static Mask largest(TaskVectorStream tau, double[] density) {
    long[][] counts = new long[density.length][];
    for (int t = 0; t < counts.length; t++) {
      counts[t] = new long[] {density[t] >= 1 ? tau.size() : kept(density[t], tau.size())};
    }
    Largest[][] cuts = select(tau, counts);
    return (block, t, factor, target) -> above(cuts[t][0], block, t, factor, target);
  }

  /**
   * @param zeroes whether nothing is kept where γ drops nothing
   */
  static Mask band(TaskVectorStream tau, double[] density, double[] gamma, boolean zeroes) {
    long[][] counts = new long[density.length][];
    for (int t = 0; t < counts.length; t++) {
      long top = (long) (gamma[t] * tau.size());
      long bottom = tau.size() - (long) (density[t] * tau.size()) - top;
      if (zeroes && top == 0) {
        bottom = tau.size();
      }
      if (bottom < 0) {
        top += bottom;
        bottom = 0;
      }
      counts[t] =
          density[t] >= 1
              ? new long[] {tau.size(), 0}
              : new long[] {tau.size() - bottom, Math.max(0, top)};
    }
    Largest[][] cuts = select(tau, counts);
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);
    return (block, t, factor, target) -> {
      above(cuts[t][0], block, t, factor, target);
      BufferPool.Scratch rows = scratch.borrow();
      float[] outliers = rows.row(0, block.length());
      above(cuts[t][1], block, t, factor, outliers);
      for (int i = 0; i < block.length(); i++) {
        target[i] -= outliers[i]; // equal where both have it, else zero: exact
      }
      scratch.giveBack(rows);
    };
  }

  private static Largest[][] select(TaskVectorStream tau, long[][] counts) {
    return MagnitudeSelection.largest(tau, MagnitudeSelection.Source::taskVectors, counts);
  }

  private static void above(Largest cut, Block block, int t, float factor, float[] target) {
    float[] tau = block.tau()[t];
    int upToLast = cut.upToLast(block);
    above(tau, 0, upToLast, cut.exceededUpToLast(), factor, target);
    above(tau, upToLast, block.length(), cut.magnitude(), factor, target);
  }

  /** Keeps the entries from {@code from} to {@code to} whose magnitude exceeds a threshold. */
  static void above(float[] tau, int from, int to, float exceeded, float factor, float[] target) {
    Kernels.best().keepAbove(tau, from, to, exceeded, factor, target);
  }

  static Mask bernoulli(TaskVectorStream tau, double[] density, long seed) {
    List<CounterRandom> random = randoms(tau, seed);
    long[] limits = Arrays.stream(density).mapToLong(CounterRandom::limit).toArray();
    return (block, t, factor, target) ->
        random
            .get(t)
            .keep(block.start(), limits[t], block.tau()[t], factor, target, block.length());
  }

  /** One source of random numbers per task vector. */
  static List<CounterRandom> randoms(TaskVectorStream tau, long seed) {
    CounterRandom[] random = new CounterRandom[tau.count()];
    Arrays.setAll(random, t -> new CounterRandom(seed, t, tau.parameter()));
    return List.of(random);
  }
}
