package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * A merge method whose result at an entry depends on the task vectors at that entry (or in its row)
 * and on statistics of the whole parameter. It runs in blocks, whatever the parameter's size.
 *
 * <p>{@link #merge} runs the same code over arrays in memory, so a streaming method is written
 * once.
 */
@API(status = API.Status.EXPERIMENTAL)
public interface StreamingMergeMethod extends MergeMethod {
  /** Merges one block: writes the first {@code block.length()} entries of {@code merged}. */
  @FunctionalInterface
  interface BlockMerge {
    void merge(Block block, float[] merged);
  }

  /**
   * Takes the statistics that the method needs, by {@link TaskVectorStream#reduce}, and returns
   * what merges a block. The returned function is called from several threads, for blocks in any
   * order; an entry that it does not write is NaN.
   */
  BlockMerge prepare(TaskVectorStream tau);

  /** Blocks begin and end at multiples of this many entries; the last extent keeps rows whole. */
  default long alignment(List<Long> shape) {
    return 1;
  }

  @Override
  default StreamingMergeMethod fit(List<TaskVectorStream> model) {
    return this;
  }

  @Override
  default NDArray merge(TaskVectors tau) {
    ArrayTaskVectorStream stream = ArrayTaskVectorStream.of(tau);
    return tau.manager().create(merge(stream), tau.shape());
  }

  /**
   * Merges one parameter of at most 2^31 entries into an array.
   *
   * @throws IllegalArgumentException if the settings do not fit it, see {@link #check}
   */
  default float[] merge(TaskVectorStream tau) {
    check(tau.parameter(), tau.shape(), tau.count());
    BlockMerge blockMerge = Objects.requireNonNull(prepare(tau), "prepared null for its blocks");
    int size = Math.toIntExact(tau.size());
    float[] merged = new float[size];
    float[][] piece = new float[1][0];
    tau.visit(
        0,
        size,
        alignment(tau.shape()),
        block -> {
          if (piece[0].length < block.length()) {
            piece[0] = new float[block.length()];
          }
          Arrays.fill(piece[0], Float.NaN);
          blockMerge.merge(block, piece[0]);
          System.arraycopy(piece[0], 0, merged, (int) block.start(), block.length());
        });
    return merged;
  }
}
