package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.optmerge.base.BranchFree;
import org.optmerge.method.MagnitudeSelection.Largest;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code sce}: select entries on which the models differ, weight models by their energy,
 * erase the minority sign.
 *
 * <ol>
 *   <li>If k &lt; 1, only the ⌊k · (entries of nonzero variance)⌋ entries of largest variance over
 *       the models stay, in every τ_t.
 *   <li>q_t is the mean of τ_t², made to sum to 1; equal where the sum is below 1e-6, which light
 *       fine-tunes do not reach.
 *   <li>Entries count whose sign is that of Σ τ_t (+ if it is zero): Δ = Σ q_t τ_t / max(Σ q_t,
 *       1e-6) over them.
 * </ol>
 *
 * <p>Where no entry is selected, as in a tensor that is the same in all models, Δ is zero; mergekit
 * writes a tensor of the wrong shape.
 *
 * @param selectTopk k
 * @param int8Mask taken for compatibility; changes no number
 * @see <a href="https://arxiv.org/abs/2408.07990">Wan et al., FuseChat, 2024, section 3.3</a>
 */
record Sce(
    @ParameterDoc("share of the entries of largest variance to keep") double selectTopk,
    @ParameterDoc("accepted, without effect") boolean int8Mask)
    implements StreamingMergeMethod {
  /** The defaults of mergekit. */
  public static final Sce DEFAULT = new Sce(1, false);

  private static final double NO_ENERGY = 1e-6;

  public Sce {
    Check.inUnitInterval("sce", "select_topk", selectTopk);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    Largest selected = selectTopk < 1 && tau.size() > 0 ? select(tau) : Largest.ALL;
    return new Erasure(selected, shares(tau, selected));
  }

  private Largest select(TaskVectorStream tau) {
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(2);
    long[] nonzero =
        tau.reduce(
            () -> new long[1],
            (sum, block) -> {
              BufferPool.Scratch rows = scratch.borrow();
              float[] variance = variance(block, rows);
              int count = 0;
              for (int i = 0; i < block.length(); i++) {
                count += variance[i] != 0 ? 1 : 0;
              }
              sum[0] += count;
              scratch.giveBack(rows);
            },
            (a, b) -> {
              a[0] += b[0];
              return a;
            });
    long kept = (long) (selectTopk * nonzero[0]);
    if (kept == 0) {
      return Largest.NONE;
    }
    return MagnitudeSelection.largest(
        tau,
        () -> {
          BufferPool.Scratch own = new BufferPool.Scratch(2);
          return (block, row) -> variance(block, own);
        },
        new long[][] {{kept}})[0][0];
  }

  /** The population variance over the models, in two passes as the mean may dwarf it. */
  private static float[] variance(Block block, BufferPool.Scratch rows) {
    int count = block.tau().length;
    int length = block.length();
    float[] mean = rows.row(0, length);
    float[] variance = rows.row(1, length);
    Arrays.fill(mean, 0, length, 0f);
    Arrays.fill(variance, 0, length, 0f);
    for (float[] tau : block.tau()) {
      for (int i = 0; i < length; i++) {
        mean[i] += tau[i] / count;
      }
    }
    for (float[] tau : block.tau()) {
      for (int i = 0; i < length; i++) {
        variance[i] += (tau[i] - mean[i]) * (tau[i] - mean[i]);
      }
    }
    for (int i = 0; i < length; i++) {
      variance[i] /= count;
    }
    return variance;
  }

  private static float[] shares(TaskVectorStream tau, Largest selected) {
    int count = tau.count();
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(4);
    List<LaneSum> energy =
        tau.reduce(
            () -> Stream.generate(LaneSum::new).limit(count).toList(),
            (sums, block) -> {
              BufferPool.Scratch rows = scratch.borrow();
              float[] kept = rows.row(2, block.length());
              float[] selection = rows.row(3, block.length());
              selection(selected, block, rows, selection);
              for (int t = 0; t < count; t++) {
                for (int i = 0; i < block.length(); i++) {
                  kept[i] = block.tau()[t][i] * selection[i];
                }
                sums.get(t).addProducts(kept, kept, block.length(), block.start());
              }
              scratch.giveBack(rows);
            },
            (a, b) -> {
              for (int t = 0; t < count; t++) {
                a.get(t).add(b.get(t));
              }
              return a;
            });
    double[] means =
        energy.stream().mapToDouble(sum -> sum.total() / Math.max(1, tau.size())).toArray();
    double total = Normalization.sum(means);
    float[] shares = new float[count];
    for (int t = 0; t < count; t++) {
      shares[t] = (float) (total < NO_ENERGY ? 1.0 / count : means[t] / total);
    }
    return shares;
  }

  /** 1 where an entry is selected, else 0. */
  private static void selection(
      Largest selected, Block block, BufferPool.Scratch rows, float[] selection) {
    if (selected.equals(Largest.ALL) || selected.equals(Largest.NONE)) {
      Arrays.fill(selection, 0, block.length(), selected.equals(Largest.ALL) ? 1f : 0f);
      return;
    }
    float[] variance = variance(block, rows);
    int upToLast = selected.upToLast(block);
    float exceeded = selected.exceededUpToLast();
    for (int i = 0; i < upToLast; i++) {
      selection[i] = BranchFree.positive(variance[i] - exceeded);
    }
    for (int i = upToLast; i < block.length(); i++) {
      selection[i] = BranchFree.positive(variance[i] - selected.magnitude());
    }
  }

  private static final class Erasure implements BlockMerge {
    private static final float SMALLEST = 1e-6f;
    private static final int SELECTION = 2;
    private static final int SIGNS = 3;
    private static final int DIVISOR = 4;

    private final Largest selected;
    private final float[] shares;
    private final BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(5);

    Erasure(Largest selected, float[] shares) {
      this.selected = selected;
      this.shares = shares;
    }

    @Override
    public void merge(Block block, float[] merged) {
      BufferPool.Scratch rows = scratch.borrow();
      int length = block.length();
      float[] selection = rows.row(SELECTION, length);
      float[] signs = rows.row(SIGNS, length);
      float[] divisor = rows.row(DIVISOR, length);
      selection(selected, block, rows, selection);
      block.sum(signs);
      BranchFree.elect(signs, length);
      Arrays.fill(merged, 0, length, 0f);
      Arrays.fill(divisor, 0, length, 0f);
      for (int t = 0; t < shares.length; t++) {
        add(block.tau()[t], signs, shares[t], merged, divisor, length);
      }
      for (int i = 0; i < length; i++) {
        merged[i] = merged[i] * signs[i] * selection[i] / Math.max(divisor[i], SMALLEST) + 0f;
      }
      scratch.giveBack(rows);
    }

    private static void add(
        float[] tau, float[] signs, float share, float[] merged, float[] divisor, int length) {
      for (int i = 0; i < length; i++) {
        float agreeing = Math.max(tau[i] * signs[i], 0f);
        merged[i] += share * agreeing;
        divisor[i] += share * BranchFree.positive(agreeing);
      }
    }
  }
}
