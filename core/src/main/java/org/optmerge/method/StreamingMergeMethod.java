package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * A merge method whose result at an entry depends on the task vectors at that entry (or in its row)
 * and on statistics of the whole parameter. It runs in blocks, whatever the parameter's size.
 *
 * <p>{@link #merge} runs the same code over arrays in memory, so a streaming method is written
 * once.
 */
public interface StreamingMergeMethod extends MergeMethod {
  /** Merges one block: writes the first {@code block.length()} entries of {@code merged}. */
  @FunctionalInterface
  interface BlockMerge {
    void merge(Block block, float[] merged);
  }

  /**
   * Takes the statistics that the method needs, by {@link TaskVectorStream#reduce}, and returns
   * what merges a block. The returned function is called from several threads, for blocks in any
   * order.
   */
  BlockMerge prepare(TaskVectorStream tau);

  /** Blocks begin and end at multiples of this many entries; the last extent keeps rows whole. */
  default long alignment(List<Long> shape) {
    return 1;
  }

  @Override
  default ai.djl.ndarray.NDArray merge(org.optmerge.taskvector.TaskVectors tau) {
    throw new UnsupportedOperationException();
  }
}
