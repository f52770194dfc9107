package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;

/** A recorded case: its inputs, what came out, and how close a result must be. */
final class GoldenModelCase implements AutoCloseable {
  private final Path root;
  private final JsonNode json;
  private final Optional<Checkpoint> tensors;

  GoldenModelCase(Path root, JsonNode json) {
    this.root = root;
    this.json = json;
    Path file = file();
    this.tensors =
        file.toString().endsWith(".safetensors")
            ? Optional.of(Checkpoint.open(file))
            : Optional.empty();
  }

  /** The file of the case. */
  Path file() {
    return root.resolve(json.path("file").asText());
  }

  /** The folder the case is about. */
  Path folder() {
    return root.resolve(json.path("folder").asText());
  }

  /** A path that a key of the case gives. */
  Path path(String key) {
    return root.resolve(json.path(key).asText());
  }

  Path root() {
    return root;
  }

  JsonNode params() {
    return json.path("params");
  }

  JsonNode field(String key) {
    return json.path(key);
  }

  double tolerance(String key) {
    JsonNode value = json.path("tolerance").path(key);
    assertThat(value.isNumber()).as("tolerance " + key).isTrue();
    return value.asDouble();
  }

  /** The case's file as JSON. */
  JsonNode read() throws IOException {
    return new ObjectMapper().readTree(file().toFile());
  }

  /** The names of the tensors that begin so, in order. */
  List<String> named(String prefix) {
    return checkpoint().tensors().stream()
        .map(TensorInfo::name)
        .filter(name -> name.startsWith(prefix))
        .sorted()
        .toList();
  }

  boolean has(String name) {
    return checkpoint().find(name).isPresent();
  }

  private Checkpoint checkpoint() {
    return tensors.orElseThrow(() -> new IllegalStateException(file() + " holds no tensors"));
  }

  private TensorInfo tensor(String name) {
    return checkpoint().find(name).orElseThrow(() -> new IllegalStateException("no " + name));
  }

  List<Long> shape(String name) {
    return tensor(name).shape();
  }

  float[] floats(String name) {
    TensorInfo tensor = tensor(name);
    float[] values = new float[(int) tensor.size()];
    checkpoint().read(tensor, 0, values.length, values);
    return values;
  }

  byte[] bytes(String name) {
    byte[] values = new byte[(int) tensor(name).bytes()];
    checkpoint().readBytes(tensor(name), 0, ByteBuffer.wrap(values));
    return values;
  }

  long[] longs(String name) {
    long[] values = new long[(int) tensor(name).size()];
    ByteBuffer.wrap(bytes(name)).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(values);
    return values;
  }

  /** A matrix of ids. */
  long[][] rows(String name) {
    long[] all = longs(name);
    int length = (int) (long) shape(name).get(1);
    long[][] rows = new long[all.length / length][length];
    for (int i = 0; i < all.length; i++) {
      rows[i / length][i % length] = all[i];
    }
    return rows;
  }

  /** A tensor as an array, float32 or int64. */
  NDArray array(NDManager manager, String name) {
    Shape shape = new Shape(shape(name));
    return tensor(name).dtype() == DType.I64
        ? manager.create(longs(name), shape)
        : manager.create(floats(name), shape);
  }

  /** |x − y| ≤ atol + rtol · |y| for every entry. */
  void close(NDArray actual, String name) {
    assertThat(actual.getShape()).as(name).isEqualTo(new Shape(shape(name)));
    close(actual.toFloatArray(), floats(name), name, 0, 1, actual.toFloatArray().length);
  }

  /** The same for the rows of the last dimension that a mask selects. */
  void close(NDArray actual, String name, long[] mask) {
    assertThat(actual.getShape()).as(name).isEqualTo(new Shape(shape(name)));
    float[] values = actual.toFloatArray();
    float[] expected = floats(name);
    int width = values.length / mask.length;
    int compared = 0;
    for (int row = 0; row < mask.length; row++) {
      if (mask[row] != 0) {
        close(values, expected, name, row * width, 1, width);
        compared++;
      }
    }
    assertThat(compared).as("rows of " + name).isPositive();
  }

  private void close(float[] actual, float[] expected, String name, int from, int step, int count) {
    double atol = tolerance("atol");
    double rtol = tolerance("rtol");
    for (int i = from; i < from + count * step; i += step) {
      double allowed = atol + rtol * Math.abs(expected[i]);
      if (!(Math.abs((double) actual[i] - expected[i]) <= allowed)) {
        fail("%s[%d] is %s, recorded %s ± %s".formatted(name, i, actual[i], expected[i], allowed));
      }
    }
  }

  /** max|g − g'| ≤ tolerance · max|g'|. */
  void gradient(NDArray actual, String name) {
    assertThat(actual.getShape()).as(name).isEqualTo(new Shape(shape(name)));
    float[] values = actual.toFloatArray();
    float[] expected = floats(name);
    double largest = 0;
    double error = 0;
    for (int i = 0; i < values.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      error = Math.max(error, Math.abs((double) values[i] - expected[i]));
    }
    assertThat(largest).as(name).isPositive();
    assertThat(error).as(name).isLessThanOrEqualTo(tolerance("grad_rtol_of_max") * largest);
  }

  @Override
  public void close() {
    tensors.ifPresent(Checkpoint::close);
  }

  /** Names without their common prefix. */
  static List<String> after(String prefix, List<String> names) {
    List<String> rest = new ArrayList<>();
    names.forEach(name -> rest.add(name.substring(prefix.length())));
    return rest;
  }
}
