package org.optmerge.merge;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MethodParameters;
import org.optmerge.method.scaling.MeasuredScaling;
import org.optmerge.taskvector.Weight;

/**
 * A plan in plain values, for {@code --dry-run}.
 *
 * @param method the canonical name of the merge method
 * @param models the input folders by the name the recipe gives them, base first
 * @param merged tensors that are merged
 * @param copied tensors whose bytes are an input's
 * @param bytesRead bytes of weights that one pass over the inputs reads
 * @param bytesWritten bytes of weights in the output
 * @param matrixBytes memory that the largest tensor of a method on whole matrices takes; 0 if all
 *     work is done in blocks, whose memory is the budget's and does not depend on the model
 * @param files the output's weight files
 * @param otherFiles non-weight files that are copied, relative to the output
 * @param rewrittenFiles those of them whose content changes
 * @param coverage what becomes of every input tensor
 * @param notices what a user should know, one sentence each
 */
@API(status = API.Status.EXPERIMENTAL)
public record PlanDescription(
    String method,
    @JsonSerialize(contentUsing = ToStringSerializer.class) Map<String, Path> models,
    int merged,
    int copied,
    long bytesRead,
    long bytesWritten,
    long matrixBytes,
    List<File> files,
    @JsonSerialize(contentUsing = ToStringSerializer.class) List<Path> otherFiles,
    List<String> rewrittenFiles,
    Coverage coverage,
    List<String> notices,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<MeasuredScaling> scalings) {

  /**
   * A weight file of the output.
   *
   * @param name its name
   * @param tensors how many it holds
   * @param bytes length of their data
   */
  public record File(String name, int tensors, long bytes) {}

  /**
   * The work on one tensor of the output, with every parameter resolved.
   *
   * @param name its name in the output
   * @param dtype its element type in the output
   * @param shape its extents
   * @param source {@code merged}, or why it is not
   * @param base the model that is θ_0; null if none is
   * @param inputs the models that are read, in order, with the tensor's name there if it differs
   * @param parameters of the method: a {@code Double}, {@code Long}, {@code Boolean} or {@code
   *     String}, or a {@code List<Double>} with a value for each input; empty if it is copied
   * @param derived what follows from them, see {@link MergeMethod#derived}
   * @param scaling λ; null where weights are merged or copied, and where it is still to be found
   * @param measuredScaling how λ was found; null where it is given
   * @param soughtScaling the rule that is still to find λ; null if it is known
   * @param taskVectorDtype the type that task vectors are rounded to; null: none
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Tensor(
      @JsonProperty("tensor") String name,
      DType dtype,
      List<Long> shape,
      String source,
      @Nullable String base,
      List<String> inputs,
      Map<String, Object> parameters,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Object> derived,
      @Nullable Double scaling,
      @Nullable MeasuredScaling measuredScaling,
      @Nullable String soughtScaling,
      @Nullable DType taskVectorDtype) {
    public Tensor {
      shape = List.copyOf(shape);
      inputs = List.copyOf(inputs);
      parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
      derived = Collections.unmodifiableMap(new LinkedHashMap<>(derived));
    }

    /** As JSON. */
    public ObjectNode toJson() {
      return Json.snakeCase().valueToTree(this);
    }
  }

  public PlanDescription {
    models = Collections.unmodifiableMap(new LinkedHashMap<>(models));
    files = List.copyOf(files);
    otherFiles = List.copyOf(otherFiles);
    rewrittenFiles = List.copyOf(rewrittenFiles);
    notices = List.copyOf(notices);
    scalings = List.copyOf(scalings);
  }

  /** Describes a plan. */
  public static PlanDescription of(MergePlan plan) {
    int merged = 0;
    int copied = 0;
    long bytesRead = 0;
    long bytesWritten = 0;
    long matrixBytes = 0;
    List<File> files = new ArrayList<>();
    for (MergePlan.OutputShard shard : plan.shards()) {
      long bytes = 0;
      for (PlannedTensor tensor : shard.tensors()) {
        bytes += tensor.bytes();
        if (tensor.work() instanceof PlannedTensor.Merge merge) {
          merged++;
          bytesRead += merge.inputs().stream().mapToLong(PlanDescription::bytes).sum();
          Weight base = merge.base();
          bytesRead += base == null ? 0 : bytes(base);
          if (TensorMerger.needsMatrices(tensor)) {
            matrixBytes = Math.max(matrixBytes, TensorMerger.matrixBytes(tensor));
          }
        } else if (tensor.work() instanceof PlannedTensor.Copy copy) {
          copied++;
          bytesRead += bytes(copy.from());
        }
      }
      bytesWritten += bytes;
      files.add(new File(shard.fileName(), shard.tensors().size(), bytes));
    }
    return new PlanDescription(
        plan.method(),
        plan.models(),
        merged,
        copied,
        bytesRead,
        bytesWritten,
        matrixBytes,
        files,
        plan.files(),
        List.copyOf(plan.rewritten().keySet()),
        plan.coverage(),
        plan.notices(),
        scalings(plan));
  }

  /** Every λ that was found, of all tensors or of one, in the order of the output. */
  static List<MeasuredScaling> scalings(MergePlan plan) {
    List<MeasuredScaling> all = new ArrayList<>();
    for (PlannedTensor tensor : plan.tensors()) {
      MeasuredScaling one = measured(tensor.work());
      boolean own = tensor.parameter().equals(tensor.name());
      if (one != null && (one.perTensor() ? own : !all.contains(one))) {
        all.add(one);
      }
    }
    return all;
  }

  private static @Nullable MeasuredScaling measured(PlannedTensor.Work work) {
    return work instanceof PlannedTensor.Merge merge
            && merge.lambda() instanceof Scaling.Found found
        ? found.measured()
        : null;
  }

  /**
   * Explains the work on each tensor, in the order of the output.
   *
   * @param part only tensors whose name contains this; null: all
   */
  public static List<Tensor> explain(MergePlan plan, @Nullable String part) {
    Map<Path, String> names = new HashMap<>();
    plan.models().forEach((name, folder) -> names.putIfAbsent(folder, name));
    Map<MergeMethod, Map<String, Object>> parameters = new HashMap<>();
    List<Tensor> tensors = new ArrayList<>();
    for (PlannedTensor tensor : plan.tensors()) {
      if (part == null || tensor.name().contains(part)) {
        tensors.add(explain(tensor, names, parameters));
      }
    }
    return tensors;
  }

  private static Tensor explain(
      PlannedTensor tensor,
      Map<Path, String> names,
      Map<MergeMethod, Map<String, Object>> parameters) {
    if (tensor.work() instanceof PlannedTensor.Merge merge) {
      Weight base = merge.base();
      boolean ofTaskVectors = merge.method().operand() == MergeMethod.Operand.TASK_VECTORS;
      return new Tensor(
          tensor.name(),
          tensor.dtype(),
          tensor.shape(),
          tensor.source(),
          base == null ? null : label(base, tensor.name(), names),
          merge.inputs().stream().map(input -> label(input, tensor.name(), names)).toList(),
          parameters.computeIfAbsent(merge.method(), PlanDescription::parameters),
          merge.method().derived(tensor.parameter(), tensor.shape()),
          ofTaskVectors && !(merge.lambda() instanceof Scaling.Sought) ? merge.scaling() : null,
          measured(merge),
          merge.lambda() instanceof Scaling.Sought sought ? sought.toString() : null,
          merge.taskVectorDtype());
    }
    List<String> inputs =
        tensor.work() instanceof PlannedTensor.Copy copy
            ? List.of(label(copy.from(), tensor.name(), names))
            : List.of();
    return new Tensor(
        tensor.name(),
        tensor.dtype(),
        tensor.shape(),
        tensor.source(),
        null,
        inputs,
        Map.of(),
        Map.of(),
        null,
        null,
        null,
        null);
  }

  private static Map<String, Object> parameters(MergeMethod method) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (MethodParameters.Parameter parameter : MethodParameters.of(method)) {
      parameter.defaultValue().ifPresent(value -> values.put(parameter.name(), value));
    }
    return values;
  }

  private static String label(Weight weight, String output, Map<Path, String> names) {
    if (weight instanceof Weight.Stored stored) {
      Path folder = stored.checkpoint().folder();
      String model = names.getOrDefault(folder, folder.toString());
      String tensor = stored.tensor().name();
      return tensor.equals(output) ? model : model + ": " + tensor;
    } else if (weight instanceof Weight.Adapted adapted) {
      Path folder = adapted.adapter().folder();
      return names.getOrDefault(folder, folder.toString());
    }
    Path folder = weight.stored().checkpoint().folder();
    return names.getOrDefault(folder, folder.toString()) + ": " + weight.stored().tensor().name();
  }

  private static long bytes(Weight weight) {
    if (weight instanceof Weight.Stored stored) {
      return stored.shape().stream().reduce(1L, Math::multiplyExact) * stored.dtype().bytes();
    } else if (weight instanceof Weight.Adapted adapted) {
      return bytes(adapted.base()) + adapted.delta().a().bytes() + adapted.delta().b().bytes();
    } else if (weight instanceof Weight.Joined joined) {
      return joined.parts().stream().mapToLong(PlanDescription::bytes).sum();
    }
    return weight.shape().stream().reduce(1L, Math::multiplyExact)
        * weight.stored().dtype().bytes();
  }

  /** True if every tensor is merged in blocks, whatever its size. */
  public boolean streams() {
    return matrixBytes == 0;
  }

  /** As JSON. */
  public ObjectNode toJson() {
    return Json.snakeCase().valueToTree(this);
  }
}
