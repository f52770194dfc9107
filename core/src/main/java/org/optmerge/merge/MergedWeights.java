package org.optmerge.merge;

import ai.djl.ndarray.NDManager;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.merge.weights.WeightReader;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.scaling.Energies;
import org.optmerge.method.scaling.EnergyMeter;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;
import org.optmerge.taskvector.Weight;

/**
 * A merge in memory: nothing is written, and once it is made it gives the weights for any λ.
 *
 * <p>To search λ, or to ask what a merge can do before it is written. Task vectors of more than 128
 * MiB wait in a file without a name in the user's cache folder, and the base is read again for each
 * λ, so the plan stays open for as long as weights are asked for. What it gives for the plan's λ is
 * what {@link Merger} would write, bit for bit.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class MergedWeights {
  /** Most bytes of task vectors and base weights on the heap. */
  private static final long HEAP_BYTES = 256L << 20;

  /** One tensor: θ_0, if there is one, and the merged task vector, not yet scaled. */
  private record Merged(
      CheckedMethod method,
      @Nullable Supplier<float[]> base,
      KeptVectors.Kept merged,
      @Nullable Energies energies) {}

  private final MergePlan plan;
  private final Map<String, Merged> tensors;
  private final Map<String, Double> scalings = new HashMap<>();

  private MergedWeights(MergePlan plan, Map<String, Merged> tensors) {
    this.plan = plan;
    this.tensors = tensors;
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.work() instanceof PlannedTensor.Merge merge) {
        scalings.put(tensor.name(), merge.scaling());
      }
    }
  }

  /**
   * Merges all tensors that the plan merges; those that it copies from the base are left out.
   *
   * @throws MergeException if an input is not finite and the plan does not allow it, or a method
   *     fails or returns what is no merged tensor; the message names the tensor
   */
  public static MergedWeights of(MergePlan plan) {
    return of(plan, HEAP_BYTES);
  }

  /**
   * @param most bytes on the heap
   */
  static MergedWeights of(MergePlan plan, long most) {
    long values =
        plan.tensors().stream()
            .filter(tensor -> tensor.work() instanceof PlannedTensor.Merge)
            .mapToLong(PlannedTensor::size)
            .sum();
    KeptVectors kept = KeptVectors.of(Float.BYTES * values, most / 2);
    List<PlannedTensor> planned = plan.tensors();
    LongAdder bytesRead = new LongAdder();
    TensorMerger merger = new TensorMerger(plan, 0, bytesRead, Progress.NONE);
    Map<MergeMethod, MergeMethod> fitted = WholeModel.fit(planned, merger);
    Queue<DenseBuffers> buffers = new ConcurrentLinkedQueue<>();
    Map<String, Merged> tensors = new HashMap<>();
    Map<String, Supplier<Merged>> small = new LinkedHashMap<>();
    for (PlannedTensor tensor : planned) {
      if (tensor.work() instanceof PlannedTensor.Merge merge) {
        CheckedMethod method =
            merger.checked(tensor, fitted.getOrDefault(merge.method(), merge.method()));
        Supplier<Merged> work =
            () -> {
              DenseBuffers free = buffers.poll();
              DenseBuffers used = free == null ? new DenseBuffers() : free;
              Merged merged = merged(merge, method, merger, used, bytesRead, kept);
              buffers.add(used);
              return merged;
            };
        if (TensorMerger.isMergedOnOneThread(tensor)) {
          small.put(tensor.name(), work);
        } else {
          tensors.put(tensor.name(), work.get());
        }
      }
    }
    // As Merger does: on one thread of the engine each, which the last digits depend on.
    Iterator<Merged> done =
        EngineThreads.sideBySide(
                Runtime.getRuntime().availableProcessors(), List.copyOf(small.values()))
            .iterator();
    small.keySet().forEach(name -> tensors.put(name, done.next()));
    Map<String, Energies> energies = new HashMap<>();
    for (PlannedTensor tensor : planned) {
      Merged merged = tensors.get(tensor.name());
      if (merged != null && merged.energies != null) {
        energies.put(tensor.parameter(), merged.energies);
      }
    }
    return new MergedWeights(ScalingSearch.resolve(plan, energies), tensors);
  }

  private static Merged merged(
      PlannedTensor.Merge merge,
      CheckedMethod method,
      TensorMerger merger,
      DenseBuffers buffers,
      LongAdder bytesRead,
      KeptVectors kept) {
    PlannedTensor tensor = method.tensor();
    int size = Math.toIntExact(tensor.size());
    Weight weight = merge.base();
    Supplier<float[]> base = null;
    if (weight != null) {
      // Where there is no room for it, it is read again for each λ.
      Supplier<float[]> read = () -> read(weight, size, bytesRead);
      base = kept.isOnHeap() ? kept.keep(read.get())::values : read;
    }
    try (NDManager manager = NativeLibraries.newManager()) {
      TaskVectors tau = merger.taskVectors(tensor, merge, manager, buffers);
      TaskVector vector = method.merge(tau);
      float[] merged = new float[size];
      try (MergedValues.Stretch all = MergedValues.of(vector, manager).stretch(0, size)) {
        all.get(0, merged, size);
      }
      method.requireFinite(0, merged, size);
      Energies energies = null;
      if (merge.lambda() instanceof Scaling.Sought) {
        EnergyMeter meter = ScalingSearch.meter(tensor, merge);
        ScalingSearch.add(meter, method, tau, vector, manager);
        energies = meter.energies();
      }
      return new Merged(method, base, kept.keep(merged), energies);
    }
  }

  private static float[] read(Weight weight, int size, LongAdder bytesRead) {
    float[] values = new float[size];
    new WeightReader(weight, bytesRead).read(0, size, values);
    return values;
  }

  /** The names of the merged tensors. */
  public List<String> names() {
    return plan.mergedParameters();
  }

  /** The plan, with every λ that it sought. */
  public MergePlan plan() {
    return plan;
  }

  /** A merged tensor with the plan's own λ. */
  public float[] weights(String name) {
    tensor(name);
    return weights(name, scalings.getOrDefault(name, 1.0));
  }

  /**
   * A merged tensor, θ_0 + λ · τ_m, rounded to the type in which a file would hold it.
   *
   * @param scaling λ
   * @return a new array, row by row
   * @throws IllegalArgumentException if the plan does not merge such a tensor
   * @throws MergeException if the type cannot hold a value
   */
  public float[] weights(String name, double scaling) {
    Merged tensor = tensor(name);
    float[] values = tensor.merged.values();
    float[] base = tensor.base == null ? null : tensor.base.get();
    float lambda = (float) scaling;
    for (int i = 0; i < values.length; i++) {
      values[i] = base == null ? lambda * values[i] : base[i] + lambda * values[i];
    }
    FloatCodec.round(tensor.method.tensor().dtype(), values, 0, values.length);
    tensor.method.requireStorable(0, values, values.length);
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
