package org.optmerge.method;

import java.util.List;
import java.util.function.Supplier;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code arcee_fusion}: takes over the entries in which another model differs most from
 * the base.
 *
 * <p>The importance of an entry is |W_1 − W_0| times the Kullback-Leibler divergence of its row,
 * KL(p ‖ q) of p = softmax(W_1) + 1e-8 and q = softmax(W_0) + 1e-8. Entries of importance at least
 * median + 1.5 · (Q3 − Q1) are taken over. Quantiles are those of the entry ⌊q (n − 1)⌋ in order,
 * of all entries, where mergekit samples a million at random. The inputs are the base and the other
 * model.
 *
 * @see <a href="https://github.com/arcee-ai/mergekit/blob/main/docs/merge_methods.md">mergekit's
 *     documentation; published nowhere else</a>
 */
record ArceeFusion() implements StreamingMergeMethod {
  private static final double SMOOTHING = 1e-8;
  private static final double REACH = 1.5;

  @Override
  public Operand operand() {
    return Operand.WEIGHTS;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.inputs("arcee_fusion", count, 2, 2, "the base and exactly one other model");
  }

  @Override
  public long alignment(List<Long> shape) {
    return Extents.rowLength(shape);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream weights) {
    int row = Math.toIntExact(Extents.rowLength(weights.shape()));
    if (weights.size() == 0) {
      return (block, merged) -> {};
    }
    long last = weights.size() - 1;
    long[] ranks = {rank(0.25, last), rank(0.5, last), rank(0.75, last)};
    Supplier<MagnitudeSelection.Source> source =
        () -> {
          BufferPool.Scratch own = new BufferPool.Scratch(1);
          return (block, ignored) -> importance(block, row, own.row(0, block.length()));
        };
    MagnitudeSelection.Rank[] quartiles =
        MagnitudeSelection.kthSmallest(List.of(weights), source, row, new long[][] {ranks})[0];
    float spread = quartiles[2].magnitude() - quartiles[0].magnitude();
    float threshold = (float) (quartiles[1].magnitude() + REACH * spread);
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);
    return (block, merged) -> {
      BufferPool.Scratch rows = scratch.borrow();
      float[] importance = importance(block, row, rows.row(0, block.length()));
      float[] base = block.tau()[0];
      float[] other = block.tau()[1];
      for (int i = 0; i < block.length(); i++) {
        merged[i] = importance[i] >= threshold ? other[i] : base[i];
      }
      scratch.giveBack(rows);
    };
  }

  private static long rank(double quantile, long last) {
    return (long) (quantile * last) + 1;
  }

  private static float[] importance(Block block, int row, float[] importance) {
    float[] base = block.tau()[0];
    float[] other = block.tau()[1];
    for (int from = 0; from < block.length(); from += row) {
      double divergence = divergence(other, base, from, row);
      for (int i = from; i < from + row; i++) {
        importance[i] = (float) (Math.abs(other[i] - base[i]) * divergence);
      }
    }
    return importance;
  }

  private static double divergence(float[] p, float[] q, int from, int row) {
    double largestP = largest(p, from, row);
    double largestQ = largest(q, from, row);
    double sumP = 0;
    double sumQ = 0;
    for (int i = from; i < from + row; i++) {
      sumP += Math.exp(p[i] - largestP);
      sumQ += Math.exp(q[i] - largestQ);
    }
    double divergence = 0;
    for (int i = from; i < from + row; i++) {
      double inP = Math.exp(p[i] - largestP) / sumP + SMOOTHING;
      double inQ = Math.exp(q[i] - largestQ) / sumQ + SMOOTHING;
      divergence += inP * Math.log(inP / inQ);
    }
    return divergence;
  }

  private static double largest(float[] values, int from, int row) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = from; i < from + row; i++) {
      largest = Math.max(largest, values[i]);
    }
    return largest;
  }
}
