package org.optmerge.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.apiguardian.api.API;
import org.optmerge.base.FileErrors;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.LoraAdapterWriter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.linalg.Svd;
import org.optmerge.merge.MergeException;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.merge.weights.WeightReader;
import org.optmerge.taskvector.Weight;

/**
 * Makes a LoRA adapter from a full fine-tune: for each matrix the best approximation of its task
 * vector of a given rank, τ ≈ B · A.
 *
 * <p>One matrix is in memory at a time. Both factors get the square roots of the singular values,
 * so that neither loses more than the other when it is rounded; the scale α/r is 1.
 *
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al., LoRA, ICLR 2022</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public final class LoraExtraction {
  /**
   * One matrix of the adapter.
   *
   * @param tensor its name in the base
   * @param shape (m, n)
   * @param rank of the approximation: the one asked for, less if τ has less
   * @param norm ‖τ‖, Frobenius
   * @param error ‖τ − B·A‖ with the factors as stored
   */
  public record Layer(String tensor, List<Long> shape, int rank, double norm, double error) {
    public Layer {
      shape = List.copyOf(shape);
    }

    /** ‖τ − B·A‖ / ‖τ‖. */
    public double relativeError() {
      return error / norm;
    }
  }

  /**
   * The adapter that was made.
   *
   * @param folder of the adapter
   * @param layers one element for each matrix, in the base's order
   * @param saved tensors that the adapter holds whole
   * @param lost tensors that the fine-tune changed, resized or added and the adapter leaves as the
   *     base has them
   * @param lostNorm Frobenius norm of what it changed in them
   * @param bytes of the adapter's tensors
   */
  public record Result(
      Path folder,
      List<Layer> layers,
      List<String> saved,
      List<String> lost,
      double lostNorm,
      long bytes) {
    public Result {
      layers = List.copyOf(layers);
      saved = List.copyOf(saved);
      lost = List.copyOf(lost);
    }

    /** ‖τ − B·A‖ / ‖τ‖ over all that the fine-tune changed, what is left out included. */
    public double relativeError() {
      double error = layers.stream().mapToDouble(layer -> layer.error() * layer.error()).sum();
      double norm = layers.stream().mapToDouble(layer -> layer.norm() * layer.norm()).sum();
      double left = lostNorm * lostNorm;
      return Math.sqrt((error + left) / (norm + left));
    }
  }

  private static final int CHUNK = 1 << 16;

  private final Checkpoint base;
  private final InputModel tuned;
  private final int rank;

  private LoraExtraction(Checkpoint base, InputModel tuned, int rank) {
    this.base = base;
    this.tuned = tuned;
    this.rank = rank;
  }

  /**
   * Makes an adapter.
   *
   * @param base folder of θ_0
   * @param tuned folder of θ_1
   * @param rank r, of every matrix
   * @param factored which matrices may be approximated, by name; others keep the base's values
   * @param saved which of the other tensors are put into the adapter whole, by name
   * @param out the folder to make; absent or empty
   * @param threads that compare the models
   * @throws MergeException if there is nothing to extract, a value is not finite, or the folder
   *     cannot be written
   * @throws CheckpointException if a model cannot be read
   */
  public static Result run(
      Path base,
      Path tuned,
      int rank,
      Predicate<String> factored,
      Predicate<String> saved,
      Path out,
      int threads,
      Progress progress) {
    if (rank < 1) {
      throw new IllegalArgumentException("rank must be at least 1, is " + rank);
    }
    try (Checkpoint theta0 = Checkpoint.open(base);
        Checkpoint theta1 = Checkpoint.open(tuned)) {
      LoraAdapterWriter.requireFree(out);
      progress.phase("comparing");
      InputModel model =
          new InputModel("fine-tune", theta1).likeNamed(new InputModel("base", theta0));
      TaskVectorStatistics statistics =
          TaskVectorStatistics.compareAll(
              theta0, Map.of("fine-tune", model), name -> true, threads, progress);
      requireFinite(statistics);
      Result result =
          new LoraExtraction(theta0, model, rank).write(statistics, factored, saved, out, progress);
      progress.finished();
      return result;
    } catch (IOException e) {
      throw new MergeException("cannot write %s: %s".formatted(out, FileErrors.reason(e)), e);
    }
  }

  private static void requireFinite(TaskVectorStatistics statistics) {
    TaskVectorStatistics.Expert expert = statistics.total().experts().get(0);
    if (expert.nonFinite() > 0) {
      throw new MergeException(
          "%d values are NaN or infinite in the base or the fine-tune, the first at %s; repair the checkpoint"
              .formatted(
                  expert.nonFinite(), expert.firstNonFinite().map(Object::toString).orElse("")));
    }
  }

  private Result write(
      TaskVectorStatistics statistics,
      Predicate<String> factored,
      Predicate<String> saved,
      Path out,
      Progress progress)
      throws IOException {
    List<TaskVectorStatistics.Parameter> changed = new ArrayList<>();
    List<LoraAdapterWriter.Matrix> matrices = new ArrayList<>();
    List<TensorInfo> whole = new ArrayList<>();
    List<String> lost = new ArrayList<>();
    double lostSquares = 0;
    for (TaskVectorStatistics.Parameter parameter : statistics.parameters()) {
      if (!parameter.experts().get(0).changed()) {
        continue;
      }
      String name = parameter.name();
      if (LoraAdapterWriter.holds(name, parameter.shape()) && factored.test(name)) {
        changed.add(parameter);
        matrices.add(
            new LoraAdapterWriter.Matrix(name, parameter.shape(), tensor(tuned, name).dtype()));
      } else if (saved.test(name) && tuned.weight(name).orElse(null) instanceof Weight.Stored) {
        whole.add(tensor(tuned, name));
      } else {
        lost.add(name);
        lostSquares += Math.pow(parameter.experts().get(0).norm(), 2);
      }
    }
    for (String name : resized(statistics)) {
      if (saved.test(name) && tuned.weight(name).orElse(null) instanceof Weight.Stored) {
        whole.add(tensor(tuned, name));
      } else {
        lost.add(name);
        lostSquares += squaredChange(name);
      }
    }
    if (matrices.isEmpty()) {
      throw new MergeException(
          "the fine-tune changed none of the selected matrices; there is nothing to extract"
              + (lost.isEmpty() ? "" : " (it changed %s)".formatted(lost.get(0))));
    }
    progress.started(
        "factoring",
        matrices.stream().mapToLong(matrix -> tensor(tuned, matrix.tensor()).bytes()).sum(),
        Progress.BYTES);
    progress.parts(matrices.size(), "tensors");
    List<Layer> layers = new ArrayList<>();
    try (LoraAdapterWriter adapter =
        LoraAdapterWriter.create(out, base.folder(), rank, matrices, whole)) {
      for (int i = 0; i < matrices.size(); i++) {
        LoraAdapterWriter.Matrix matrix = matrices.get(i);
        layers.add(factor(matrix, changed.get(i).experts().get(0).norm(), adapter));
        progress.advanced(tensor(tuned, matrix.tensor()).bytes());
        progress.finishedPart(matrix.tensor());
      }
      for (TensorInfo tensor : whole) {
        adapter.copy(tuned.checkpoint(), tensor);
      }
      long bytes = adapter.bytes();
      return new Result(
          adapter.publish(),
          layers,
          whole.stream().map(TensorInfo::name).toList(),
          lost,
          Math.sqrt(lostSquares),
          bytes);
    }
  }

  /**
   * Tensors of the fine-tune that are no change of the base's: of another shape, as a grown
   * vocabulary, or of its own, as a head that the base ties to its embedding.
   */
  private List<String> resized(TaskVectorStatistics statistics) {
    List<String> names = new ArrayList<>();
    for (TaskVectorStatistics.Omission omission : statistics.omissions()) {
      Optional<Weight> weight = tuned.weight(omission.tensor());
      if (weight.isPresent()
          && weight.get().stored().dtype().isFloating()
          && !isOwnEmbedding(omission.tensor(), weight.get())) {
        names.add(omission.tensor());
      }
    }
    return names;
  }

  /** True for a head that is stored and equal to the embedding, as the base has it untold. */
  private boolean isOwnEmbedding(String head, Weight weight) {
    String embedding = base.tied().get(head);
    return embedding != null
        && weight instanceof Weight.Stored one
        && tuned.weight(embedding).orElse(null) instanceof Weight.Stored other
        && one.hasBytesOf(other);
  }

  /** ‖θ_1 − θ_0‖² where both have entries, ‖θ_1‖² where the base has none. */
  private double squaredChange(String name) {
    Weight weight = tuned.weight(name).orElseThrow();
    WeightReader reader = new WeightReader(weight, new LongAdder());
    long size = weight.shape().stream().reduce(1L, Math::multiplyExact);
    TensorInfo theta0 = base.find(name).orElse(null);
    boolean rows =
        theta0 != null
            && !theta0.shape().isEmpty()
            && theta0
                .shape()
                .subList(1, theta0.shape().size())
                .equals(weight.shape().subList(1, weight.shape().size()));
    long common = rows && theta0 != null ? Math.min(size, theta0.size()) : 0;
    float[] own = new float[CHUNK];
    float[] before = new float[CHUNK];
    double squares = 0;
    for (long at = 0; at < size; at += CHUNK) {
      int length = (int) Math.min(CHUNK, size - at);
      reader.read(at, length, own);
      int shared = (int) Math.max(0, Math.min(length, common - at));
      if (shared > 0 && theta0 != null) {
        base.read(theta0, at, shared, before);
      }
      for (int i = 0; i < length; i++) {
        double change = i < shared ? (double) own[i] - before[i] : own[i];
        squares += change * change;
      }
    }
    return squares;
  }

  /** A tensor of the fine-tune under the base's name. */
  private static TensorInfo tensor(InputModel model, String name) {
    return model
        .info(name)
        .map(it -> new TensorInfo(name, it.dtype(), it.shape(), it.file(), it.offset()))
        .orElseThrow(() -> new IllegalStateException("a compared tensor is gone: " + name));
  }

  /** Factors one matrix and writes its factors; their rank is filled up with zeros. */
  private Layer factor(LoraAdapterWriter.Matrix matrix, double norm, LoraAdapterWriter adapter) {
    String name = matrix.tensor();
    int rows = Math.toIntExact(matrix.shape().get(0));
    int columns = Math.toIntExact(matrix.shape().get(1));
    try (NDManager manager = NativeLibraries.newManager()) {
      NDArray tau = manager.create(taskVector(name, rows, columns), new Shape(rows, columns));
      Svd svd = LinearAlgebra.truncatedSvd(tau, rank, LinearAlgebra.rankTolerance(norm));
      double[] roots = Arrays.stream(svd.s()).map(Math::sqrt).toArray();
      int found = roots.length;
      float[] left = floats(LinearAlgebra.scaleColumns(svd.u(), roots));
      float[] a = Arrays.copyOf(floats(LinearAlgebra.scaleRows(svd.vt(), roots)), rank * columns);
      float[] b = new float[rows * rank];
      for (int row = 0; row < rows; row++) {
        System.arraycopy(left, row * found, b, row * rank, found);
      }
      adapter.write(matrix, b, a);
      NDArray product =
          manager
              .create(b, new Shape(rows, rank))
              .matMul(manager.create(a, new Shape(rank, columns)));
      double error = Math.sqrt(LinearAlgebra.squaredNorm(tau.sub(product)));
      return new Layer(name, matrix.shape(), found, norm, error);
    } catch (LinearAlgebraException e) {
      throw e.at(name);
    }
  }

  private float[] taskVector(String name, int rows, int columns) {
    int size = Math.multiplyExact(rows, columns);
    float[] theta0 = new float[size];
    float[] tau = new float[size];
    base.read(base.find(name).orElseThrow(), 0, size, theta0);
    new WeightReader(tuned.weight(name).orElseThrow(), new LongAdder()).read(0, size, tau);
    for (int i = 0; i < size; i++) {
      tau[i] -= theta0[i];
    }
    return tau;
  }

  private static float[] floats(NDArray array) {
    return array.toType(ai.djl.ndarray.types.DataType.FLOAT32, false).toFloatArray();
  }
}
