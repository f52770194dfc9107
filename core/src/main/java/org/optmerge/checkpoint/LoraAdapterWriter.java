package org.optmerge.checkpoint;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Trees;

/**
 * Writes a PEFT LoRA adapter: every matrix with the same rank, its scale α/r 1.
 *
 * <p>It grows in a hidden folder beside its place and appears there complete, or not at all.
 */
public final class LoraAdapterWriter implements AutoCloseable {
  private static final String WEIGHT = ".weight";
  private static final String PREFIX = "base_model.model.";

  /** Looked up by row, not multiplied: PEFT keeps other factors for these. */
  private static final Pattern EMBEDDING =
      Pattern.compile("(.*\\.)?(\\w*embed\\w*|wte|wpe|shared|relative_attention_bias)\\.weight");

  /**
   * A matrix of the base that the adapter changes.
   *
   * @param tensor its name in the base
   * @param shape (m, n)
   * @param dtype of the factors
   */
  public record Matrix(String tensor, List<Long> shape, DType dtype) {
    public Matrix {
      shape = List.copyOf(shape);
    }
  }

  private final Path folder;
  private final Path staging;
  private final int rank;
  private final SafetensorsWriter writer;

  private LoraAdapterWriter(Path folder, Path staging, int rank, SafetensorsWriter writer) {
    this.folder = folder;
    this.staging = staging;
    this.rank = rank;
    this.writer = writer;
  }

  /** True if a LoRA adapter can hold a change of this tensor as factors. */
  public static boolean holds(String tensor, List<Long> shape) {
    return shape.size() == 2 && tensor.endsWith(WEIGHT) && !EMBEDDING.matcher(tensor).matches();
  }

  /**
   * Checks the place, before any work.
   *
   * @throws CheckpointException if the folder is there and not empty
   */
  public static void requireFree(Path out) throws IOException {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new CheckpointException("output %s exists and is not a folder".formatted(out));
    }
    try (Stream<Path> files = Files.list(out)) {
      if (files.findAny().isPresent()) {
        throw new CheckpointException(
            "output folder %s is not empty; choose another".formatted(out));
      }
    }
  }

  /**
   * Begins an adapter: its configuration, and room for its tensors.
   *
   * @param out where it will be; absent or empty
   * @param base the folder of the model it is for
   * @param rank r, of every matrix
   * @param whole tensors that replace the base's
   */
  public static LoraAdapterWriter create(
      Path out, Path base, int rank, List<Matrix> matrices, List<TensorInfo> whole)
      throws IOException {
    requireFree(out);
    Path folder = out.toAbsolutePath().normalize();
    Path staging = folder.resolveSibling("." + folder.getFileName() + ".adapter");
    Trees.delete(staging);
    Files.createDirectories(staging);
    Files.writeString(staging.resolve("adapter_config.json"), config(base, rank, matrices, whole));
    SafetensorsWriter writer =
        SafetensorsWriter.create(
            staging.resolve("adapter_model.safetensors"), layout(rank, matrices, whole));
    return new LoraAdapterWriter(folder, staging, rank, writer);
  }

  private static SafetensorsLayout layout(int rank, List<Matrix> matrices, List<TensorInfo> whole) {
    List<SafetensorsLayout.Entry> entries = new ArrayList<>();
    for (Matrix matrix : matrices) {
      long rows = matrix.shape.get(0);
      long columns = matrix.shape.get(1);
      entries.add(
          new SafetensorsLayout.Entry(
              nameOfA(matrix), matrix.dtype, List.of((long) rank, columns)));
      entries.add(
          new SafetensorsLayout.Entry(nameOfB(matrix), matrix.dtype, List.of(rows, (long) rank)));
    }
    for (TensorInfo tensor : whole) {
      entries.add(
          new SafetensorsLayout.Entry(PREFIX + tensor.name(), tensor.dtype(), tensor.shape()));
    }
    return SafetensorsLayout.of(entries);
  }

  private static String config(Path base, int rank, List<Matrix> matrices, List<TensorInfo> whole)
      throws IOException {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("peft_type", "LORA");
    config.put("base_model_name_or_path", base.toString());
    config.put("inference_mode", true);
    config.put("r", rank);
    config.put("lora_alpha", rank);
    config.put("lora_dropout", 0.0);
    config.put("use_rslora", false);
    config.put("fan_in_fan_out", false);
    config.put("bias", "none");
    matrices.forEach(matrix -> config.withArray("target_modules").add(module(matrix.tensor)));
    Set<String> modules = new LinkedHashSet<>();
    whole.forEach(tensor -> modules.add(module(tensor.name())));
    if (modules.isEmpty()) {
      config.putNull("modules_to_save");
    } else {
      modules.forEach(config.putArray("modules_to_save")::add);
    }
    return Json.pretty(config);
  }

  private static String module(String tensor) {
    return tensor.substring(0, Math.max(0, tensor.lastIndexOf('.')));
  }

  private static String nameOfA(Matrix matrix) {
    return PREFIX + module(matrix.tensor) + ".lora_A.weight";
  }

  private static String nameOfB(Matrix matrix) {
    return PREFIX + module(matrix.tensor) + ".lora_B.weight";
  }

  /**
   * Writes the factors of one matrix, ΔW = B · A, rounding them in place to what is stored.
   *
   * @param b shape (m, r), row-major
   * @param a shape (r, n), row-major
   */
  public void write(Matrix matrix, float[] b, float[] a) {
    FloatCodec.round(matrix.dtype, a, 0, a.length);
    FloatCodec.round(matrix.dtype, b, 0, b.length);
    write(nameOfA(matrix), matrix.dtype, a);
    write(nameOfB(matrix), matrix.dtype, b);
  }

  private void write(String name, DType dtype, float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(values.length, dtype.bytes()))
            .order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.narrow(dtype, values, 0, values.length, bytes);
    writer.write(name, 0, bytes);
  }

  /** Copies a tensor that the adapter holds whole. */
  public void copy(Checkpoint from, TensorInfo tensor) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(Math.min(tensor.bytes(), 1 << 20)));
    for (long at = 0; at < tensor.bytes(); at += bytes.limit()) {
      bytes.clear().limit((int) Math.min(bytes.capacity(), tensor.bytes() - at));
      from.readBytes(tensor, at, bytes);
      writer.write(PREFIX + tensor.name(), at, bytes.flip());
    }
  }

  /** The rank of every matrix. */
  public int rank() {
    return rank;
  }

  /** Bytes of the adapter's tensors. */
  public long bytes() {
    return writer.tensors().stream().mapToLong(TensorInfo::bytes).sum();
  }

  /** On the disk first, then under its name; returns the folder. */
  public Path publish() throws IOException {
    writer.force();
    writer.close();
    LoraAdapter.open(staging).close(); // it must be one
    Trees.force(staging);
    AtomicFiles.move(staging, folder);
    return folder;
  }

  /** Removes what was not published. */
  @Override
  public void close() throws IOException {
    writer.close();
    Trees.delete(staging);
  }
}
