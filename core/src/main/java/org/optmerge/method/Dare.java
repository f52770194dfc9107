package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * DARE before a merge method that runs in blocks.
 *
 * @param drop what happens to the task vectors first
 * @param inner what merges them then
 * @see <a href="https://arxiv.org/abs/2311.03099">Yu et al., Language models are super Mario, ICML
 *     2024</a>
 */
record Dare(DropAndRescale drop, StreamingMergeMethod inner) implements StreamingMergeMethod {
  @Override
  public void check(String parameter, List<Long> shape, int count) {
    inner.check(parameter, shape, count);
  }

  @Override
  public boolean needsModel() {
    return inner.needsModel();
  }

  @Override
  public StreamingMergeMethod fit(List<TaskVectorStream> model) {
    return needsModel() ? drop.then(inner.fit(model.stream().map(drop::of).toList())) : this;
  }

  @Override
  public long alignment(List<Long> shape) {
    return inner.alignment(shape);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    return drop.prepare(tau, inner);
  }
}
