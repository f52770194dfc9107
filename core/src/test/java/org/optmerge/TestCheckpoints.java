package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;

/**
 * Writes tiny checkpoint folders for tests, by hand rather than with the project's own writer.
 *
 * <pre>{@code
 * Path base = TestCheckpoints.folder(dir.resolve("base"))
 *     .tensor("a.weight", DType.BF16, List.of(2L, 3L), 1, 2, 3, 4, 5, 6)
 *     .random("b.weight", DType.F32, List.of(4L, 4L), 42)
 *     .config("{\"model_type\": \"llama\"}")
 *     .shards(2)
 *     .write();
 * }</pre>
 */
public final class TestCheckpoints {
  private record Tensor(String name, DType dtype, List<Long> shape, byte[] data) {}

  private final Path folder;
  private final String weightsName;
  private final List<Tensor> tensors = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
  private final Map<String, String> files = new LinkedHashMap<>();
  private int shards = 1;

  private TestCheckpoints(Path folder, String weightsName) {
    this.folder = folder;
    this.weightsName = weightsName;
  }

  /** A checkpoint: {@code model.safetensors}, unless {@link #shards} says otherwise. */
  public static TestCheckpoints folder(Path folder) {
    return new TestCheckpoints(folder, "model");
  }

  /**
   * A PEFT adapter: {@code adapter_model.safetensors} and an {@code adapter_config.json} with this
   * rank and α; {@link #config} replaces the latter.
   */
  public static TestCheckpoints adapter(Path folder, int rank, double alpha) {
    return new TestCheckpoints(folder, "adapter_model")
        .config(
            "{\"peft_type\": \"LORA\", \"r\": %d, \"lora_alpha\": %s, \"bias\": \"none\"}"
                .formatted(rank, alpha));
  }

  /** A tensor with these values, rounded to the type. */
  public TestCheckpoints tensor(String name, DType dtype, List<Long> shape, float... values) {
    ByteBuffer data = ByteBuffer.allocate(values.length * dtype.bytes());
    FloatCodec.narrow(dtype, values, 0, values.length, data);
    return bytes(name, dtype, shape, data.array());
  }

  /** A tensor with the stored bytes given, of any type. */
  public TestCheckpoints bytes(String name, DType dtype, List<Long> shape, byte... data) {
    tensors.add(new Tensor(name, dtype, shape, data));
    return this;
  }

  /** A tensor of normally distributed values with standard deviation 0.02, as published ones. */
  public TestCheckpoints random(String name, DType dtype, List<Long> shape, long seed) {
    return random(name, dtype, shape, seed, 0.02);
  }

  /** A tensor of normally distributed values with mean 0. */
  public TestCheckpoints random(
      String name, DType dtype, List<Long> shape, long seed, double standardDeviation) {
    return tensor(name, dtype, shape, gaussians(size(shape), seed, standardDeviation));
  }

  /** The factors of a low-rank change to {@code module + ".weight"}: B is (m, r), A is (r, n). */
  public TestCheckpoints lora(
      String module, long m, long r, long n, float[] b, float[] a, DType dtype) {
    String prefix = "base_model.model." + module;
    return tensor(prefix + ".lora_A.weight", dtype, List.of(r, n), a)
        .tensor(prefix + ".lora_B.weight", dtype, List.of(m, r), b);
  }

  /** Random factors, float32, standard deviation 0.1. */
  public TestCheckpoints randomLora(String module, long m, long r, long n, long seed) {
    return lora(
        module, m, r, n, gaussians(m * r, seed, 0.1), gaussians(r * n, seed + 1, 0.1), DType.F32);
  }

  /** {@code config.json}, or {@code adapter_config.json} of an adapter. */
  public TestCheckpoints config(String json) {
    return file(weightsName.equals("model") ? "config.json" : "adapter_config.json", json);
  }

  /** Any other file, by its path relative to the folder. */
  public TestCheckpoints file(String name, String content) {
    files.put(name, content);
    return this;
  }

  /** An entry of {@code __metadata__}, which has {@code format: pt} from the start. */
  public TestCheckpoints metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Spreads the tensors in turn over this many shards, with an index if more than one. */
  public TestCheckpoints shards(int count) {
    shards = count;
    return this;
  }

  /** Writes everything; returns the folder. */
  public Path write() {
    try {
      Files.createDirectories(folder);
      for (Map.Entry<String, String> file : files.entrySet()) {
        Path path = folder.resolve(file.getKey());
        Files.createDirectories(path.getParent());
        Files.writeString(path, file.getValue());
      }
      if (shards == 1) {
        Files.write(folder.resolve(weightsName + ".safetensors"), encode(tensors, metadata));
      } else {
        writeShards();
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void writeShards() throws IOException {
    Map<String, String> weightMap = new LinkedHashMap<>();
    long total = 0;
    for (int shard = 0; shard < shards; shard++) {
      String name = "%s-%05d-of-%05d.safetensors".formatted(weightsName, shard + 1, shards);
      List<Tensor> here = new ArrayList<>();
      for (int i = shard; i < tensors.size(); i += shards) {
        here.add(tensors.get(i));
        weightMap.put(tensors.get(i).name, name);
        total += tensors.get(i).data.length;
      }
      Files.write(folder.resolve(name), encode(here, metadata));
    }
    String entries =
        weightMap.entrySet().stream()
            .map(entry -> quote(entry.getKey()) + ": " + quote(entry.getValue()))
            .collect(Collectors.joining(",\n    "));
    Files.writeString(
        folder.resolve(weightsName + ".safetensors.index.json"),
        """
        {
          "metadata": {"total_size": %d},
          "weight_map": {
            %s
          }
        }
        """
            .formatted(total, entries));
  }

  /** A safetensors file of this header, verbatim, and this data. */
  public static byte[] file(String header, byte... data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }

  private static byte[] encode(List<Tensor> tensors, Map<String, String> metadata) {
    List<String> fields = new ArrayList<>();
    fields.add(
        metadata.entrySet().stream()
            .map(entry -> quote(entry.getKey()) + ":" + quote(entry.getValue()))
            .collect(Collectors.joining(",", "\"__metadata__\":{", "}")));
    int end = 0;
    for (Tensor tensor : tensors) {
      assertThat((long) tensor.data.length)
          .as("bytes of %s", tensor.name)
          .isEqualTo(size(tensor.shape) * tensor.dtype.bytes());
      fields.add(
          "%s:{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(
                  quote(tensor.name), tensor.dtype, tensor.shape, end, end + tensor.data.length));
      end += tensor.data.length;
    }
    ByteBuffer data = ByteBuffer.allocate(end);
    tensors.forEach(tensor -> data.put(tensor.data));
    return file(fields.stream().collect(Collectors.joining(",", "{", "}")), data.array());
  }

  /** All values of one tensor of a checkpoint on disk, widened. */
  public static float[] values(Path checkpointFolder, String tensor) {
    try (Checkpoint checkpoint = Checkpoint.open(checkpointFolder)) {
      return values(checkpoint, tensor);
    }
  }

  /** All values of one tensor, widened. */
  public static float[] values(Checkpoint checkpoint, String tensor) {
    var info = checkpoint.find(tensor).orElseThrow();
    float[] values = new float[Math.toIntExact(info.size())];
    checkpoint.read(info, 0, values.length, values);
    return values;
  }

  /** Normally distributed values, the same for the same seed. */
  public static float[] gaussians(long count, long seed, double standardDeviation) {
    Random random = new Random(seed);
    float[] values = new float[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * standardDeviation);
    }
    return values;
  }

  private static long size(List<Long> shape) {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  private static String quote(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
