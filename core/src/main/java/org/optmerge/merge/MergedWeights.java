package org.optmerge.merge;

import ai.djl.ndarray.NDManager;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.WeightReader;
import org.optmerge.method.MergeMethod;
import org.optmerge.taskvector.TaskVector;

/**
 * A merge in memory: nothing is written, and once it is made it gives the weights for any λ.
 *
 * <p>For models that fit into memory with room to spare, to search λ or to ask what a merge can do
 * before it is written. What it gives for the plan's λ is what {@link Merger} would write, bit for
 * bit.
 */
public final class MergedWeights {
  /** One tensor: θ_0, if there is one, and the merged task vector, not yet scaled. */
  private record Merged(DType dtype, float @Nullable [] base, float[] merged, double scaling) {}

  private static final Merged NONE = new Merged(DType.F32, null, new float[0], 0);

  private final Map<String, Merged> tensors;

  private MergedWeights(Map<String, Merged> tensors) {
    this.tensors = tensors;
  }

  /**
   * Merges all tensors that the plan merges; those that it copies from the base are left out.
   *
   * @throws MergeException if an input is not finite, or a method fails; the message names the
   *     tensor
   */
  public static MergedWeights of(MergePlan plan) {
    List<PlannedTensor> planned =
        plan.shards().stream().flatMap(shard -> shard.tensors().stream()).toList();
    LongAdder bytesRead = new LongAdder();
    TensorMerger merger =
        new TensorMerger(false, ScratchPool.of(plan, 0), bytesRead, Progress.NONE);
    Map<MergeMethod, MergeMethod> fitted = WholeModel.fit(planned, merger);
    Queue<DenseBuffers> buffers = new ConcurrentLinkedQueue<>();
    Map<String, Merged> tensors = new LinkedHashMap<>();
    List<Supplier<Merged>> small = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (PlannedTensor tensor : planned) {
      if (tensor.work() instanceof PlannedTensor.Merge merge) {
        MergeMethod method = fitted.getOrDefault(merge.method(), merge.method());
        Supplier<Merged> work =
            () -> {
              DenseBuffers free = buffers.poll();
              DenseBuffers used = free == null ? new DenseBuffers() : free;
              Merged merged = merged(tensor, merge, method, merger, used, bytesRead);
              buffers.add(used);
              return merged;
            };
        if (TensorMerger.isMergedOnOneThread(tensor)) {
          tensors.put(tensor.name(), NONE); // keeps its place
          names.add(tensor.name());
          small.add(work);
        } else {
          tensors.put(tensor.name(), work.get());
        }
      }
    }
    // As Merger does: on one thread of the engine each, which the last digits depend on.
    List<Merged> done = EngineThreads.sideBySide(Runtime.getRuntime().availableProcessors(), small);
    for (int i = 0; i < done.size(); i++) {
      tensors.put(names.get(i), done.get(i));
    }
    return new MergedWeights(tensors);
  }

  private static Merged merged(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      MergeMethod method,
      TensorMerger merger,
      DenseBuffers buffers,
      LongAdder bytesRead) {
    int size = Math.toIntExact(tensor.size());
    float[] base = null;
    if (merge.base() != null) {
      base = new float[size];
      new WeightReader(merge.base(), bytesRead).read(0, size, base);
    }
    try (NDManager manager = NDManager.newBaseManager()) {
      TaskVector vector = method.mergeFactored(merger.taskVectors(tensor, merge, manager, buffers));
      float[] merged = new float[size];
      try (MergedValues.Stretch all = MergedValues.of(vector).stretch(0, size)) {
        all.get(0, merged, size);
      }
      return new Merged(tensor.dtype(), base, merged, merge.scaling());
    }
  }

  /** The names of the merged tensors. */
  public List<String> names() {
    return new ArrayList<>(tensors.keySet());
  }

  /** A merged tensor with the plan's own λ. */
  public float[] weights(String name) {
    return weights(name, tensor(name).scaling);
  }

  /**
   * A merged tensor, θ_0 + λ · τ_m, rounded to the type in which a file would hold it.
   *
   * @param scaling λ
   * @return a new array, row by row
   * @throws IllegalArgumentException if the plan does not merge such a tensor
   */
  public float[] weights(String name, double scaling) {
    Merged tensor = tensor(name);
    float[] values = tensor.merged.clone();
    float lambda = (float) scaling;
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.base == null ? lambda * values[i] : tensor.base[i] + lambda * values[i];
    }
    ByteBuffer stored =
        ByteBuffer.allocate(Math.multiplyExact(values.length, tensor.dtype.bytes()));
    FloatCodec.narrow(tensor.dtype, values, 0, values.length, stored);
    FloatCodec.widen(tensor.dtype, stored, values, 0, values.length);
    return values;
  }

  private Merged tensor(String name) {
    Merged tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("the plan merges no tensor '%s'".formatted(name));
    }
    return tensor;
  }
}
