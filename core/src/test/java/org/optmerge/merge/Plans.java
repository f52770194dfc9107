package org.optmerge.merge;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.StreamingMergeMethod;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.Weight;

/** Plans made by hand, so that the executor is tested apart from recipes. */
final class Plans {
  private Plans() {}

  /** The sum of the task vectors. */
  record Sum() implements StreamingMergeMethod {
    @Override
    public BlockMerge prepare(TaskVectorStream tau) {
      return (block, merged) -> {
        for (int i = 0; i < block.length(); i++) {
          float sum = 0;
          for (int t = 0; t < block.tau().length; t++) {
            sum += block.tau()[t][i];
          }
          merged[i] = sum;
        }
      };
    }
  }

  /**
   * The sum of the task vectors, divided by their common Frobenius norm: needs a pass for
   * statistics.
   */
  record NormalisedSum() implements StreamingMergeMethod {
    @Override
    public BlockMerge prepare(TaskVectorStream tau) {
      double[] squares =
          tau.reduce(
              () -> new double[1],
              (total, block) -> {
                for (float[] one : block.tau()) {
                  for (int i = 0; i < block.length(); i++) {
                    total[0] += (double) one[i] * one[i];
                  }
                }
              },
              (left, right) -> new double[] {left[0] + right[0]});
      float factor = (float) (1 / Math.sqrt(squares[0]));
      return (block, merged) -> {
        new Sum().prepare(tau).merge(block, merged);
        for (int i = 0; i < block.length(); i++) {
          merged[i] *= factor;
        }
      };
    }
  }

  /**
   * Merges every tensor of the base that the experts have too, by one method; copies the others.
   */
  static MergePlan of(Path base, List<Path> experts, MergeMethod method, double scaling) {
    return of(base, experts, method, scaling, null);
  }

  static MergePlan of(
      Path base,
      List<Path> experts,
      MergeMethod method,
      double scaling,
      @Nullable DType outputType) {
    Checkpoint donor = Checkpoint.open(base);
    Map<String, Path> models = new LinkedHashMap<>();
    models.put("base", base);
    List<Checkpoint> opened = new ArrayList<>();
    for (int t = 0; t < experts.size(); t++) {
      models.put("expert" + (t + 1), experts.get(t));
      opened.add(Checkpoint.open(experts.get(t)));
    }
    Map<String, List<PlannedTensor>> byFile = new LinkedHashMap<>();
    for (TensorInfo tensor : donor.tensors()) {
      Weight.Stored stored = new Weight.Stored(donor, tensor);
      boolean everywhere = opened.stream().allMatch(it -> it.find(tensor.name()).isPresent());
      PlannedTensor.Work work =
          everywhere && tensor.dtype().isFloating()
              ? new PlannedTensor.Merge(
                  method,
                  stored,
                  opened.stream()
                      .map(
                          it ->
                              (Weight) new Weight.Stored(it, it.find(tensor.name()).orElseThrow()))
                      .toList(),
                  scaling,
                  null,
                  null)
              : new PlannedTensor.Copy(stored);
      DType dtype = outputType != null && tensor.dtype().isFloating() ? outputType : tensor.dtype();
      byFile
          .computeIfAbsent(tensor.file().getFileName().toString(), file -> new ArrayList<>())
          .add(new PlannedTensor(tensor.name(), dtype, tensor.shape(), work, "test"));
    }
    List<MergePlan.OutputShard> shards = new ArrayList<>();
    byFile.forEach(
        (file, tensors) ->
            shards.add(new MergePlan.OutputShard(file, tensors, Map.of("format", "pt"))));
    return new MergePlan(
        "sum",
        new ObjectMapper().createObjectNode().put("merge_method", "sum"),
        models,
        donor,
        shards,
        donor.otherFiles(),
        Map.of(),
        new Coverage(List.of()),
        List.of(),
        List.of(),
        false);
  }

  static MergePlan allowingNonFinite(MergePlan plan) {
    return new MergePlan(
        plan.method(),
        plan.recipe(),
        plan.models(),
        plan.donor(),
        plan.shards(),
        plan.files(),
        plan.rewritten(),
        plan.coverage(),
        plan.notices(),
        plan.warnings(),
        true);
  }
}
