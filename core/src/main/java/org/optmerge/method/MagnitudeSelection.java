package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Supplier;
import org.optmerge.base.Kernels;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * The k-th smallest magnitude among the entries of a parameter, or of several, without sorting or
 * holding them.
 *
 * <p>As integers the bits of non-negative floats are ordered as the floats are. A first pass counts
 * the upper 15 bits of the magnitudes, a second the lower 16 of those that share the upper ones
 * with the wanted entry. The second is left out where all lower bits are zero, as in task vectors
 * that were rounded to bfloat16.
 */
final class MagnitudeSelection {
  private static final int MAGNITUDE = 0x7fffffff;
  private static final int LOWER = 1 << 16;
  private static final int CHUNK = 1 << 16;

  /** Up to so many entries are sorted: that is less work than looking through the counts. */
  private static final int FEW = 1 << 12;

  /** Entries of wanted bins, 8 bytes each, that are collected: a second pass fewer. */
  private static final long MOST_COLLECTED = 2 << 20;

  private MagnitudeSelection() {}

  /**
   * The source of what is ranked: some rows of numbers derived from a block. Used by one thread at
   * a time.
   */
  @FunctionalInterface
  interface Source {
    /** Row {@code row} of the block; the first {@code block.length()} entries count. */
    float[] of(Block block, int row);

    /** The task vectors themselves. */
    static Source taskVectors() {
      return (block, row) -> block.tau()[row];
    }
  }

  /**
   * The place of an entry in the order of magnitudes.
   *
   * @param magnitude its absolute value
   * @param below entries of smaller magnitude
   * @param equal entries of this magnitude
   */
  record Rank(float magnitude, long below, long equal) {}

  /**
   * The entries among the k largest in magnitude: those larger than {@code magnitude}, and those
   * equal to it up to index {@code last}. So there are exactly k, and which ones does not depend on
   * chance.
   */
  record Largest(float magnitude, long last) {
    /** Keeps every entry. */
    static final Largest ALL = new Largest(0, Long.MAX_VALUE);

    /** Keeps none. */
    static final Largest NONE = new Largest(Float.POSITIVE_INFINITY, -1);

    /**
     * The number that a magnitude must exceed for the entries of a block before index {@code last +
     * 1}; from there on it must exceed {@code magnitude}.
     */
    float exceededUpToLast() {
      return Math.nextDown(magnitude);
    }

    /** The number of a block's entries at or before {@code last}. */
    int upToLast(Block block) {
      return (int) Math.max(0, Math.min(block.length() - 1, last - block.start()) + 1);
    }
  }

  /**
   * The magnitudes of given ranks.
   *
   * @param streams the parameters, ranked together
   * @param source how to get at what is ranked, made once per thread
   * @param alignment blocks begin at multiples of this
   * @param ranks {@code ranks[r]} are 1-based ranks from the smallest in row r
   * @return one rank for each of {@code ranks}
   */
  static Rank[][] kthSmallest(
      List<TaskVectorStream> streams, Supplier<Source> source, long alignment, long[][] ranks) {
    long entries = streams.stream().mapToLong(TaskVectorStream::size).sum();
    if (entries > 0 && entries <= FEW) {
      return kthOfFew(streams, source.get(), alignment, ranks, (int) entries);
    }
    MagnitudeCounts upper = MagnitudeCounts.of(streams, source, alignment, ranks.length);
    Rank[][] found = upper.find(ranks);
    return upper.isComplete() ? found : refine(streams, source, alignment, ranks, found);
  }

  private static Rank[][] kthOfFew(
      List<TaskVectorStream> streams, Source source, long alignment, long[][] ranks, int entries) {
    int[][] bits = new int[ranks.length][entries];
    int[] filled = {0};
    for (TaskVectorStream stream : streams) {
      stream.visit(
          0,
          stream.size(),
          alignment,
          block -> {
            for (int row = 0; row < ranks.length; row++) {
              float[] values = source.of(block, row);
              for (int i = 0; i < block.length(); i++) {
                bits[row][filled[0] + i] = Float.floatToRawIntBits(values[i]) & MAGNITUDE;
              }
            }
            filled[0] += block.length();
          });
    }
    Rank[][] found = new Rank[ranks.length][];
    for (int row = 0; row < ranks.length; row++) {
      int[] sorted = bits[row];
      Arrays.sort(sorted);
      found[row] =
          Arrays.stream(ranks[row]).mapToObj(rank -> rankIn(sorted, rank)).toArray(Rank[]::new);
    }
    return found;
  }

  private static Rank rankIn(int[] sorted, long rank) {
    int at = Math.toIntExact(rank - 1);
    int first = at;
    while (first > 0 && sorted[first - 1] == sorted[at]) {
      first--;
    }
    int end = at + 1;
    while (end < sorted.length && sorted[end] == sorted[at]) {
      end++;
    }
    return new Rank(Float.intBitsToFloat(sorted[at]), first, end - first);
  }

  /** The magnitude of one rank in each task vector, over all parameters together. */
  static float[] kthSmallest(List<TaskVectorStream> streams, long rank) {
    long[][] ranks = new long[streams.get(0).count()][];
    Arrays.fill(ranks, new long[] {rank});
    Rank[][] found = kthSmallest(streams, Source::taskVectors, 1, ranks);
    float[] magnitudes = new float[found.length];
    for (int t = 0; t < found.length; t++) {
      magnitudes[t] = found[t][0].magnitude();
    }
    return magnitudes;
  }

  /**
   * Selects the k largest entries.
   *
   * @param counts {@code counts[r]} are numbers of entries to keep of row r
   */
  static Largest[][] largest(TaskVectorStream tau, Supplier<Source> source, long[][] counts) {
    return largest(tau, source, counts, MOST_COLLECTED);
  }

  /**
   * The same.
   *
   * @param most entries that may be collected to save a pass
   */
  static Largest[][] largest(
      TaskVectorStream tau, Supplier<Source> source, long[][] counts, long most) {
    long size = tau.size();
    long[][] ranks = new long[counts.length][];
    boolean[][] wanted = new boolean[counts.length][];
    for (int row = 0; row < counts.length; row++) {
      ranks[row] = new long[counts[row].length];
      wanted[row] = new boolean[counts[row].length];
      for (int j = 0; j < ranks[row].length; j++) {
        // The smallest of the k largest; where all or none are kept any rank will do.
        ranks[row][j] = Math.max(1, Math.min(size, size - counts[row][j] + 1));
        wanted[row][j] = counts[row][j] > 0 && counts[row][j] < size;
      }
    }
    Rank[][] found;
    BinEntries[][] entries = null;
    if (size > 0 && size <= FEW) {
      found = kthOfFew(List.of(tau), source.get(), 1, ranks, (int) size);
    } else {
      MagnitudeCounts upper = MagnitudeCounts.of(List.of(tau), source, 1, ranks.length);
      found = upper.find(ranks);
      if (!upper.isComplete()) {
        entries = BinEntries.of(found, wanted, most);
        found =
            entries == null
                ? refine(List.of(tau), source, 1, ranks, found)
                : collect(tau, source, ranks, found, entries);
      }
    }
    Largest[][] largest = new Largest[counts.length][];
    long[][] needed = new long[counts.length][];
    boolean ties = false;
    for (int row = 0; row < counts.length; row++) {
      largest[row] = new Largest[counts[row].length];
      needed[row] = new long[counts[row].length];
      for (int j = 0; j < largest[row].length; j++) {
        Rank rank = found[row][j];
        long above = size - rank.below() - rank.equal();
        if (counts[row][j] >= size) {
          largest[row][j] = Largest.ALL;
        } else if (counts[row][j] <= 0) {
          largest[row][j] = Largest.NONE;
        } else if (counts[row][j] - above == rank.equal()
            || rank.magnitude() == 0
            || Float.isNaN(rank.magnitude())) {
          // Which of many zeros are kept makes no difference, nor which NaN.
          largest[row][j] = new Largest(rank.magnitude(), Long.MAX_VALUE);
        } else if (entries != null) {
          long last = entries[row][j].indexOf(rank.magnitude(), counts[row][j] - above);
          largest[row][j] = new Largest(rank.magnitude(), last);
        } else {
          largest[row][j] = new Largest(rank.magnitude(), -1);
          needed[row][j] = counts[row][j] - above;
          ties = true;
        }
      }
    }
    if (ties) {
      cutTies(tau, source, largest, needed);
    }
    return largest;
  }

  /** One pass that collects the entries of the bins, and finds the ranks among them. */
  private static Rank[][] collect(
      TaskVectorStream tau,
      Supplier<Source> source,
      long[][] ranks,
      Rank[][] bins,
      BinEntries[][] entries) {
    BufferPool<Source> pool = new BufferPool<>(source);
    BufferPool<int[]> indices = new BufferPool<>(() -> new int[0]);
    tau.forEach(
        1,
        block -> {
          Source own = pool.borrow();
          int[] found = indices.borrow();
          if (found.length < block.length()) {
            found = new int[block.length()];
          }
          for (int row = 0; row < entries.length; row++) {
            BinEntries before = null;
            for (BinEntries bin : entries[row]) {
              if (bin != null && bin != before) {
                bin.add(block, own.of(block, row), found);
              }
              before = bin;
            }
          }
          indices.giveBack(found);
          pool.giveBack(own);
        });
    Rank[][] found = new Rank[ranks.length][];
    for (int row = 0; row < ranks.length; row++) {
      found[row] = new Rank[ranks[row].length];
      for (int j = 0; j < found[row].length; j++) {
        BinEntries bin = entries[row][j];
        found[row][j] = bin == null ? bins[row][j] : bin.rank(ranks[row][j]);
      }
    }
    return found;
  }

  private static Rank[][] refine(
      List<TaskVectorStream> streams,
      Supplier<Source> source,
      long alignment,
      long[][] ranks,
      Rank[][] bins) {
    // Few entries share their upper bits with the wanted one, so all threads count into one place.
    AtomicLongArray[][] lower = new AtomicLongArray[ranks.length][];
    for (int row = 0; row < ranks.length; row++) {
      lower[row] = new AtomicLongArray[ranks[row].length];
      for (int j = 0; j < lower[row].length; j++) {
        boolean asBefore = j > 0 && bins[row][j].equals(bins[row][j - 1]);
        lower[row][j] = asBefore ? lower[row][j - 1] : new AtomicLongArray(LOWER);
      }
    }
    BufferPool<Source> pool = new BufferPool<>(source);
    for (TaskVectorStream stream : streams) {
      stream.forEach(
          alignment,
          block -> {
            Source own = pool.borrow();
            for (int row = 0; row < ranks.length; row++) {
              float[] values = own.of(block, row);
              for (int j = 0; j < lower[row].length; j++) {
                if (j == 0 || lower[row][j] != lower[row][j - 1]) {
                  int wanted = Float.floatToRawIntBits(bins[row][j].magnitude()) >>> 16;
                  countLower(values, block.length(), wanted, lower[row][j]);
                }
              }
            }
            pool.giveBack(own);
          });
    }
    Rank[][] found = new Rank[ranks.length][];
    for (int row = 0; row < ranks.length; row++) {
      found[row] = new Rank[ranks[row].length];
      for (int j = 0; j < found[row].length; j++) {
        found[row][j] = find(bins[row][j], lower[row][j], ranks[row][j]);
      }
    }
    return found;
  }

  private static void countLower(float[] values, int length, int upper, AtomicLongArray bins) {
    for (int i = 0; i < length; i++) {
      int bits = Float.floatToRawIntBits(values[i]) & MAGNITUDE;
      if (bits >>> 16 == upper) {
        bins.getAndIncrement(bits & (LOWER - 1));
      }
    }
  }

  private static Rank find(Rank bin, AtomicLongArray lower, long rank) {
    long below = bin.below();
    int upper = Float.floatToRawIntBits(bin.magnitude());
    for (int low = 0; low < LOWER; low++) {
      long here = lower.get(low);
      if (below + here >= rank) {
        return new Rank(Float.intBitsToFloat(upper | low), below, here);
      }
      below += here;
    }
    throw new IllegalStateException("rank %d of %d entries".formatted(rank, below));
  }

  /** Finds the index up to which entries equal to the threshold are kept. */
  private static void cutTies(
      TaskVectorStream tau, Supplier<Source> source, Largest[][] largest, long[][] needed) {
    int chunks = Math.toIntExact((tau.size() + CHUNK - 1) / CHUNK);
    AtomicLongArray[][] equals = new AtomicLongArray[largest.length][];
    for (int row = 0; row < largest.length; row++) {
      equals[row] = new AtomicLongArray[largest[row].length];
      for (int j = 0; j < equals[row].length; j++) {
        equals[row][j] = new AtomicLongArray(needed[row][j] > 0 ? chunks : 0);
      }
    }
    BufferPool<Source> pool = new BufferPool<>(source);
    tau.forEach(
        1,
        block -> {
          Source own = pool.borrow();
          for (int row = 0; row < largest.length; row++) {
            for (int j = 0; j < largest[row].length; j++) {
              if (needed[row][j] > 0) {
                float magnitude = largest[row][j].magnitude();
                countEquals(own.of(block, row), block, magnitude, equals[row][j]);
              }
            }
          }
          pool.giveBack(own);
        });
    Source own = pool.borrow();
    for (int row = 0; row < largest.length; row++) {
      for (int j = 0; j < largest[row].length; j++) {
        if (needed[row][j] > 0) {
          float magnitude = largest[row][j].magnitude();
          long last = lastKept(tau, own, row, magnitude, equals[row][j], needed[row][j]);
          largest[row][j] = new Largest(magnitude, last);
        }
      }
    }
  }

  private static void countEquals(
      float[] values, Block block, float magnitude, AtomicLongArray equals) {
    int i = 0;
    while (i < block.length()) {
      long chunk = (block.start() + i) / CHUNK;
      int end = (int) Math.min(block.length(), (chunk + 1) * CHUNK - block.start());
      equals.getAndAdd((int) chunk, Kernels.best().countMagnitude(values, i, end - i, magnitude));
      i = end;
    }
  }

  /** The index of the entry that is the {@code needed}-th of its magnitude. */
  private static long lastKept(
      TaskVectorStream tau,
      Source source,
      int row,
      float magnitude,
      AtomicLongArray equals,
      long needed) {
    long before = 0;
    int chunk = 0;
    while (before + equals.get(chunk) < needed) {
      before += equals.get(chunk++);
    }
    long[] left = {needed - before};
    long[] last = {-1};
    long from = (long) chunk * CHUNK;
    tau.visit(
        from,
        Math.min(tau.size(), from + CHUNK),
        1,
        block -> {
          float[] values = source.of(block, row);
          for (int i = 0; i < block.length() && left[0] > 0; i++) {
            if (Math.abs(values[i]) == magnitude && --left[0] == 0) {
              last[0] = block.start() + i;
            }
          }
        });
    return last[0];
  }
}
