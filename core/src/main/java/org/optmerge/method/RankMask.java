package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import org.optmerge.base.CounterRandom;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/** Keeps entries with a probability that grows with their rank in the row (DELLA's MagPrune). */
final class RankMask implements Mask {
  private final int row;
  private final double[] density;
  private final double[] epsilon;
  private final List<CounterRandom> random;
  private final BufferPool<Ranks> pool;

  RankMask(TaskVectorStream tau, double[] density, double[] epsilon, long seed) {
    this.row = Math.toIntExact(Extents.rowLength(tau.shape()));
    this.density = density;
    this.epsilon = epsilon;
    this.random = Mask.randoms(tau, seed);
    int length = row;
    this.pool = new BufferPool<>(() -> new Ranks(length));
  }

  @Override
  public void apply(Block block, int t, float factor, float[] target) {
    if (density[t] <= 0) {
      Arrays.fill(target, 0, block.length(), 0f);
      return;
    }
    // A row of one entry has no ranks: it is kept with the density itself, where mergekit stops.
    double lowest = row == 1 ? density[t] : density[t] - epsilon[t];
    double step = row == 1 ? 0 : 2 * epsilon[t] / (row - 1);
    float[] tau = block.tau()[t];
    CounterRandom numbers = random.get(t);
    Ranks ranks = pool.borrow();
    for (int from = 0; from < block.length(); from += row) {
      int[] rank = ranks.of(tau, from);
      for (int i = 0; i < row; i++) {
        long limit = CounterRandom.limit(lowest + step * rank[i]);
        int keep = numbers.keepBits(block.start() + from + i, limit);
        target[from + i] =
            Float.intBitsToFloat(Float.floatToRawIntBits(tau[from + i] * factor) & keep);
      }
    }
    pool.giveBack(ranks);
  }

  /** Ranks of magnitudes by radix sort; of equals the first has the lower rank. */
  static final class Ranks {
    private static final int BITS = 11;
    private static final int BINS = 1 << BITS;
    private static final int DIGITS = 3;

    private final int length;
    private int[] keys;
    private int[] indices;
    private int[] sortedKeys;
    private int[] sortedIndices;
    private final int[] ranks;
    private final int[][] bins = new int[DIGITS][BINS];

    Ranks(int length) {
      this.length = length;
      this.keys = new int[length];
      this.indices = new int[length];
      this.sortedKeys = new int[length];
      this.sortedIndices = new int[length];
      this.ranks = new int[length];
    }

    /** The rank, from 0 for the smallest, of each of {@code length} entries. */
    int[] of(float[] values, int from) {
      for (int[] digit : bins) {
        Arrays.fill(digit, 0);
      }
      for (int i = 0; i < length; i++) {
        int key = Float.floatToRawIntBits(values[from + i]) & 0x7fffffff;
        keys[i] = key;
        indices[i] = i;
        bins[0][key & (BINS - 1)]++;
        bins[1][key >>> BITS & (BINS - 1)]++;
        bins[2][key >>> 2 * BITS]++;
      }
      for (int digit = 0; digit < DIGITS; digit++) {
        // A digit that all share, as the lowest of bfloat16 values, is in order already.
        if (bins[digit][keys[0] >>> digit * BITS & (BINS - 1)] < length) {
          scatter(digit);
        }
      }
      for (int rank = 0; rank < length; rank++) {
        ranks[indices[rank]] = rank;
      }
      return ranks;
    }

    private void scatter(int digit) {
      int[] next = bins[digit];
      int sum = 0;
      for (int bin = 0; bin < BINS; bin++) {
        int count = next[bin];
        next[bin] = sum;
        sum += count;
      }
      int shift = digit * BITS;
      for (int i = 0; i < length; i++) {
        int to = next[keys[i] >>> shift & (BINS - 1)]++;
        sortedKeys[to] = keys[i];
        sortedIndices[to] = indices[i];
      }
      int[] spareKeys = keys;
      keys = sortedKeys;
      sortedKeys = spareKeys;
      int[] spareIndices = indices;
      indices = sortedIndices;
      sortedIndices = spareIndices;
    }
  }
}
