package org.optmerge.merge;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.apiguardian.api.API;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.StreamingMergeMethod;
import org.optmerge.method.scaling.ScalingRule;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * Everything a merge will do, decided before the first byte is read or written.
 *
 * @param method the canonical name of the merge method
 * @param recipe the recipe with every default filled in, for the provenance file
 * @param models the input folders by the name the recipe gives them, base first
 * @param donor whose non-weight files are copied
 * @param shards the output's weight files, in order
 * @param files non-weight files to copy, relative to the donor's folder
 * @param rewritten non-weight files whose content must differ from the donor's, and those that the
 *     donor does not have, by relative name
 * @param coverage what becomes of every input tensor
 * @param notices what a user should know, one sentence each
 * @param warnings those of the notices that tell of a change of the result
 * @param allowNonFinite true if the recipe lets NaN and infinity through
 */
@API(status = API.Status.EXPERIMENTAL)
public record MergePlan(
    String method,
    ObjectNode recipe,
    Map<String, Path> models,
    Checkpoint donor,
    List<OutputShard> shards,
    List<Path> files,
    Map<String, byte[]> rewritten,
    Coverage coverage,
    List<String> notices,
    List<String> warnings,
    boolean allowNonFinite)
    implements AutoCloseable {
  public MergePlan {
    models = Collections.unmodifiableMap(new LinkedHashMap<>(models));
    shards = List.copyOf(shards);
    files = List.copyOf(files);
    rewritten = Collections.unmodifiableMap(new LinkedHashMap<>(rewritten));
    notices = List.copyOf(notices);
    warnings = List.copyOf(warnings);
    if (shards.isEmpty()) {
      throw new IllegalArgumentException("a merge plan needs at least one output file");
    }
  }

  /**
   * One weight file of the output.
   *
   * @param fileName such as {@code model.safetensors} or {@code model-00001-of-00002.safetensors}
   * @param tensors in the order of their offsets
   * @param metadata the file's {@code __metadata__}
   */
  public record OutputShard(
      String fileName, List<PlannedTensor> tensors, Map<String, String> metadata) {
    public OutputShard {
      tensors = List.copyOf(tensors);
      metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }
  }

  /**
   * True if the output has an index file: it has more than one shard, or its one shard is so named.
   */
  public boolean indexed() {
    return shards.size() > 1 || !shards.get(0).fileName().equals("model.safetensors");
  }

  /**
   * The same merge by another method: a lambda in a notebook, or a record that has no name in
   * recipes. Settings that the recipe gave to its own method are replaced; λ, the base, the inputs
   * and the selection of tensors stay.
   *
   * @param name what the provenance of the output shall call it
   * @param other works on what the planned method works on, task vectors or weights
   * @throws IllegalArgumentException if it does not, or if it refuses a tensor of this plan
   */
  public MergePlan withMethod(String name, MergeMethod other) {
    MergeMethod titled =
        other instanceof StreamingMergeMethod || other instanceof Record
            ? other
            : new Titled(name, other);
    ObjectNode otherRecipe = recipe.deepCopy();
    otherRecipe.put("merge_method", name);
    return with(name, otherRecipe, tensor -> merged(tensor, titled));
  }

  /** The same with other work on its tensors. */
  MergePlan with(UnaryOperator<PlannedTensor> change) {
    return with(method, recipe, change);
  }

  private MergePlan with(String name, ObjectNode ofRecipe, UnaryOperator<PlannedTensor> change) {
    return new MergePlan(
        name,
        ofRecipe,
        models,
        donor,
        shards.stream()
            .map(
                shard ->
                    new OutputShard(
                        shard.fileName(),
                        shard.tensors().stream().map(change).toList(),
                        shard.metadata()))
            .toList(),
        files,
        rewritten,
        coverage,
        notices,
        warnings,
        allowNonFinite);
  }

  /**
   * The task vectors of a parameter, as its method will see them: to look at them, or to merge them
   * by hand.
   *
   * @param manager where they will live
   * @throws IllegalArgumentException if the plan does not merge such a parameter
   * @throws MergeException if an input is not finite, or the parameter too large for memory
   */
  public TaskVectors taskVectors(String parameter, NDManager manager) {
    for (PlannedTensor tensor : tensors()) {
      if (tensor.name().equals(parameter) && tensor.work() instanceof PlannedTensor.Merge merge) {
        // The arrays share buffers that the merger would use again: it makes no other.
        return new TensorMerger(this, 0, new LongAdder(), Progress.NONE)
            .taskVectors(tensor, merge, manager);
      }
    }
    throw new IllegalArgumentException("the plan merges no parameter '%s'".formatted(parameter));
  }

  /**
   * True if a λ is still to be found from the weights: it is, where the plan is carried out, or by
   * {@link ScalingSearch#measured} to know it before.
   */
  public boolean seeksScaling() {
    return tensors().stream()
        .anyMatch(
            tensor ->
                tensor.work() instanceof PlannedTensor.Merge merge
                    && merge.lambda() instanceof Scaling.Sought);
  }

  /** The same with one λ for all merged task vectors, to be found by a rule. */
  public MergePlan seeking(ScalingRule rule) {
    return with(
        tensor ->
            tensor.work() instanceof PlannedTensor.Merge merge
                    && merge.method().operand() == MergeMethod.Operand.TASK_VECTORS
                ? tensor.with(new Scaling.Sought(rule, false))
                : tensor);
  }

  /** The names of the parameters that are merged, in the order of the output. */
  public List<String> mergedParameters() {
    return tensors().stream()
        .filter(tensor -> tensor.work() instanceof PlannedTensor.Merge)
        .map(PlannedTensor::name)
        .toList();
  }

  private static PlannedTensor merged(PlannedTensor tensor, MergeMethod method) {
    if (!(tensor.work() instanceof PlannedTensor.Merge merge)) {
      return tensor;
    }
    if (method.operand() != merge.method().operand()) {
      throw new IllegalArgumentException(
          "tensor '%s': the plan gives %s, but %s works on %s; plan with a recipe whose method works on them too"
              .formatted(tensor.name(), merge.method().operand(), method, method.operand()));
    }
    method.check(tensor.parameter(), tensor.shape(), merge.inputs().size());
    return new PlannedTensor(
        tensor.name(),
        tensor.dtype(),
        tensor.shape(),
        merge.with(method),
        tensor.source(),
        tensor.parameter());
  }

  /** A method whose text is its name: a lambda's own would change from run to run. */
  private record Titled(String name, MergeMethod method) implements MergeMethod {
    @Override
    public NDArray merge(TaskVectors tau) {
      return method.merge(tau);
    }

    @Override
    public TaskVector mergeFactored(TaskVectors tau) {
      return method.mergeFactored(tau);
    }

    @Override
    public Map<String, Object> derived(String parameter, List<Long> shape) {
      return method.derived(parameter, shape);
    }

    @Override
    public Operand operand() {
      return method.operand();
    }

    @Override
    public void check(String parameter, List<Long> shape, int count) {
      method.check(parameter, shape, count);
    }

    @Override
    public MergeMethod fit(List<TaskVectorStream> model) {
      MergeMethod fitted = method.fit(model);
      return fitted == method ? this : new Titled(name, fitted);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** A summary, a line for the merge and one for each notice. */
  @Override
  public String toString() {
    PlanDescription is = PlanDescription.of(this);
    String summary =
        String.format(
            Locale.ROOT,
            "%s of %s: %,d tensors merged, %,d copied; reads %,d bytes, writes %,d",
            method,
            String.join(", ", models.keySet()),
            is.merged(),
            is.copied(),
            is.bytesRead(),
            is.bytesWritten());
    return notices.isEmpty() ? summary : summary + "\n" + String.join("\n", notices);
  }

  /** Every tensor of the output, in its order. */
  public List<PlannedTensor> tensors() {
    return shards.stream().flatMap(shard -> shard.tensors().stream()).toList();
  }

  /**
   * Every checkpoint that tensors are read from, adapters' among them, in the order of first use.
   */
  public Set<Checkpoint> inputs() {
    Set<Checkpoint> inputs = new LinkedHashSet<>();
    for (PlannedTensor tensor : tensors()) {
      tensor.work().weights().forEach(weight -> inputs.addAll(weight.checkpoints()));
    }
    return inputs;
  }

  /** Closes every input that the plan reads. */
  @Override
  public void close() {
    inputs().forEach(Checkpoint::close);
    donor.close();
  }
}
