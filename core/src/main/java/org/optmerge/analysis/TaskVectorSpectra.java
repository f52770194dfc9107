package org.optmerge.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.analysis.TaskVectorDiagnostics.Merged;
import org.optmerge.analysis.TaskVectorStatistics.Omission;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.merge.weights.NonFinite;
import org.optmerge.merge.weights.WeightReader;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;
import org.optmerge.taskvector.Weight;

/**
 * The singular value decompositions of experts' task vectors in numbers, matrix by matrix and on
 * the whole, and how much a merge of them interferes with each.
 *
 * <p>One matrix of every model is in memory at a time; adapters stay factors. A matrix that an
 * expert lacks counts as unchanged there; those that no expert changed are left out.
 *
 * @param experts names of the experts, in the order of the lists below
 * @param matrices one element for each matrix that was decomposed, in the base's order
 * @param omissions matrices that were selected and not decomposed
 */
@API(status = API.Status.EXPERIMENTAL)
public record TaskVectorSpectra(
    List<String> experts, List<Matrix> matrices, List<Omission> omissions) {
  private static final MergeMethod MEAN = MergeMethods.named("weight-average").method();
  private static final MergeMethod SUM = MergeMethods.named("task-arithmetic").method();

  /** Entries that one array can have. */
  private static final int LARGEST = Integer.MAX_VALUE / Float.BYTES;

  public TaskVectorSpectra {
    experts = List.copyOf(experts);
    matrices = List.copyOf(matrices);
    omissions = List.copyOf(omissions);
  }

  /**
   * One matrix.
   *
   * @param shape rows and columns
   * @param diagnostics of the experts' task vectors
   * @param merge of them; empty if none was given or it lacks the matrix
   */
  public record Matrix(
      List<Long> shape, TaskVectorDiagnostics diagnostics, Optional<Comparison> merge) {
    public Matrix {
      shape = List.copyOf(shape);
    }

    /** Its name in the base. */
    public String name() {
      return diagnostics.parameter();
    }

    /** min(m, n), the largest rank there can be. */
    public long smallerSide() {
      return Math.min(shape.get(0), shape.get(1));
    }

    /** The largest overlap of two experts; 0 for one expert. */
    public double largestOverlap() {
      double largest = 0;
      for (int s = 0; s < diagnostics.norms().size(); s++) {
        for (int t = 0; t < s; t++) {
          largest = Math.max(largest, diagnostics.overlaps().get(s).get(t));
        }
      }
      return largest;
    }
  }

  /**
   * A merge beside the two that need no method.
   *
   * @param merged what was made of the task vectors, with its λ
   * @param mean their mean
   * @param sum their sum, λ = 1
   */
  public record Comparison(Merged merged, Merged mean, Merged sum) {
    /** ‖τ_m − τ̄‖_F, also where the mean is zero. */
    public double distance() {
      return mean.norm() == 0 ? merged.norm() : merged.distanceFromMean() * mean.norm();
    }
  }

  /**
   * The whole model.
   *
   * @param interference equation 1 of the merged vector, summed over matrices
   * @param interferenceOfMean of the mean
   * @param interferenceOfSum of the sum
   * @param distanceFromMean ‖τ_m − τ̄‖ / ‖τ̄‖ over all matrices; NaN if the mean is zero
   */
  public record Total(
      double interference,
      double interferenceOfMean,
      double interferenceOfSum,
      double distanceFromMean) {}

  /** The mean effective rank of the matrices that an expert changed; NaN if there are none. */
  public double effectiveRank(int expert) {
    return mean(expert, expert, matrix -> matrix.diagnostics().effectiveRanks().get(expert));
  }

  /** The mean of the effective ranks' shares of min(m, n); NaN if the expert changed none. */
  public double effectiveRankShare(int expert) {
    return mean(
        expert,
        expert,
        matrix -> matrix.diagnostics().effectiveRanks().get(expert) / matrix.smallerSide());
  }

  /** The mean overlap of the matrices that both experts changed; NaN if there are none. */
  public double overlap(int expert, int other) {
    return mean(expert, other, matrix -> matrix.diagnostics().overlaps().get(expert).get(other));
  }

  private double mean(int expert, int other, ToDoubleFunction<Matrix> value) {
    return matrices.stream()
        .filter(matrix -> matrix.diagnostics().norms().get(expert) > 0)
        .filter(matrix -> matrix.diagnostics().norms().get(other) > 0)
        .mapToDouble(value)
        .average()
        .orElse(Double.NaN);
  }

  /** Over all matrices that were merged; empty if there are none. */
  public Optional<Total> total() {
    List<Comparison> merges = matrices.stream().flatMap(matrix -> matrix.merge().stream()).toList();
    if (merges.isEmpty()) {
      return Optional.empty();
    }
    double distance = rootOfSquares(merges, Comparison::distance);
    double mean = rootOfSquares(merges, merge -> merge.mean().norm());
    return Optional.of(
        new Total(
            merges.stream().mapToDouble(merge -> merge.merged().totalInterference()).sum(),
            merges.stream().mapToDouble(merge -> merge.mean().totalInterference()).sum(),
            merges.stream().mapToDouble(merge -> merge.sum().totalInterference()).sum(),
            mean == 0 ? Double.NaN : distance / mean));
  }

  private static double rootOfSquares(List<Comparison> merges, ToDoubleFunction<Comparison> value) {
    return Math.sqrt(merges.stream().mapToDouble(value).map(x -> x * x).sum());
  }

  /**
   * Decomposes the matrices of experts' task vectors.
   *
   * @param base folder of θ_0
   * @param experts folders of θ_1 … θ_T by name, or of adapters for the base; the map's order
   *     counts
   * @param merged folder of a merge of them, or of an adapter; null: only the experts
   * @param selected which matrices to decompose, by name
   * @param progress is told of bytes of the base and of matrices done
   * @throws CheckpointException if a model cannot be read, or an adapter does not fit the base
   * @throws LinearAlgebraException if a decomposition fails; the message names the matrix
   * @throws CancellationException if the calling thread is interrupted
   */
  public static TaskVectorSpectra of(
      Path base,
      Map<String, Path> experts,
      @Nullable Path merged,
      Predicate<String> selected,
      Progress progress) {
    if (experts.isEmpty()) {
      throw new IllegalArgumentException("task vector spectra need at least one expert");
    }
    List<Checkpoint> opened = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(base)) {
      InputModel under = new InputModel("base", checkpoint);
      Map<String, InputModel> models = new LinkedHashMap<>();
      experts.forEach(
          (name, folder) ->
              models.put(name, TaskVectorStatistics.open(name, folder, under, opened)));
      InputModel result =
          merged == null ? null : TaskVectorStatistics.open("merged", merged, under, opened);
      return new Decomposition(checkpoint, List.copyOf(models.values()), result)
          .run(selected, progress);
    } catch (CheckpointException e) {
      if (Thread.currentThread().isInterrupted()) { // which closes the file being read
        throw (CancellationException) new CancellationException("interrupted").initCause(e);
      }
      throw e;
    } finally {
      opened.forEach(Checkpoint::close);
    }
  }

  /** Goes through the matrices of open models. */
  private static final class Decomposition {
    private final Checkpoint base;
    private final List<InputModel> experts;
    private final @Nullable InputModel merged;
    private final List<Omission> omissions = new ArrayList<>();
    private final LongAdder read =
        new LongAdder(); // asked for by readers; progress counts matrices

    Decomposition(Checkpoint base, List<InputModel> experts, @Nullable InputModel merged) {
      this.base = base;
      this.experts = experts;
      this.merged = merged;
    }

    TaskVectorSpectra run(Predicate<String> selected, Progress progress) {
      List<TensorInfo> tensors =
          base.tensors().stream()
              .filter(tensor -> tensor.shape().size() == 2 && tensor.size() > 0)
              .filter(tensor -> tensor.dtype().isFloating() && selected.test(tensor.name()))
              .toList();
      progress.started(
          "decomposing", tensors.stream().mapToLong(TensorInfo::bytes).sum(), Progress.BYTES);
      progress.parts(tensors.size(), "tensors");
      List<Matrix> matrices = new ArrayList<>();
      for (TensorInfo tensor : tensors) {
        if (Thread.currentThread().isInterrupted()) {
          throw new CancellationException("interrupted");
        }
        decompose(tensor).ifPresent(matrices::add);
        progress.advanced(tensor.bytes());
        progress.finishedPart(tensor.name());
      }
      progress.finished();
      return new TaskVectorSpectra(
          experts.stream().map(InputModel::name).toList(), matrices, omissions);
    }

    private Optional<Matrix> decompose(TensorInfo tensor) {
      if (tensor.size() > LARGEST) {
        omissions.add(
            new Omission("base", tensor.name(), "has more than %d entries".formatted(LARGEST)));
        return Optional.empty();
      }
      int size = Math.toIntExact(tensor.size());
      Weight.Stored origin = new Weight.Stored(base, tensor);
      float[] theta0 = new float[size];
      new WeightReader(origin, read).read(0, size, theta0);
      float[] tau = new float[size];
      try (NDManager manager = NativeLibraries.newManager()) {
        List<TaskVector> vectors = new ArrayList<>();
        boolean changed = false;
        for (InputModel expert : experts) {
          Optional<TaskVector> vector = taskVector(expert, origin, theta0, tau, manager);
          if (vector.isEmpty()) {
            return Optional.empty();
          }
          changed |= vector.get() instanceof TaskVector.LowRank || changes(tau);
          vectors.add(vector.get());
        }
        if (!changed) {
          return Optional.empty();
        }
        TaskVectors all = new TaskVectors(tensor.name(), vectors);
        return Optional.of(
            new Matrix(
                tensor.shape(),
                TaskVectorDiagnostics.of(all),
                merged == null ? Optional.empty() : compare(all, origin, theta0, tau, manager)));
      }
    }

    private Optional<Comparison> compare(
        TaskVectors all, Weight.Stored origin, float[] theta0, float[] tau, NDManager manager) {
      InputModel model = Objects.requireNonNull(merged);
      if (model.weight(all.parameter()).isEmpty()) {
        omissions.add(new Omission(model.name(), all.parameter(), "missing"));
        return Optional.empty();
      }
      return taskVector(model, origin, theta0, tau, manager)
          .map(
              vector -> {
                try (NDArray mean = MEAN.merge(all);
                    NDArray sum = SUM.merge(all)) {
                  return new Comparison(
                      TaskVectorDiagnostics.ofMerged(all, vector.dense()),
                      TaskVectorDiagnostics.ofMerged(all, mean),
                      TaskVectorDiagnostics.ofMerged(all, sum));
                }
              });
    }

    /**
     * θ − θ_0 of one model: factors if it is an adapter over the base; zero if it lacks the matrix.
     * Leaves what it read in {@code tau}. Empty, with an omission noted, if it cannot be used.
     */
    private Optional<TaskVector> taskVector(
        InputModel model, Weight.Stored origin, float[] theta0, float[] tau, NDManager manager) {
      TensorInfo tensor = origin.tensor();
      Shape shape = new Shape(tensor.shape());
      Arrays.fill(tau, 0f);
      Optional<Weight> weight = model.weight(tensor.name());
      if (weight.isPresent()) {
        Optional<String> obstacle = TaskVectorStatistics.obstacle(tensor, weight.get());
        if (obstacle.isPresent()) {
          omissions.add(new Omission(model.name(), tensor.name(), obstacle.get()));
          return Optional.empty();
        }
        WeightReader reader = new WeightReader(weight.get(), read);
        if (reader.isAdaptedFrom(origin)) {
          TaskVector.LowRank factors = reader.factors(manager);
          if (factors != null) {
            return Optional.of(factors);
          }
        }
        reader.readTaskVector(0, tau.length, theta0, origin, tau);
        if (NonFinite.firstIn(tau, tau.length) >= 0) {
          omissions.add(
              new Omission(model.name(), tensor.name(), "NaN or infinite in it or in the base"));
          return Optional.empty();
        }
      }
      return Optional.of(new TaskVector.Dense(manager.create(tau, shape)));
    }

    private static boolean changes(float[] tau) {
      for (float value : tau) {
        if (value != 0) {
          return true;
        }
      }
      return false;
    }
  }
}
