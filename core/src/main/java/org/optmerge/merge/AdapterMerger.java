package org.optmerge.merge;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.optmerge.base.FileErrors;
import org.optmerge.base.Progress;
import org.optmerge.base.Workers;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapterWriter;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.LowRankApproximation;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.method.MergeMethod;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.Weight;

/**
 * Carries out a {@link MergePlan} whose result is an adapter: B · A ≈ λ · τ for every matrix,
 * instead of a checkpoint.
 *
 * <p>Merged adapters are exact where the rank permits: the sum of the experts' ranks is enough for
 * every method that keeps them factored. Otherwise the best approximation of the rank is written
 * and its error stated. One matrix is in memory at a time.
 */
public final class AdapterMerger {
  /**
   * One matrix of the adapter.
   *
   * @param tensor its name in the base
   * @param relativeError ‖λτ − B·A‖ / ‖λτ‖ before the factors are rounded to float32; 0 where λτ is
   *     zero
   */
  public record Layer(String tensor, double relativeError) {}

  /**
   * The adapter that was made.
   *
   * @param folder of the adapter
   * @param rank of every matrix
   * @param bytes of the adapter's tensors
   * @param layers one element for each matrix, in the base's order
   */
  public record Result(Path folder, int rank, long bytes, List<Layer> layers) {
    public Result {
      layers = List.copyOf(layers);
    }

    /** The largest relative error of any matrix. */
    public double largestError() {
      return layers.stream().mapToDouble(Layer::relativeError).max().orElse(0);
    }
  }

  /** The relative error up to which a result counts as exact. */
  private static final double ROUNDING = 1e-6;

  private final MergePlan plan;
  private final MergeOptions options;
  private final TensorMerger tensorMerger;
  private final DenseBuffers buffers = new DenseBuffers();

  private AdapterMerger(MergePlan plan, MergeOptions options, TensorMerger tensorMerger) {
    this.plan = plan;
    this.options = options;
    this.tensorMerger = tensorMerger;
  }

  /**
   * Merges into an adapter. A λ that the plan seeks is found first, by merging twice.
   *
   * @param planned the plan; stays open
   * @param rank of every matrix; 0: as much as an exact result needs
   * @param out the folder to make; absent or empty
   * @throws MergeException if something that an adapter cannot hold would change, an exact result
   *     was asked for and cannot be had, a value is not finite, or the folder cannot be written
   * @throws CheckpointException if an input cannot be read
   */
  public static Result run(
      MergePlan planned, int rank, Path out, MergeOptions options, Progress progress) {
    if (rank < 0) {
      throw new IllegalArgumentException("rank must not be negative, is " + rank);
    }
    MergePlan plan = ScalingSearch.measured(planned, options, progress);
    TensorMerger tensorMerger = new TensorMerger(plan, options.memory(), new LongAdder(), progress);
    try {
      LoraAdapterWriter.requireFree(out);
      return new AdapterMerger(plan, options, tensorMerger).run(rank, out, progress);
    } catch (IOException e) {
      throw new MergeException("cannot write %s: %s".formatted(out, FileErrors.reason(e)), e);
    }
  }

  private Result run(int wanted, Path out, Progress progress) throws IOException {
    List<PlannedTensor> changed = changed();
    int rank = wanted > 0 ? wanted : exactRank(changed);
    List<LoraAdapterWriter.Matrix> matrices =
        changed.stream()
            .map(it -> new LoraAdapterWriter.Matrix(it.name(), it.shape(), DType.F32))
            .toList();
    progress.started(
        "merging", changed.stream().mapToLong(PlannedTensor::bytes).sum(), Progress.BYTES);
    progress.parts(changed.size(), "tensors");
    List<Layer> layers = new ArrayList<>();
    try (Workers pool = Workers.forking(options.threads());
        LoraAdapterWriter adapter =
            LoraAdapterWriter.create(out, plan.donor().folder(), rank, matrices, List.of())) {
      Map<MergeMethod, MergeMethod> fitted = pool.call(() -> WholeModel.fit(changed, tensorMerger));
      for (int i = 0; i < changed.size(); i++) {
        PlannedTensor tensor = changed.get(i);
        LoraAdapterWriter.Matrix matrix = matrices.get(i);
        Layer layer = pool.call(() -> merge(tensor, matrix, fitted, adapter));
        if (wanted == 0 && layer.relativeError() > ROUNDING) {
          throw new MergeException(
              String.format(
                  Locale.ROOT,
                  "tensor '%s': %s gives a result of more than rank %d, %.2g of it would be lost;"
                      + " give a rank to accept that, or write a checkpoint",
                  tensor.name(),
                  plan.method(),
                  rank,
                  layer.relativeError()));
        }
        layers.add(layer);
        progress.advanced(tensor.bytes());
        progress.finishedPart(tensor.name());
      }
      long bytes = adapter.bytes();
      Path folder = adapter.publish();
      progress.finished();
      return new Result(folder, rank, bytes, layers);
    }
  }

  /** The matrices that any expert changes; everything else must stay as the base has it. */
  private List<PlannedTensor> changed() {
    List<PlannedTensor> changed = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.work() instanceof PlannedTensor.Copy copy) {
        if (copy.from().checkpoint() != plan.donor()) {
          problems.add("tensor '%s' is not the base's".formatted(tensor.name()));
        }
      } else if (tensor.work() instanceof PlannedTensor.Merge merge && !merge.isUnchanged()) {
        if (merge.base() == null) {
          problems.add(
              "tensor '%s': %s merges weights, not task vectors"
                  .formatted(tensor.name(), plan.method()));
        } else if (!LoraAdapterWriter.holds(tensor.name(), tensor.shape())) {
          problems.add(
              "tensor '%s' %s is no matrix of a linear layer"
                  .formatted(tensor.name(), tensor.shape()));
        } else {
          requireMemory(tensor);
          changed.add(tensor);
        }
      }
    }
    if (!problems.isEmpty()) {
      throw new MergeException(
          "an adapter cannot hold this merge: %s%s; exclude such tensors, or write a checkpoint"
              .formatted(
                  problems.get(0),
                  problems.size() > 1 ? " (and %d more)".formatted(problems.size() - 1) : ""));
    }
    if (changed.isEmpty()) {
      throw new MergeException(
          "no expert changes any matrix that is merged; there is no adapter to write");
    }
    return changed;
  }

  private void requireMemory(PlannedTensor tensor) {
    if (TensorMerger.matrixBytes(tensor) > options.memory()) {
      throw new MergeException(
          String.format(
              Locale.ROOT,
              "tensor '%s' %s needs about %,d bytes, the memory budget is %,d; raise --memory",
              tensor.name(),
              tensor.shape(),
              TensorMerger.matrixBytes(tensor),
              options.memory()));
    }
  }

  /** The sum of the experts' ranks, where every expert is an adapter or the base itself. */
  private static int exactRank(List<PlannedTensor> changed) {
    int exact = 1;
    for (PlannedTensor tensor : changed) {
      PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
      long sum = 0;
      for (Weight input : merge.inputs()) {
        if (input instanceof Weight.Adapted adapted) {
          sum += adapted.delta().rank();
        } else if (!input.equals(merge.base())) {
          throw new MergeException(
              "tensor '%s': %s is no adapter, so an exact result may need any rank; give one"
                  .formatted(tensor.name(), input.describe()));
        }
      }
      long full = Math.min(tensor.shape().get(0), tensor.shape().get(1));
      exact = (int) Math.max(exact, Math.min(sum, full));
    }
    return exact;
  }

  private Layer merge(
      PlannedTensor tensor,
      LoraAdapterWriter.Matrix matrix,
      Map<MergeMethod, MergeMethod> fitted,
      LoraAdapterWriter adapter) {
    PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
    try (NDManager manager = NativeLibraries.newManager()) {
      CheckedMethod method =
          tensorMerger.checked(tensor, fitted.getOrDefault(merge.method(), merge.method()));
      TaskVector merged = method.merge(tensorMerger.taskVectors(tensor, merge, manager, buffers));
      requireFinite(method, MergedValues.of(merged, manager));
      int rows = Math.toIntExact(tensor.shape().get(0));
      int columns = Math.toIntExact(tensor.shape().get(1));
      int rank = Math.min(adapter.rank(), Math.min(rows, columns));
      LowRankApproximation approximation = LowRankApproximation.of(merged, rank);
      TaskVector.LowRank factors = approximation.factors();
      float[] b =
          padColumns(
              floats(factors.b().mul(factors.scale() * merge.scaling())),
              rows,
              rank,
              adapter.rank());
      float[] a = Arrays.copyOf(floats(factors.a()), adapter.rank() * columns);
      adapter.write(matrix, b, a);
      return new Layer(tensor.name(), approximation.relativeError());
    } catch (LinearAlgebraException e) {
      throw e.at(tensor.name());
    }
  }

  private static void requireFinite(CheckedMethod method, MergedValues values) {
    float[] block = new float[TensorMerger.BLOCK];
    long size = method.tensor().size();
    for (long at = 0; at < size; at += block.length) {
      int length = (int) Math.min(block.length, size - at);
      try (MergedValues.Stretch stretch = values.stretch(at, at + length)) {
        stretch.get(at, block, length);
      }
      method.requireFinite(at, block, length);
    }
  }

  private static float[] floats(NDArray array) {
    return array.toType(DataType.FLOAT32, false).toFloatArray();
  }

  private static float[] padColumns(float[] matrix, int rows, int columns, int wanted) {
    if (columns == wanted) {
      return matrix;
    }
    float[] padded = new float[rows * wanted];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(matrix, row * columns, padded, row * wanted, columns);
    }
    return padded;
  }
}
