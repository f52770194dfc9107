package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import org.optmerge.base.CounterRandom;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/** Keeps entries with a probability that grows with their rank in the row (DELLA's MagPrune). */
final class RankMask implements Mask {
  /** The number of rows' lengths up to which the limits of all ranks are worked out beforehand. */
  private static final int TABLE = 1 << 18;

  private final int row;
  private final double[] density;
  private final double[] epsilon;
  private final long[][] limits;
  private final List<CounterRandom> random;
  private final BufferPool<Ranks> pool;

  RankMask(TaskVectorStream tau, double[] density, double[] epsilon, long seed) {
    this.row = Math.toIntExact(Extents.rowLength(tau.shape()));
    this.density = density;
    this.epsilon = epsilon;
    this.limits = new long[density.length][row <= TABLE ? row : 0];
    for (int t = 0; t < limits.length; t++) {
      for (int rank = 0; rank < limits[t].length; rank++) {
        limits[t][rank] = limit(t, rank);
      }
    }
    this.random = Mask.randoms(tau, seed);
    int length = row;
    this.pool = new BufferPool<>(() -> new Ranks(length));
  }

  /** A row of one entry has no ranks: it is kept with the density itself, where mergekit stops. */
  private long limit(int t, int rank) {
    double lowest = row == 1 ? density[t] : density[t] - epsilon[t];
    double step = row == 1 ? 0 : 2 * epsilon[t] / (row - 1);
    return CounterRandom.limit(lowest + step * rank);
  }

  @Override
  public void apply(Block block, int t, float factor, float[] target) {
    if (density[t] <= 0) {
      Arrays.fill(target, 0, block.length(), 0f);
      return;
    }
    float[] tau = block.tau()[t];
    Ranks ranks = pool.borrow();
    for (int from = 0; from < block.length(); from += row) {
      int[] rank = ranks.of(tau, from);
      long[] bits = ranks.bits;
      random.get(t).uniformBits(block.start() + from, bits, row);
      if (limits[t].length > 0) {
        keep(limits[t], rank, bits, tau, from, factor, target);
      } else {
        for (int i = 0; i < row; i++) {
          target[from + i] = bits[i] < limit(t, rank[i]) ? tau[from + i] * factor : 0f;
        }
      }
    }
    pool.giveBack(ranks);
  }

  private static void keep(
      long[] limits,
      int[] rank,
      long[] bits,
      float[] tau,
      int from,
      float factor,
      float[] target) {
    for (int i = 0; i < limits.length; i++) {
      int keep = (int) ((bits[i] - limits[rank[i]]) >> 63);
      target[from + i] =
          Float.intBitsToFloat(Float.floatToRawIntBits(tau[from + i] * factor) & keep);
    }
  }

  /**
   * Ranks of magnitudes by counting; of equals the first has the lower rank.
   *
   * <p>The upper 15 bits of a magnitude are counted, and what is smaller is the rank of the first of
   * its kind. That is all where the lower 16 bits are zero, as in task vectors that were rounded to
   * bfloat16; else the few that share their upper bits are sorted.
   */
  static final class Ranks {
    private static final int UPPER = 1 << 15;
    private static final int MAGNITUDE = 0x7fffffff;
    private static final int FEW = 24;

    private final int length;
    private final int[] ranks;
    private final long[] bits;

    /** Counts, then ranks to come, by upper bits; all zero from one row to the next. */
    private final int[] next = new int[UPPER];

    /** Magnitudes with their indices, by upper bits; where lower bits matter. */
    private long[] entries = {};

    Ranks(int length) {
      this.length = length;
      this.ranks = new int[length];
      this.bits = new long[length];
    }

    /** The rank, from 0 for the smallest, of each of {@code length} entries. */
    int[] of(float[] values, int from) {
      int[] next = this.next;
      int smallest = UPPER;
      int largest = 0;
      int seen = 0;
      for (int i = from; i < from + length; i++) {
        int magnitude = Float.floatToRawIntBits(values[i]) & MAGNITUDE;
        int upper = magnitude >>> 16;
        next[upper]++;
        seen |= magnitude;
        // Zeros lie far below everything else, with nothing between.
        smallest = Math.min(smallest, (upper - 1) & MAGNITUDE);
        largest = Math.max(largest, upper);
      }
      int first = Math.min(smallest + 1, largest);
      int sum = next[0];
      next[0] = 0;
      for (int upper = Math.max(1, first); upper <= largest; upper++) {
        int count = next[upper];
        next[upper] = sum;
        sum += count;
      }
      if ((seen & 0xffff) == 0) {
        for (int i = 0; i < length; i++) {
          ranks[i] = next[(Float.floatToRawIntBits(values[from + i]) & MAGNITUDE) >>> 16]++;
        }
      } else {
        sort(values, from, first, largest);
      }
      next[0] = 0;
      Arrays.fill(next, first, largest + 1, 0);
      return ranks;
    }

    private void sort(float[] values, int from, int first, int largest) {
      if (entries.length < length) {
        entries = new long[length];
      }
      for (int i = 0; i < length; i++) {
        int magnitude = Float.floatToRawIntBits(values[from + i]) & MAGNITUDE;
        entries[next[magnitude >>> 16]++] = (long) magnitude << 32 | i;
      }
      // Each count stands at the end of its kind now.
      sort(0, next[0]);
      int begin = next[0];
      for (int upper = Math.max(1, first); upper <= largest; upper++) {
        sort(begin, next[upper]);
        begin = next[upper];
      }
      for (int rank = 0; rank < length; rank++) {
        ranks[(int) entries[rank]] = rank;
      }
    }

    /** True if nothing is to be sorted: mostly those that share upper bits are equal. */
    private boolean isInOrder(int begin, int end) {
      for (int i = begin + 1; i < end; i++) {
        if (entries[i - 1] > entries[i]) {
          return false;
        }
      }
      return true;
    }

    private void sort(int begin, int end) {
      if (isInOrder(begin, end)) {
        return;
      }
      if (end - begin > FEW) {
        Arrays.sort(entries, begin, end);
        return;
      }
      for (int i = begin + 1; i < end; i++) {
        long entry = entries[i];
        int at = i;
        for (; at > begin && entries[at - 1] > entry; at--) {
          entries[at] = entries[at - 1];
        }
        entries[at] = entry;
      }
    }
  }
}
