package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.optmerge.method.MagnitudeSelection.Rank;
import org.optmerge.method.MagnitudeSelection.Source;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/** Counts of magnitudes by their upper 15 bits, for each row of numbers that a block gives. */
final class MagnitudeCounts {
  private static final int MAGNITUDE = 0x7fffffff;
  private static final int BINS = 1 << 15;
  private static final int LOWER = 0xffff;

  private final Source source;
  private final int[][] bins;
  private final long[][] totals;
  private final int[] lowerBits;
  private long counted;

  MagnitudeCounts(Source source, int count) {
    this.source = source;
    this.bins = new int[count][BINS];
    this.totals = new long[count][0];
    this.lowerBits = new int[count];
  }

  /** One pass over parameters. */
  static MagnitudeCounts of(
      List<TaskVectorStream> streams, Supplier<Source> source, long alignment, int rows) {
    BufferPool<MagnitudeCounts> pool =
        new BufferPool<>(() -> new MagnitudeCounts(source.get(), rows));
    for (TaskVectorStream stream : streams) {
      stream.forEach(
          alignment,
          block -> {
            MagnitudeCounts upper = pool.borrow();
            upper.count(block);
            pool.giveBack(upper);
          });
    }
    MagnitudeCounts all = new MagnitudeCounts(source.get(), rows);
    pool.all().forEach(all::add);
    return all;
  }

  /** True if the lower bits of all entries are zero, so that bins are magnitudes. */
  boolean isComplete() {
    return Arrays.stream(lowerBits).allMatch(bits -> bits == 0);
  }

  /** The bins that hold ranks. */
  Rank[][] find(long[][] ranks) {
    Rank[][] found = new Rank[ranks.length][];
    for (int row = 0; row < ranks.length; row++) {
      found[row] = new Rank[ranks[row].length];
      for (int j = 0; j < ranks[row].length; j++) {
        found[row][j] = find(row, ranks[row][j]);
      }
    }
    return found;
  }

  void count(Block block) {
    counted += block.length();
    if (counted > Integer.MAX_VALUE) {
      spill();
      counted = block.length();
    }
    for (int row = 0; row < bins.length; row++) {
      lowerBits[row] |= count(source.of(block, row), block.length(), bins[row]);
    }
  }

  private static int count(float[] values, int length, int[] bins) {
    int seen = 0;
    for (int i = 0; i < length; i++) {
      int bits = Float.floatToRawIntBits(values[i]) & MAGNITUDE;
      bins[bits >>> 16]++;
      seen |= bits;
    }
    return seen & LOWER;
  }

  private void spill() {
    for (int row = 0; row < bins.length; row++) {
      if (totals[row].length == 0) {
        totals[row] = new long[BINS];
      }
      for (int bin = 0; bin < BINS; bin++) {
        totals[row][bin] += bins[row][bin];
        bins[row][bin] = 0;
      }
    }
  }

  void add(MagnitudeCounts other) {
    other.spill();
    spill();
    for (int row = 0; row < bins.length; row++) {
      lowerBits[row] |= other.lowerBits[row];
      for (int bin = 0; bin < BINS; bin++) {
        totals[row][bin] += other.totals[row][bin];
      }
    }
  }

  /** The bin that holds a rank, as the smallest magnitude in it. */
  Rank find(int row, long rank) {
    long below = 0;
    for (int bin = 0; bin < BINS; bin++) {
      long here = totals[row].length == 0 ? 0 : totals[row][bin];
      if (below + here >= rank) {
        return new Rank(Float.intBitsToFloat(bin << 16), below, here);
      }
      below += here;
    }
    if (below == 0) {
      return new Rank(0, 0, 0); // no entries
    }
    throw new IllegalStateException("rank %d of %d entries".formatted(rank, below));
  }
}
