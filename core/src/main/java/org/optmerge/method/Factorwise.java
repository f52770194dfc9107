package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * Merges the factors B and A of adapters each by themselves, as ModelCompose does: Δ = scale ·
 * M(B_1 … B_T) · M(A_1 … A_T).
 *
 * <p><b>This is not a merge of what the adapters do.</b> (Σ Bᵢ)(Σ Aᵢ) holds products BᵢAⱼ of
 * different adapters, which no adapter learned; merging the products BᵢAᵢ, as every other way in
 * this project does, has none. It is here to reproduce published modality merges.
 *
 * @param factors merges the B's, and merges the A's; one that looks at one parameter at a time
 * @see <a href="https://arxiv.org/abs/2402.12750">Chen et al., Model composition for multimodal
 *     large language models, ACL 2024</a>
 */
public record Factorwise(MergeMethod factors) implements MergeMethod {
  /**
   * @throws IllegalArgumentException if the method works on weights, or looks at the whole model
   */
  public Factorwise {
    if (factors.operand() != Operand.TASK_VECTORS) {
      throw new IllegalArgumentException("factorwise: %s merges weights".formatted(factors));
    }
    if (factors.needsModel()) {
      throw new IllegalArgumentException(
          "factorwise: %s looks at the whole model, factors are merged one parameter at a time"
              .formatted(factors));
    }
  }

  @Override
  public NDArray merge(TaskVectors tau) {
    return mergeFactored(tau).dense();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if a task vector did not come as factors, or ranks or scales
   *     differ
   */
  @Override
  public TaskVector mergeFactored(TaskVectors tau) {
    List<TaskVector.LowRank> adapters = new ArrayList<>();
    for (TaskVector vector : tau.vectors()) {
      if (!(vector instanceof TaskVector.LowRank adapter)) {
        throw new IllegalArgumentException(
            "factorwise: parameter '%s' of model %d is no adapter over the base's weights"
                .formatted(tau.parameter(), adapters.size() + 1));
      }
      adapters.add(adapter);
    }
    TaskVector.LowRank first = adapters.get(0);
    for (TaskVector.LowRank other : adapters) {
      if (other.rank() != first.rank() || other.scale() != first.scale()) {
        throw new IllegalArgumentException(
            "factorwise: parameter '%s': adapters have ranks %d and %d, scales %s and %s; they must be equal"
                .formatted(
                    tau.parameter(), first.rank(), other.rank(), first.scale(), other.scale()));
      }
    }
    return new TaskVector.LowRank(
        merged(tau.parameter() + " lora_B", adapters, TaskVector.LowRank::b),
        merged(tau.parameter() + " lora_A", adapters, TaskVector.LowRank::a),
        first.scale());
  }

  private NDArray merged(
      String name,
      List<TaskVector.LowRank> adapters,
      Function<TaskVector.LowRank, NDArray> factor) {
    List<TaskVector> vectors = new ArrayList<>();
    adapters.forEach(adapter -> vectors.add(new TaskVector.Dense(factor.apply(adapter))));
    return factors.merge(new TaskVectors(name, vectors));
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    if (shape.size() != 2) {
      throw new IllegalArgumentException(
          "factorwise: parameter '%s' has shape %s, adapters change matrices"
              .formatted(parameter, shape));
    }
    factors.check(parameter, shape, count);
  }
}
