package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.Map;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * DARE before any merge method.
 *
 * @param drop what happens to the task vectors first
 * @param inner what merges them then
 * @see StreamingDare
 */
@Paper(
    value = "Yu et al., Language models are super Mario, ICML 2024",
    url = "https://arxiv.org/abs/2311.03099")
public record Dare(DropAndRescale drop, MergeMethod inner) implements MergeMethod {
  @Override
  public void check(String parameter, List<Long> shape, int count) {
    inner.check(parameter, shape, count);
  }

  @Override
  public Map<String, Object> derived(String parameter, List<Long> shape) {
    return inner.derived(parameter, shape);
  }

  @Override
  public MergeMethod fit(List<TaskVectorStream> model) {
    return new Dare(drop, inner.fit(model.stream().map(drop::of).toList()));
  }

  @Override
  public NDArray merge(TaskVectors tau) {
    return inner.merge(drop.of(tau));
  }
}
