package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * Merges the task vectors of one parameter. Pure: reads, returns something new, touches nothing
 * else.
 *
 * <p>λ, the base, files, dtypes and exclusions belong to {@code org.optmerge.merge}. A researcher's
 * own method is a lambda over {@link TaskVectors}; a listed method is a record whose components are
 * its hyperparameters.
 */
@FunctionalInterface
public interface MergeMethod {
  /** What a method is given for each input. */
  enum Operand {
    /** τ_t = θ_t − θ_0; the merged checkpoint is θ_0 + λ · result. */
    TASK_VECTORS,
    /**
     * θ_t itself; the result is the merged weight (mergekit's {@code linear}, {@code slerp}, {@code
     * passthrough} …).
     */
    WEIGHTS
  }

  /**
   * From task vectors, each of shape (d1, …, dn), to the merged task vector of that shape, float32
   * or float64, in the manager of the inputs.
   */
  NDArray merge(TaskVectors tau);

  /** What the method is given; task vectors unless it says otherwise. */
  default Operand operand() {
    return Operand.TASK_VECTORS;
  }

  /**
   * The method once it has seen the whole model, called before any parameter is merged. Methods
   * that look at one parameter at a time, which is most, return themselves.
   *
   * @param model the parameters that will be merged by this method, sorted by name
   */
  default MergeMethod fit(List<TaskVectorStream> model) {
    return this;
  }
}
