package org.optmerge.method.interference;

import java.util.List;
import java.util.Map;
import org.optmerge.method.MatrixMethod;
import org.optmerge.method.OutputHead;
import org.optmerge.taskvector.TaskVectors;

/**
 * A method that minimises an interference loss. It merges matrices other than the output layer,
 * which the published code averages as it does everything that is no matrix.
 */
interface InterferenceMethod extends MatrixMethod {
  /** The values of {@link #derived} for what the method merges. */
  Map<String, Object> description();

  @Override
  default boolean merges(TaskVectors tau) {
    return applies(tau.parameter(), tau.shape().dimension());
  }

  @Override
  default Map<String, Object> derived(String parameter, List<Long> shape) {
    return applies(parameter, shape.size())
        ? description()
        : Map.of(
            "instead",
            "the mean of the task vectors: the method merges matrices other than lm_head");
  }

  private static boolean applies(String parameter, int dimensions) {
    return dimensions == 2 && !OutputHead.is(parameter);
  }
}
