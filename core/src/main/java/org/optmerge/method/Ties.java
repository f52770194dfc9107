package org.optmerge.method;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import org.optmerge.base.BranchFree;
import org.optmerge.base.Kernels;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * TIES as in the official code: trim each task vector to its largest entries, elect a sign per
 * entry, and merge the entries of that sign.
 *
 * <p>An entry is kept if its magnitude is at least that of the k-th smallest, so n − k + 1 entries
 * are kept, more if several are equal. The elected sign is that of the sum of the trimmed task
 * vectors; where the sum is zero, the sign most entries elected. No weights take part.
 *
 * @param scope what is trimmed and votes together
 * @param maskRate the share of entries to drop, in [0, 1); 0.8 in the paper
 * @param rounding how the share becomes a number of entries
 * @param mergeFunction what is made of the entries that agree
 * @see <a href="https://arxiv.org/abs/2306.01708">Yadav et al., TIES-Merging, NeurIPS 2023</a>
 */
record Ties(
    @FixedByName Scope scope,
    @ParameterDoc("share of the entries to drop") double maskRate,
    @FixedByName Rounding rounding,
    @ParameterDoc("what is made of the entries that agree") MergeFunction mergeFunction)
    implements StreamingMergeMethod {
  /** Per tensor, as in the LLaMA-Factory script. */
  public static final Ties PER_TENSOR = of(Scope.TENSOR, 0.8);

  /** Over the whole model, as in the InternVL script. */
  public static final Ties GLOBAL = of(Scope.GLOBAL, 0.8);

  /** The extent of what is trimmed and votes together. */
  public enum Scope {
    /** Each tensor by itself. */
    TENSOR,
    /** All merged tensors of the model. */
    GLOBAL
  }

  /** The rounding of a share to a number of entries. */
  public enum Rounding {
    /** k = ⌊n · mask_rate⌋, as in MLLMerging. */
    DROPPED_DOWN,
    /** k = n − ⌊n · (1 − mask_rate)⌋, as in fusion_bench and ModelCompose. */
    KEPT_DOWN
  }

  /** The function of the entries that agree with the elected sign. */
  public enum MergeFunction {
    /** Their mean. */
    MEAN,
    /** Their sum. */
    SUM,
    /** The one of largest magnitude. */
    MAX
  }

  public Ties {
    Check.that("ties", "mask_rate", maskRate, rate -> rate >= 0 && rate < 1, "in [0, 1)");
  }

  /** The official code's variant of either scope. */
  public static Ties of(Scope scope, double maskRate) {
    return new Ties(scope, maskRate, Rounding.DROPPED_DOWN, MergeFunction.MEAN);
  }

  /**
   * The rank k, counted from the smallest magnitude, of the smallest entry to keep; 0: keep all.
   */
  long rank(long entries) {
    if (rounding == Rounding.DROPPED_DOWN) {
      return (long) (entries * maskRate);
    }
    // 1 − 0.8 is 0.19999999999999996; the decimal complement is what a user means by it.
    double kept = BigDecimal.ONE.subtract(BigDecimal.valueOf(maskRate)).doubleValue();
    return entries - (long) (entries * kept);
  }

  @Override
  public boolean needsModel() {
    return scope == Scope.GLOBAL;
  }

  @Override
  public StreamingMergeMethod fit(List<TaskVectorStream> model) {
    return needsModel() && !model.isEmpty() ? new Fitted(this, election(model)) : this;
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    return new Election(election(List.of(tau)), mergeFunction);
  }

  /** TIES over the whole model, once it has seen it. */
  private record Fitted(Ties settings, Ballot ballot) implements StreamingMergeMethod {
    @Override
    public BlockMerge prepare(TaskVectorStream tau) {
      return new Election(ballot, settings.mergeFunction());
    }
  }

  /**
   * The thresholds that trim, and the sign that decides ties.
   *
   * @param exceeded per task vector, the largest magnitude that is dropped
   * @param majority the sign that most entries elected, 1, 0 or −1
   */
  private record Ballot(float[] exceeded, float majority) {
    /** Writes τ_t without its small entries. */
    void trim(Block block, int t, float[] trimmed) {
      Kernels.best().keepAbove(block.tau()[t], 0, block.length(), exceeded[t], 1f, trimmed);
    }

    /** Writes Σ_t trimmed τ_t. */
    void sum(Block block, float[] trimmed, float[] sum) {
      Arrays.fill(sum, 0, block.length(), 0f);
      for (int t = 0; t < exceeded.length; t++) {
        trim(block, t, trimmed);
        for (int i = 0; i < block.length(); i++) {
          sum[i] += trimmed[i];
        }
      }
    }
  }

  private Ballot election(List<TaskVectorStream> model) {
    int count = model.get(0).count();
    long entries = model.stream().mapToLong(TaskVectorStream::size).sum();
    long rank = rank(entries);
    float[] exceeded = new float[count];
    // Below every magnitude: keeps all.
    Arrays.fill(exceeded, -Float.MIN_VALUE);
    if (rank > 0) {
      float[] found = MagnitudeSelection.kthSmallest(model, rank);
      for (int t = 0; t < count; t++) {
        exceeded[t] = Math.nextDown(found[t]);
      }
    }
    Ballot undecided = new Ballot(exceeded, 0);
    // A single task vector cannot cancel, so nobody asks for the majority.
    return count == 1 ? undecided : new Ballot(exceeded, majority(model, undecided));
  }

  private static float majority(List<TaskVectorStream> model, Ballot ballot) {
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(2);
    long balance = 0;
    for (TaskVectorStream tau : model) {
      long[] votes =
          tau.reduce(
              () -> new long[1],
              (sum, block) ->
                  sum[0] +=
                      scratch.with(
                          rows -> {
                            float[] sums = rows.row(0, block.length());
                            ballot.sum(block, rows.row(1, block.length()), sums);
                            return Kernels.best().balance(sums, block.length());
                          }),
              (a, b) -> {
                a[0] += b[0];
                return a;
              });
      balance += votes[0];
    }
    return Long.signum(balance);
  }

  private static final class Election implements BlockMerge {
    private final Ballot ballot;
    private final MergeFunction mergeFunction;
    private final int count;
    private final BufferPool<BufferPool.Scratch> scratch;

    Election(Ballot ballot, MergeFunction mergeFunction) {
      this.ballot = ballot;
      this.mergeFunction = mergeFunction;
      this.count = ballot.exceeded().length;
      this.scratch = BufferPool.Scratch.of(count + 1);
    }

    @Override
    public void merge(Block block, float[] merged) {
      BufferPool.Scratch scratchRows = scratch.borrow();
      int length = block.length();
      float[][] rows = scratchRows.rows(length);
      for (int t = 0; t < count; t++) {
        ballot.trim(block, t, rows[t]);
      }
      if (mergeFunction == MergeFunction.MAX) {
        largest(rows, merged, length);
      } else {
        boolean mean = mergeFunction == MergeFunction.MEAN;
        Kernels.best().election(rows, count, ballot.majority(), mean, merged, length);
      }
      scratch.giveBack(scratchRows);
    }

    /** The entry of largest magnitude among those of the elected sign. */
    private void largest(float[][] rows, float[] merged, int length) {
      float[] signs = rows[count];
      Arrays.fill(signs, 0, length, 0f);
      for (int t = 0; t < count; t++) {
        for (int i = 0; i < length; i++) {
          signs[i] += rows[t][i];
        }
      }
      for (int i = 0; i < length; i++) {
        float sign = BranchFree.sign(signs[i]);
        signs[i] = sign + (1 - Math.abs(sign)) * ballot.majority();
      }
      Arrays.fill(merged, 0, length, 0f);
      for (int t = 0; t < count; t++) {
        for (int i = 0; i < length; i++) {
          merged[i] = Math.max(merged[i], rows[t][i] * signs[i]);
        }
      }
      for (int i = 0; i < length; i++) {
        merged[i] = merged[i] * signs[i] + 0f; // no negative zeros
      }
    }
  }
}
