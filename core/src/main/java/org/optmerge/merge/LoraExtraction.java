package org.optmerge.merge;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsWriter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.Svd;

/**
 * Makes a LoRA adapter from a full fine-tune: for each matrix the best approximation of its task
 * vector of a given rank, τ ≈ B · A.
 *
 * <p>One matrix is in memory at a time. Both factors get the square roots of the singular values,
 * so that neither loses more than the other when it is rounded; the scale α/r is 1.
 *
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al., LoRA, ICLR 2022</a>
 */
public final class LoraExtraction {
  private static final String WEIGHT = ".weight";
  private static final String PREFIX = "base_model.model.";

  /** Looked up by row, not multiplied: PEFT keeps other factors for these. */
  private static final Pattern EMBEDDING =
      Pattern.compile("(.*\\.)?(\\w*embed\\w*|wte|wpe|shared|relative_attention_bias)\\.weight");

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
   * What was made.
   *
   * @param folder of the adapter
   * @param layers one element for each matrix, in the base's order
   * @param saved tensors that the adapter holds whole
   * @param lost tensors that the fine-tune changed and the adapter leaves as the base has them
   * @param bytes of the adapter's tensors
   */
  public record Result(
      Path folder, List<Layer> layers, List<String> saved, List<String> lost, long bytes) {
    public Result {
      layers = List.copyOf(layers);
      saved = List.copyOf(saved);
      lost = List.copyOf(lost);
    }

    /** ‖τ − B·A‖ / ‖τ‖ over all matrices together. */
    public double relativeError() {
      double error = layers.stream().mapToDouble(layer -> layer.error() * layer.error()).sum();
      double norm = layers.stream().mapToDouble(layer -> layer.norm() * layer.norm()).sum();
      return Math.sqrt(error / norm);
    }
  }

  private final Checkpoint base;
  private final Checkpoint tuned;
  private final int rank;

  private LoraExtraction(Checkpoint base, Checkpoint tuned, int rank) {
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
    Path folder = out.toAbsolutePath().normalize();
    Path staging = folder.resolveSibling("." + folder.getFileName() + ".extract-lora");
    try (Checkpoint theta0 = Checkpoint.open(base);
        Checkpoint theta1 = Checkpoint.open(tuned)) {
      requireFree(out, folder);
      progress.phase("comparing");
      TaskVectorStatistics statistics =
          TaskVectorStatistics.of(
              theta0, Map.of("fine-tune", theta1), name -> true, threads, progress);
      requireFinite(statistics);
      delete(staging);
      Files.createDirectories(staging);
      Result result =
          new LoraExtraction(theta0, theta1, rank)
              .write(statistics, factored, saved, staging, folder, progress);
      LoraAdapter.open(staging).close(); // it must be one
      publish(staging, folder);
      progress.finished();
      return result;
    } catch (IOException e) {
      throw new MergeException("cannot write %s: %s".formatted(out, Workspace.reason(e)), e);
    } finally {
      try {
        delete(staging);
      } catch (IOException e) {
        // A hidden folder that stays behind is removed by the next run.
      }
    }
  }

  private static void requireFree(Path out, Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    if (!Files.isDirectory(folder)) {
      throw new MergeException("output %s exists and is not a folder".formatted(out));
    }
    try (Stream<Path> files = Files.list(folder)) {
      if (files.findAny().isPresent()) {
        throw new MergeException("output folder %s is not empty; choose another".formatted(out));
      }
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
      Path staging,
      Path folder,
      Progress progress)
      throws IOException {
    List<TaskVectorStatistics.Parameter> matrices = new ArrayList<>();
    List<TensorInfo> whole = new ArrayList<>();
    List<String> lost = new ArrayList<>();
    for (TaskVectorStatistics.Parameter parameter : statistics.parameters()) {
      if (!parameter.experts().get(0).changed()) {
        continue;
      }
      String name = parameter.name();
      if (isLinear(name, parameter.shape()) && factored.test(name)) {
        matrices.add(parameter);
      } else if (saved.test(name)) {
        whole.add(tensor(tuned, name));
      } else {
        lost.add(name);
      }
    }
    if (matrices.isEmpty()) {
      throw new MergeException(
          "the fine-tune changed none of the selected matrices; there is nothing to extract"
              + (lost.isEmpty() ? "" : " (it changed %s)".formatted(lost.get(0))));
    }
    SafetensorsLayout layout = layout(matrices, whole);
    progress.started(
        matrices.stream().mapToLong(matrix -> tensor(tuned, matrix.name()).bytes()).sum(),
        matrices.size());
    progress.phase("factoring");
    List<Layer> layers = new ArrayList<>();
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(staging.resolve("adapter_model.safetensors"), layout)) {
      for (TaskVectorStatistics.Parameter matrix : matrices) {
        layers.add(factor(matrix, writer));
        progress.advanced(tensor(tuned, matrix.name()).bytes());
        progress.finishedTensor(matrix.name());
      }
      for (TensorInfo tensor : whole) {
        copy(tensor, writer);
      }
      writer.force();
    }
    Files.writeString(staging.resolve("adapter_config.json"), config(matrices, whole));
    long bytes =
        whole.stream().mapToLong(TensorInfo::bytes).sum()
            + matrices.stream()
                .mapToLong(
                    matrix ->
                        rank
                            * (matrix.shape().get(0) + matrix.shape().get(1))
                            * tensor(tuned, matrix.name()).dtype().bytes())
                .sum();
    return new Result(folder, layers, whole.stream().map(TensorInfo::name).toList(), lost, bytes);
  }

  private static boolean isLinear(String name, List<Long> shape) {
    return shape.size() == 2 && name.endsWith(WEIGHT) && !EMBEDDING.matcher(name).matches();
  }

  private static TensorInfo tensor(Checkpoint checkpoint, String name) {
    return checkpoint
        .find(name)
        .orElseThrow(() -> new IllegalStateException("a compared tensor is gone: " + name));
  }

  private static String module(String tensor) {
    return tensor.substring(0, Math.max(0, tensor.lastIndexOf('.')));
  }

  private static String nameOfA(String tensor) {
    return PREFIX + module(tensor) + ".lora_A.weight";
  }

  private static String nameOfB(String tensor) {
    return PREFIX + module(tensor) + ".lora_B.weight";
  }

  private SafetensorsLayout layout(
      List<TaskVectorStatistics.Parameter> matrices, List<TensorInfo> whole) {
    List<SafetensorsLayout.Entry> entries = new ArrayList<>();
    for (TaskVectorStatistics.Parameter matrix : matrices) {
      DType dtype = tensor(tuned, matrix.name()).dtype();
      long rows = matrix.shape().get(0);
      long columns = matrix.shape().get(1);
      entries.add(
          new SafetensorsLayout.Entry(
              nameOfA(matrix.name()), dtype, List.of((long) rank, columns)));
      entries.add(
          new SafetensorsLayout.Entry(nameOfB(matrix.name()), dtype, List.of(rows, (long) rank)));
    }
    for (TensorInfo tensor : whole) {
      entries.add(
          new SafetensorsLayout.Entry(PREFIX + tensor.name(), tensor.dtype(), tensor.shape()));
    }
    return SafetensorsLayout.of(entries);
  }

  /** Factors one matrix and writes its factors; their rank is filled up with zeros. */
  private Layer factor(TaskVectorStatistics.Parameter matrix, SafetensorsWriter writer) {
    String name = matrix.name();
    int rows = Math.toIntExact(matrix.shape().get(0));
    int columns = Math.toIntExact(matrix.shape().get(1));
    DType dtype = tensor(tuned, name).dtype();
    double norm = matrix.experts().get(0).norm();
    try (NDManager manager = NDManager.newBaseManager()) {
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
      FloatCodec.round(dtype, a, 0, a.length);
      FloatCodec.round(dtype, b, 0, b.length);
      write(writer, nameOfA(name), dtype, a);
      write(writer, nameOfB(name), dtype, b);
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
    base.read(tensor(base, name), 0, size, theta0);
    tuned.read(tensor(tuned, name), 0, size, tau);
    for (int i = 0; i < size; i++) {
      tau[i] -= theta0[i];
    }
    return tau;
  }

  private static float[] floats(NDArray array) {
    return array.toType(ai.djl.ndarray.types.DataType.FLOAT32, false).toFloatArray();
  }

  private static void write(SafetensorsWriter writer, String name, DType dtype, float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(values.length, dtype.bytes()))
            .order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.narrow(dtype, values, 0, values.length, bytes);
    writer.write(name, 0, bytes);
  }

  private void copy(TensorInfo tensor, SafetensorsWriter writer) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(Math.min(tensor.bytes(), 1 << 20)));
    for (long at = 0; at < tensor.bytes(); at += bytes.limit()) {
      bytes.clear().limit((int) Math.min(bytes.capacity(), tensor.bytes() - at));
      tuned.readBytes(tensor, at, bytes);
      writer.write(PREFIX + tensor.name(), at, bytes.flip());
    }
  }

  private String config(List<TaskVectorStatistics.Parameter> matrices, List<TensorInfo> whole)
      throws IOException {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("peft_type", "LORA");
    config.put("base_model_name_or_path", base.folder().toString());
    config.put("inference_mode", true);
    config.put("r", rank);
    config.put("lora_alpha", rank);
    config.put("lora_dropout", 0.0);
    config.put("use_rslora", false);
    config.put("fan_in_fan_out", false);
    config.put("bias", "none");
    matrices.forEach(matrix -> config.withArray("target_modules").add(module(matrix.name())));
    Set<String> modules = new LinkedHashSet<>();
    whole.forEach(tensor -> modules.add(module(tensor.name())));
    if (modules.isEmpty()) {
      config.putNull("modules_to_save");
    } else {
      modules.forEach(config.putArray("modules_to_save")::add);
    }
    return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n";
  }

  /** On the disk first, then under its name: complete, or not there. */
  private static void publish(Path staging, Path folder) throws IOException {
    try (Stream<Path> files = Files.list(staging)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          channel.force(true);
        }
      }
    }
    Files.move(staging, folder, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(
              file -> {
                try {
                  Files.delete(file);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (UncheckedIOException e) {
      throw new IOException(e);
    }
  }
}
