package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;
import org.optmerge.taskvector.TaskVector;
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
@API(status = API.Status.EXPERIMENTAL)
@FunctionalInterface
public interface MergeMethod {
  /** The operand that a method is given for each input. */
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

  /**
   * {@link #merge}, as factors where the method can keep task vectors that came as factors; dense
   * otherwise.
   *
   * @return the merged task vector, in the manager of the inputs
   */
  default TaskVector mergeFactored(TaskVectors tau) {
    return new TaskVector.Dense(merge(tau));
  }

  /** The operand that the method is given; task vectors unless it says otherwise. */
  default Operand operand() {
    return Operand.TASK_VECTORS;
  }

  /**
   * This method for inputs of the given kind; only methods that work on both, such as mergekit's
   * {@code nuslerp} with and without a base, return anything but themselves.
   *
   * @throws IllegalArgumentException if the method cannot work on it
   */
  default MergeMethod over(Operand operand) {
    if (operand != operand()) {
      throw new IllegalArgumentException(
          "%s: works on %s, not on %s".formatted(this, operand(), operand));
    }
    return this;
  }

  /**
   * Checks that the settings fit a parameter and a number of inputs; called for every parameter
   * before any data is read.
   *
   * @param parameter the name in the checkpoint, for messages
   * @param shape its extents, outermost first
   * @param count number of inputs
   * @throws IllegalArgumentException if they do not; the message says what was expected
   */
  default void check(String parameter, List<Long> shape, int count) {}

  /**
   * Values that follow from the settings for a parameter and are worth knowing before a merge, by
   * name in the order of printing: a {@code Double} or a {@code String} each. For example {@code
   * effective_time}, {@code filter} and {@code share_at_0.1}, the share of the way to the minimiser
   * that the descent goes where the Hessian's eigenvalue is 0.1. Nothing unless a method says
   * otherwise.
   *
   * @param parameter the name in the checkpoint
   * @param shape its extents, outermost first
   */
  default Map<String, Object> derived(String parameter, List<Long> shape) {
    return Map.of();
  }

  /**
   * True if {@link #fit} takes something from the whole model, so that no parameter can be merged
   * by itself.
   */
  default boolean needsModel() {
    return false;
  }

  /** True if there is nothing to combine: the method changes one model, besides a base. */
  default boolean takesOneModel() {
    return false;
  }

  /**
   * The method once it has seen the whole model, called before any parameter is merged. Methods
   * that look at one parameter at a time, which is most, return themselves; the others say so by
   * {@link #needsModel}.
   *
   * @param model the parameters that will be merged by this method, sorted by name
   */
  default MergeMethod fit(List<TaskVectorStream> model) {
    return this;
  }
}
