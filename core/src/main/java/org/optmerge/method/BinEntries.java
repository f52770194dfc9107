package org.optmerge.method;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Kernels;
import org.optmerge.method.MagnitudeSelection.Rank;
import org.optmerge.taskvector.Block;

/**
 * The entries of a parameter whose magnitudes have the same upper bits as a wanted one: their lower
 * bits and their indices. So one look at the parameter finds both the magnitude of a rank and which
 * of equal entries come first.
 */
final class BinEntries {
  private static final int LOWER = 1 << 16;
  private static final int INDEX_BITS = 48;

  private final int upper;
  private final Rank bin;

  /** Lower bits above, indices below; in no order. */
  private final long[] entries;

  private final AtomicInteger filled = new AtomicInteger();

  private BinEntries(Rank bin) {
    this.bin = bin;
    this.upper = Float.floatToRawIntBits(bin.magnitude()) >>> 16;
    this.entries = new long[Math.toIntExact(bin.equal())];
  }

  /**
   * A collection for each bin, still empty; the same one where a row wants two ranks of one bin.
   * Null if they would hold more than {@code most} entries.
   *
   * @param bins what was found of each rank by upper bits alone
   * @param wanted whether a rank is asked for; where it is not, there is no collection
   */
  static BinEntries @Nullable [][] of(Rank[][] bins, boolean[][] wanted, long most) {
    BinEntries[][] all = new BinEntries[bins.length][];
    long sum = 0;
    for (int row = 0; row < bins.length; row++) {
      all[row] = new BinEntries[bins[row].length];
      for (int j = 0; j < bins[row].length; j++) {
        if (wanted[row][j]) {
          BinEntries before = j > 0 ? all[row][j - 1] : null;
          if (before != null && before.bin.equals(bins[row][j])) {
            all[row][j] = before;
          } else {
            sum += bins[row][j].equal();
            if (sum > most) {
              return null;
            }
            all[row][j] = new BinEntries(bins[row][j]);
          }
        }
      }
    }
    return all;
  }

  /**
   * Takes what a block has of the bin. Safe from several threads.
   *
   * @param indices room for as many as the block has entries
   */
  void add(Block block, float[] values, int[] indices) {
    int found = Kernels.best().findUpper(values, block.length(), upper, indices);
    int at = filled.getAndAdd(found);
    for (int i = 0; i < found; i++) {
      long lower = Float.floatToRawIntBits(values[indices[i]]) & (LOWER - 1);
      entries[at + i] = lower << INDEX_BITS | (block.start() + indices[i]);
    }
  }

  /** The magnitude of a rank in the whole parameter. */
  Rank rank(long rank) {
    int[] counts = new int[LOWER];
    for (long entry : entries) {
      counts[(int) (entry >>> INDEX_BITS)]++;
    }
    long below = bin.below();
    for (int lower = 0; lower < LOWER; lower++) {
      if (below + counts[lower] >= rank) {
        return new Rank(Float.intBitsToFloat(upper << 16 | lower), below, counts[lower]);
      }
      below += counts[lower];
    }
    throw new IllegalStateException("rank %d of %d entries".formatted(rank, below));
  }

  /** The index of the n-th entry of a magnitude. */
  long indexOf(float magnitude, long n) {
    long lower = Float.floatToRawIntBits(magnitude) & (LOWER - 1);
    long[] equal =
        Arrays.stream(entries).filter(entry -> entry >>> INDEX_BITS == lower).sorted().toArray();
    return equal[Math.toIntExact(n - 1)] & ((1L << INDEX_BITS) - 1);
  }
}
