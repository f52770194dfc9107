package org.optmerge.method;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.optmerge.base.BranchFree;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * EMR-Merging: a unified task vector, and for a task the part of it that agrees in sign.
 *
 * <p>With γ the sign of Σ τ_t (− where it is zero), the unified vector is γ times the largest |τ_t|
 * among those of sign γ. The model of task t is θ_0 + ρ_t · [τ_t γ &gt; 0] · unified, with ρ_t = Σ
 * mean|τ_t| / Σ mean|[τ_t γ &gt; 0] unified|, both summed over the merged tensors.
 *
 * @param task the task to recover, from 1; none: the unified vector itself
 * @param rescaler ρ_t; none: computed from the model
 * @see <a href="https://arxiv.org/abs/2405.17461">Huang et al., EMR-Merging, NeurIPS 2024</a>
 */
record ElectMaskRescale(
    @ParameterDoc("the task to recover, from 1; none: the unified vector") OptionalInt task,
    @ParameterDoc("factor of the recovered task vector; none: computed") OptionalDouble rescaler)
    implements StreamingMergeMethod {
  /** The unified vector. */
  public static final ElectMaskRescale UNIFIED =
      new ElectMaskRescale(OptionalInt.empty(), OptionalDouble.empty());

  public ElectMaskRescale {
    task.ifPresent(t -> Check.atLeast("emr", "task", t, 1));
    rescaler.ifPresent(rho -> Check.finite("emr", "rescaler", rho));
  }

  /** The model of a task, counted from 1. */
  public static ElectMaskRescale of(int task) {
    return new ElectMaskRescale(OptionalInt.of(task), OptionalDouble.empty());
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    task.ifPresent(t -> Check.task("emr", t, count));
  }

  @Override
  public boolean needsModel() {
    return task.isPresent() && rescaler.isEmpty();
  }

  @Override
  public StreamingMergeMethod fit(List<TaskVectorStream> model) {
    return needsModel() && !model.isEmpty()
        ? new ElectMaskRescale(task, OptionalDouble.of(rescaler(model, task.getAsInt() - 1)))
        : this;
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    if (task.isEmpty()) {
      return (block, merged) -> unify(block, merged);
    }
    int t = task.getAsInt() - 1;
    float factor = (float) rescaler.orElseGet(() -> rescaler(List.of(tau), t));
    return (block, merged) -> {
      unify(block, merged);
      for (int i = 0; i < block.length(); i++) {
        float agrees = BranchFree.positive(block.tau()[t][i] * BranchFree.sign(merged[i]));
        merged[i] = merged[i] * agrees * factor + 0f; // no negative zeros
      }
    };
  }

  private static void unify(Block block, float[] unified) {
    block.sum(unified);
    for (int i = 0; i < block.length(); i++) {
      float sign = BranchFree.positive(unified[i]) * 2 - 1; // zero counts as −
      float largest = 0;
      for (float[] tau : block.tau()) {
        largest = Math.max(largest, tau[i] * sign);
      }
      unified[i] = sign * largest + 0f; // no negative zeros
    }
  }

  private static double rescaler(List<TaskVectorStream> model, int t) {
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);
    double own = 0;
    double recovered = 0;
    for (TaskVectorStream tau : model) {
      LaneSum[] sums =
          tau.reduce(
              () -> new LaneSum[] {new LaneSum(), new LaneSum()},
              (pair, block) -> {
                BufferPool.Scratch rows = scratch.borrow();
                float[] unified = rows.row(0, block.length());
                unify(block, unified);
                float[] vector = block.tau()[t];
                pair[0].addMagnitudes(vector, block.length(), block.start());
                for (int i = 0; i < block.length(); i++) {
                  unified[i] *= BranchFree.positive(vector[i] * BranchFree.sign(unified[i]));
                }
                pair[1].addMagnitudes(unified, block.length(), block.start());
                scratch.giveBack(rows);
              },
              (a, b) -> new LaneSum[] {a[0].add(b[0]), a[1].add(b[1])});
      double size = Math.max(1, tau.size());
      own += sums[0].total() / size;
      recovered += sums[1].total() / size;
    }
    return recovered == 0 ? 1 : own / recovered;
  }
}
