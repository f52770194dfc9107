package org.optmerge.taskvector;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;

/**
 * The task vectors of one parameter, in memory.
 *
 * @param parameter the name in the checkpoint, for messages and seeds
 * @param vectors τ_1 … τ_T, all of one shape
 */
@API(status = API.Status.EXPERIMENTAL)
public record TaskVectors(String parameter, List<TaskVector> vectors) {
  public TaskVectors {
    vectors = List.copyOf(vectors);
    if (vectors.isEmpty()) {
      throw new IllegalArgumentException(
          "parameter '%s': a merge needs at least one task vector".formatted(parameter));
    }
    for (int t = 1; t < vectors.size(); t++) {
      if (!vectors.get(t).shape().equals(vectors.get(0).shape())) {
        throw new IllegalArgumentException(
            "parameter '%s': task vector %d has shape %s, the first has %s"
                .formatted(parameter, t + 1, vectors.get(t).shape(), vectors.get(0).shape()));
      }
    }
  }

  /**
   * Stacks what the experts learned: row t of the result is τ_t = θ_t − θ_0.
   *
   * @param parameter the name in the checkpoint, for messages and seeds
   * @param base θ_0, shape (d1, …, dn), float32
   * @param experts θ_1 … θ_T, each of the base's shape
   * @throws IllegalArgumentException if a shape differs; the message names the parameter and both
   *     shapes
   * @see <a href="https://arxiv.org/abs/2212.04089">Ilharco et al., Task Arithmetic, ICLR 2023,
   *     section 2</a>
   */
  public static TaskVectors of(String parameter, NDArray base, List<NDArray> experts) {
    for (int t = 0; t < experts.size(); t++) {
      if (!experts.get(t).getShape().equals(base.getShape())) {
        throw new IllegalArgumentException(
            "parameter '%s': expert %d has shape %s, base has %s"
                .formatted(parameter, t + 1, experts.get(t).getShape(), base.getShape()));
      }
    }
    return new TaskVectors(
        parameter,
        experts.stream()
            .map(expert -> (TaskVector) new TaskVector.Dense(expert.sub(base)))
            .toList());
  }

  /**
   * Reads one parameter from checkpoints, and takes what the experts learned about it. For looking
   * at a matrix in a notebook: a merge of whole checkpoints streams instead.
   *
   * @param parameter the name in the checkpoints
   * @param base θ_0, open
   * @param experts θ_1 … θ_T, open
   * @param manager owns the result
   * @throws IllegalArgumentException if a checkpoint has no such parameter, or one of another shape
   */
  public static TaskVectors read(
      String parameter, Checkpoint base, List<Checkpoint> experts, NDManager manager) {
    NDArray origin = read(parameter, base, manager);
    return of(
        parameter,
        origin,
        experts.stream().map(expert -> read(parameter, expert, manager)).toList());
  }

  private static NDArray read(String parameter, Checkpoint checkpoint, NDManager manager) {
    TensorInfo tensor =
        checkpoint
            .find(parameter)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "parameter '%s': not in %s, which has %d others"
                            .formatted(
                                parameter, checkpoint.folder(), checkpoint.tensors().size())));
    float[] values = new float[Math.toIntExact(tensor.size())];
    checkpoint.read(tensor, 0, values.length, values);
    return manager.create(
        values, new Shape(tensor.shape().stream().mapToLong(Long::longValue).toArray()));
  }

  /** Number of task vectors, T. */
  public int count() {
    return vectors.size();
  }

  /** The extents that all task vectors have. */
  public Shape shape() {
    return vectors.get(0).shape();
  }

  /** The manager of the first task vector, and with it the results of merges. */
  public NDManager manager() {
    return vectors.get(0) instanceof TaskVector.LowRank factors
        ? factors.b().getManager()
        : vectors.get(0).dense().getManager();
  }

  /** All task vectors in one array, shape (T, d1, …, dn). */
  public NDArray stack() {
    return NDArrays.stack(new NDList(vectors.stream().map(TaskVector::dense).toList()));
  }
}
