package org.optmerge.merge;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.method.scaling.MeasuredScaling;

/**
 * {@code optmerge.json}: what was merged, how, from which bytes to which bytes.
 *
 * <p>It holds no date, path of the machine or number of threads: the same inputs, recipe and seed
 * give the same file.
 */
final class Provenance {
  /** Its name in the output folder. */
  static final String FILE = "optmerge.json";

  /** The layout of the file. */
  static final int FORMAT = 1;

  private Provenance() {}

  /**
   * A file that was read or written.
   *
   * @param model the input's name in the recipe; empty for an output
   * @param file its name in its folder
   * @param bytes its length
   * @param sha256 hexadecimal, or empty if it was not asked for
   */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  record HashedFile(String model, String file, long bytes, String sha256) {}

  /** The file; its components are its keys, in their order. */
  private record Content(
      int format,
      String madeBy,
      String java,
      String method,
      ObjectNode recipe,
      List<HashedFile> inputs,
      List<HashedFile> outputs,
      Coverage coverage,
      List<String> notices,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) List<MeasuredScaling> scalings,
      Set<String> methods,
      List<Tensor> tensors) {}

  /** A tensor of the output; {@code method} is the number of its method's settings. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Tensor(
      String name,
      String dtype,
      List<Long> shape,
      String source,
      @Nullable Integer method,
      @Nullable Double scaling,
      @Nullable MeasuredScaling measuredScaling,
      @Nullable Double norm,
      @Nullable Long nonFinite) {}

  static void write(
      Path folder,
      MergePlan plan,
      List<HashedFile> inputs,
      List<HashedFile> outputs,
      Map<String, TensorOutcome> outcomes)
      throws IOException {
    // The settings of a method are written once, under a number that its tensors refer to.
    Map<String, Integer> methods = new LinkedHashMap<>();
    List<Tensor> tensors = new ArrayList<>();
    for (PlannedTensor tensor : plan.tensors()) {
      TensorOutcome outcome = outcomes.get(tensor.name());
      if (outcome == null) {
        throw new MergeException("tensor '%s' was planned but not made".formatted(tensor.name()));
      }
      PlannedTensor.Merge merge =
          tensor.work() instanceof PlannedTensor.Merge merged ? merged : null;
      tensors.add(
          new Tensor(
              tensor.name(),
              tensor.dtype().name(),
              tensor.shape(),
              tensor.source(),
              merge == null ? null : number(merge.method().toString(), methods),
              merge == null ? null : (Double) merge.scaling(),
              merge != null
                      && merge.lambda() instanceof Scaling.Found found
                      && found.measured().perTensor()
                  ? found.measured()
                  : null,
              merge == null ? null : (Double) outcome.norm(),
              outcome.nonFinite() > 0 ? (Long) outcome.nonFinite() : null));
    }
    Json.snakeCase()
        .writerWithDefaultPrettyPrinter()
        .writeValue(
            folder.resolve(FILE).toFile(),
            new Content(
                FORMAT,
                "optmerge " + version(),
                System.getProperty("java.runtime.version"),
                plan.method(),
                plan.recipe(),
                inputs,
                outputs,
                plan.coverage(),
                plan.notices(),
                PlanDescription.scalings(plan).stream().filter(it -> !it.perTensor()).toList(),
                methods.keySet(),
                tensors));
  }

  private static Integer number(String settings, Map<String, Integer> methods) {
    return methods.computeIfAbsent(settings, key -> methods.size());
  }

  /** The version of this library, or {@code development} if it does not run from its jar. */
  static String version() {
    String version = Provenance.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
