package org.optmerge.merge;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Progress;
import org.optmerge.base.Workers;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.StreamingMergeMethod;
import org.optmerge.method.scaling.Energies;
import org.optmerge.method.scaling.EnergyMeter;
import org.optmerge.method.scaling.MeasuredScaling;
import org.optmerge.method.scaling.ScalingRule;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * Finds the λ that a plan seeks: merges every tensor at λ = 1, takes the sizes of experts and
 * merge, and has the rules make λ of them.
 *
 * <p>Methods that stream are run once more for it; matrices that were merged may be kept, so that
 * they are merged once. A tensor is measured on one thread, and sums are taken in the order of the
 * names, so λ does not depend on the number of threads.
 */
public final class ScalingSearch {
  private final TensorMerger merger;
  private final Map<MergeMethod, MergeMethod> fitted;

  /**
   * @param fitted methods that have seen the whole model
   */
  ScalingSearch(TensorMerger merger, Map<MergeMethod, MergeMethod> fitted) {
    this.merger = merger;
    this.fitted = fitted;
  }

  /**
   * The plan with every λ known. Reads all inputs; writes nothing.
   *
   * @param plan stays open, and is the one to close
   * @param options of which threads and memory count
   * @throws MergeException if an input is not finite, a method fails or a rule finds no λ
   */
  public static MergePlan measured(MergePlan plan, MergeOptions options, Progress progress) {
    if (!plan.seeksScaling()) {
      return plan;
    }
    Merger.requireMemory(plan, options.memory());
    TensorMerger merger = new TensorMerger(plan, options.memory(), new LongAdder(), progress);
    Map<String, Energies> energies = new ConcurrentHashMap<>();
    try (Workers pool = Workers.forking(options.threads())) {
      ScalingSearch search =
          new ScalingSearch(merger, pool.call(() -> WholeModel.fit(plan.tensors(), merger)));
      new TensorSchedule(pool, options.threads(), options.memory())
          .run(
              sought(plan, name -> true),
              tensor -> tensor,
              tensor -> {
                energies.put(tensor.parameter(), search.measure(tensor, null).energies);
                return true;
              });
    }
    return resolve(plan, energies);
  }

  /**
   * The tensors to measure, each parameter once.
   *
   * @param wanted names of parameters that are not measured yet
   */
  static List<PlannedTensor> sought(MergePlan plan, Predicate<String> wanted) {
    Map<String, PlannedTensor> parameters = new TreeMap<>();
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.work() instanceof PlannedTensor.Merge merge
          && merge.lambda() instanceof Scaling.Sought
          && wanted.test(tensor.parameter())) {
        parameters.putIfAbsent(tensor.parameter(), tensor);
      }
    }
    return List.copyOf(parameters.values());
  }

  /**
   * The plan with the λ that the rules make of these sizes.
   *
   * @param energies by parameter
   * @throws MergeException if a rule finds no λ
   */
  static MergePlan resolve(MergePlan plan, Map<String, Energies> energies) {
    Map<Scaling.Sought, List<Energies>> together = new HashMap<>();
    for (PlannedTensor tensor : sought(plan, name -> true)) {
      Scaling.Sought sought = (Scaling.Sought) ((PlannedTensor.Merge) tensor.work()).lambda();
      together
          .computeIfAbsent(sought, key -> new ArrayList<>())
          .add(energies.getOrDefault(tensor.parameter(), Energies.NONE));
    }
    Map<Scaling.Sought, Scaling> found = new HashMap<>();
    together.forEach(
        (sought, sizes) -> {
          if (!sought.perTensor()) {
            found.put(sought, new Scaling.Found(scaling(sought.rule(), sizes, false, "the merge")));
          }
        });
    return plan.with(
        tensor -> {
          if (!(tensor.work() instanceof PlannedTensor.Merge merge)
              || !(merge.lambda() instanceof Scaling.Sought sought)) {
            return tensor;
          }
          Scaling scaling = found.get(sought);
          if (scaling == null) {
            Energies own = energies.getOrDefault(tensor.parameter(), Energies.NONE);
            scaling =
                new Scaling.Found(
                    scaling(
                        sought.rule(), List.of(own), true, "tensor '%s'".formatted(tensor.name())));
          }
          return tensor.with(scaling);
        });
  }

  private static MeasuredScaling scaling(
      ScalingRule rule, List<Energies> sizes, boolean perTensor, String of) {
    try {
      return rule.scaling(sizes, perTensor);
    } catch (IllegalArgumentException e) {
      throw new MergeException("%s: %s".formatted(of, e.getMessage()), e);
    }
  }

  /**
   * What was found of one tensor.
   *
   * @param kept its merged task vector, if it was to be kept and its method takes matrices
   */
  record Measured(Energies energies, KeptVectors.@Nullable Kept kept) {}

  /**
   * Merges a tensor at λ = 1 and takes its sizes.
   *
   * @param keep takes a merged matrix; null: it is not kept
   */
  Measured measure(PlannedTensor tensor, @Nullable KeptVectors keep) {
    PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
    if (merge.isUnchanged()) {
      return new Measured(Energies.NONE, null);
    }
    CheckedMethod checked =
        merger.checked(tensor, fitted.getOrDefault(merge.method(), merge.method()));
    EnergyMeter meter = meter(tensor, merge);
    KeptVectors.Kept kept = null;
    if (checked.method() instanceof StreamingMergeMethod streaming) {
      stream(tensor, merge, checked, streaming, meter);
    } else {
      kept =
          merger.withMatrices(
              tensor,
              merge,
              (tau, manager) -> {
                TaskVector merged = checked.merge(tau);
                add(meter, checked, tau, merged, manager);
                return keep == null
                    ? null
                    : keep.keep(MergedValues.of(merged, manager), tensor.size());
              });
    }
    return new Measured(meter.energies(), kept);
  }

  /** A meter for a tensor that has seen nothing. */
  static EnergyMeter meter(PlannedTensor tensor, PlannedTensor.Merge merge) {
    return new EnergyMeter(
        tensor.parameter(),
        tensor.shape(),
        merge.inputs().size(),
        merge.lambda() instanceof Scaling.Sought sought && sought.rule() == ScalingRule.SPECTRAL);
  }

  private void stream(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      CheckedMethod checked,
      StreamingMergeMethod method,
      EnergyMeter meter) {
    PlannedStream stream = merger.stream(tensor, merge);
    long alignment = method.alignment(tensor.shape());
    int blockLength = PlannedStream.blockLength(alignment);
    stream.keepBlocks(blockLength);
    try {
      StreamingMergeMethod.BlockMerge blockMerge = checked.prepare(method, stream);
      stream.keepNoMore();
      float[] merged = new float[blockLength];
      stream.visit(
          0,
          stream.size(),
          alignment,
          block -> {
            blockMerge.merge(block, merged);
            checked.requireFinite(block.start(), merged, block.length());
            meter.add(block.start(), block.length(), block.tau(), merged);
          });
    } finally {
      stream.releaseBlocks();
    }
  }

  /** Adds whole matrices; what is factored stays so. */
  static void add(
      EnergyMeter meter,
      CheckedMethod checked,
      TaskVectors tau,
      TaskVector merged,
      NDManager manager) {
    int count = tau.count();
    MergedValues[] dense = new MergedValues[count + 1];
    for (int t = 0; t <= count; t++) {
      TaskVector vector = t < count ? tau.vectors().get(t) : merged;
      if (vector instanceof TaskVector.LowRank factors) {
        meter.addFactors(t, floats(factors.b()), floats(factors.a()), factors.scale());
      } else {
        dense[t] = MergedValues.of(vector, manager);
      }
    }
    long size = checked.tensor().size();
    float[][] buffers = new float[count + 1][];
    for (long at = 0; at < size; at += TensorMerger.BLOCK) {
      int length = (int) Math.min(TensorMerger.BLOCK, size - at);
      float[][] block = new float[count][];
      for (int t = 0; t <= count; t++) {
        if (dense[t] != null) {
          buffers[t] = buffers[t] == null ? new float[TensorMerger.BLOCK] : buffers[t];
          try (MergedValues.Stretch stretch = dense[t].stretch(at, at + length)) {
            stretch.get(at, buffers[t], length);
          }
          if (t < count) {
            block[t] = buffers[t];
          }
        }
      }
      if (dense[count] != null) {
        checked.requireFinite(at, buffers[count], length);
      }
      meter.add(at, length, block, buffers[count]);
    }
  }

  private static float[] floats(NDArray array) {
    try (NDArray narrow = array.toType(DataType.FLOAT32, true)) {
      return narrow.toFloatArray();
    }
  }
}
