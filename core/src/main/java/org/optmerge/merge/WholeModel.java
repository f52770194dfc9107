package org.optmerge.merge;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.method.MergeMethod;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/** Shows methods the whole model before the first tensor is merged. */
final class WholeModel {
  private WholeModel() {}

  /** Every method of these tensors, once it has seen all that it will merge. */
  static Map<MergeMethod, MergeMethod> fit(List<PlannedTensor> tensors, TensorMerger merger) {
    List<PlannedTensor> byName = new ArrayList<>(tensors);
    byName.sort(Comparator.comparing(PlannedTensor::name));
    Map<MergeMethod, List<TaskVectorStream>> models = new LinkedHashMap<>();
    for (PlannedTensor tensor : byName) {
      // One that stands for another's parameter must not count twice.
      boolean own = tensor.parameter().equals(tensor.name());
      if (own && tensor.work() instanceof PlannedTensor.Merge merge) {
        models
            .computeIfAbsent(merge.method(), method -> new ArrayList<>())
            .add(new LazyStream(tensor, merge, merger));
      }
    }
    Map<MergeMethod, MergeMethod> fitted = new HashMap<>();
    models.forEach((method, streams) -> fitted.put(method, CheckedMethod.fit(method, streams)));
    return fitted;
  }

  /**
   * A tensor's inputs, opened anew for each pass, so that a whole model's adapter factors are never
   * held at once.
   */
  private static final class LazyStream extends TaskVectorStream {
    private final PlannedTensor tensor;
    private final PlannedTensor.Merge merge;
    private final TensorMerger merger;

    LazyStream(PlannedTensor tensor, PlannedTensor.Merge merge, TensorMerger merger) {
      super(tensor.parameter(), tensor.shape(), merge.inputs().size());
      this.tensor = tensor;
      this.merge = merge;
      this.merger = merger;
    }

    @Override
    public void visit(long from, long to, long alignment, Consumer<Block> action) {
      merger.stream(tensor, merge).visit(from, to, alignment, action);
    }
  }
}
