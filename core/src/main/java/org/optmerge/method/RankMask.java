package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import org.optmerge.base.CounterRandom;
import org.optmerge.base.Kernels;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * Keeps entries with a probability that grows with their rank in the row (DELLA's MagPrune).
 *
 * <p>Rescaling asks for each row twice, so which entries were kept is remembered, a bit each, for
 * as many rows as {@link #MOST_WORDS} allow; what is not remembered is worked out again, to the
 * same.
 */
final class RankMask implements Mask {
  /** The length of rows up to which the limits of all ranks are worked out beforehand. */
  private static final int TABLE = 1 << 18;

  /** 40 MiB. */
  private static final long MOST_WORDS = 5L << 20;

  private final int row;
  private final double[] density;
  private final double[] epsilon;
  private final long[][] limits;
  private final List<CounterRandom> random;
  private final BufferPool<Ranks> pool;
  private final int rowWords;
  private final int rowsRemembered;

  /** Bits of kept entries, row after row, for each task vector. */
  private final long[][] remembered;

  /** Whether the bits of a row are there, for each task vector. */
  private final boolean[][] known;

  RankMask(TaskVectorStream tau, double[] density, double[] epsilon, long seed) {
    int count = density.length;
    this.row = Math.toIntExact(Extents.rowLength(tau.shape()));
    this.density = density;
    this.epsilon = epsilon;
    this.limits = new long[count][row <= TABLE ? row : 0];
    for (int t = 0; t < count; t++) {
      for (int rank = 0; rank < limits[t].length; rank++) {
        limits[t][rank] = limit(t, rank);
      }
    }
    this.random = Mask.randoms(tau, seed);
    this.rowWords = (row + Long.SIZE - 1) / Long.SIZE;
    long rows = tau.size() / Math.max(1, row);
    this.rowsRemembered = (int) Math.min(rows, MOST_WORDS / count / Math.max(1, rowWords));
    this.remembered = new long[count][rowsRemembered * rowWords];
    this.known = new boolean[count][rowsRemembered];
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
      long number = (block.start() + from) / row;
      if (number >= rowsRemembered) {
        choose(t, number, tau, from, ranks, ranks.words, 0);
        Kernels.best().keepMarked(ranks.words, 0, tau, from, row, factor, target);
      } else {
        int at = (int) number * rowWords;
        if (!known[t][(int) number]) {
          choose(t, number, tau, from, ranks, remembered[t], at);
          known[t][(int) number] = true;
        }
        Kernels.best().keepMarked(remembered[t], at, tau, from, row, factor, target);
      }
    }
    pool.giveBack(ranks);
  }

  /** Decides on the entries of a row: a bit each. */
  private void choose(
      int t, long number, float[] tau, int from, Ranks ranks, long[] words, int at) {
    int[] rank = ranks.of(tau, from);
    long[] bits = ranks.bits;
    random.get(t).uniformBits(number * row, bits, row);
    long[] table = limits[t];
    if (table.length > 0) {
      for (int i = 0; i < row; i++) {
        bits[i] -= table[rank[i]];
      }
    } else {
      for (int i = 0; i < row; i++) {
        bits[i] -= limit(t, rank[i]);
      }
    }
    pack(bits, row, words, at);
  }

  /** One bit for each number that is below zero. */
  private static void pack(long[] numbers, int length, long[] words, int at) {
    for (int word = 0; word * Long.SIZE < length; word++) {
      int first = word * Long.SIZE;
      int end = Math.min(Long.SIZE, length - first);
      long packed = 0;
      for (int bit = 0; bit < end; bit++) {
        packed |= (numbers[first + bit] >>> 63) << bit;
      }
      words[at + word] = packed;
    }
  }

  /**
   * Ranks of magnitudes by counting; of equals the first has the lower rank.
   *
   * <p>Magnitudes are counted by a key of 16 bits: the upper 15, and whether the lower 16 are more
   * than zero. What is smaller by this key is the rank of the first of its kind. Those without
   * lower bits are equal to all of their kind, and nearly all are so in task vectors of bfloat16
   * models; the few others are sorted among those that share their upper bits.
   */
  static final class Ranks {
    private static final int KEYS = 1 << 16;
    private static final int MAGNITUDE = 0x7fffffff;
    private static final int LOWER = 0xffff;
    private static final int FEW = 24;

    private final int length;
    private final int[] ranks;
    private final long[] bits;

    /** Bits of a row that is not remembered. */
    private final long[] words;

    /** Counts, then ranks to come, by key; all zero from one row to the next. */
    private final int[] next = new int[KEYS];

    /** Magnitudes with their indices, by rank, where lower bits decide. */
    private final long[] entries;

    Ranks(int length) {
      this.length = length;
      this.ranks = new int[length];
      this.bits = new long[length];
      this.words = new long[(length + Long.SIZE - 1) / Long.SIZE];
      this.entries = new long[length];
    }

    private static int key(int magnitude) {
      return ((magnitude >>> 16) << 1) + (((magnitude & LOWER) + LOWER) >>> 16);
    }

    /** The rank, from 0 for the smallest, of each of {@code length} entries. */
    int[] of(float[] values, int from) {
      int[] next = this.next;
      int smallest = KEYS;
      int largest = 0;
      for (int i = from; i < from + length; i++) {
        int key = key(Float.floatToRawIntBits(values[i]) & MAGNITUDE);
        next[key]++;
        // Zeros lie far below everything else, with nothing between.
        smallest = Math.min(smallest, (key - 1) & MAGNITUDE);
        largest = Math.max(largest, key);
      }
      // An even one, so that where each odd one begins is known.
      int first = Math.max(1, (smallest + 1) & ~1);
      int sum = next[0];
      next[0] = 0;
      for (int key = first; key <= largest; key++) {
        int count = next[key];
        next[key] = sum;
        sum += count;
      }
      boolean mixed = rank(values, from, next);
      if (mixed) {
        for (int key = first | 1; key <= largest; key += 2) {
          sort(next[key - 1], next[key]);
        }
      }
      next[0] = 0;
      if (first <= largest) {
        Arrays.fill(next, first, largest + 1, 0);
      }
      return ranks;
    }

    /** Ranks those without lower bits and lists the others by key; true if there are any. */
    private boolean rank(float[] values, int from, int[] next) {
      int others = 0;
      for (int i = 0; i < length; i++) {
        int magnitude = Float.floatToRawIntBits(values[from + i]) & MAGNITUDE;
        int key = key(magnitude);
        int rank = next[key]++;
        ranks[i] = rank;
        if ((key & 1) != 0) {
          entries[rank] = (long) magnitude << 32 | i;
          others++;
        }
      }
      return others > 0;
    }

    /** Sorts listed entries, those of one key, and ranks them. */
    private void sort(int begin, int end) {
      if (end - begin > FEW) {
        Arrays.sort(entries, begin, end);
      } else {
        insert(begin, end);
      }
      for (int rank = begin; rank < end; rank++) {
        ranks[(int) entries[rank]] = rank;
      }
    }

    private void insert(int begin, int end) {
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
