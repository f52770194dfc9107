package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;

/** The arrays of a model by published name, float32, in the model's own manager. */
final class Parameters {
  /** Values on their way into an array: small enough to stay in the cache. */
  private static final int CHUNK = 1 << 18;

  /** A source of a parameter's values. */
  interface Source {
    /** Puts {@code length} values, from flat index {@code first} on, into {@code target}. */
    void read(long first, int length, float[] target);
  }

  private final SortedMap<String, NDArray> arrays = new TreeMap<>();
  private final NDManager manager;

  /** All of these shapes, zero. */
  Parameters(NDManager manager, Map<String, Shape> shapes) {
    this.manager = manager;
    shapes.forEach((name, shape) -> arrays.put(name, manager.zeros(shape, DataType.FLOAT32)));
  }

  /**
   * Fills parameters from a checkpoint.
   *
   * @param stored its tensors by the model's names, of the parameters' shapes; others are not read
   */
  void read(Checkpoint checkpoint, SortedMap<String, TensorInfo> stored) {
    stored.forEach(
        (name, tensor) -> {
          if (arrays.containsKey(name)) {
            fill(name, (first, length, target) -> checkpoint.read(tensor, first, length, target));
          }
        });
  }

  SortedMap<String, NDArray> all() {
    return Collections.unmodifiableSortedMap(arrays);
  }

  NDArray get(String name) {
    NDArray array = arrays.get(name);
    if (array == null) {
      throw new ModelException(
          "the model has no parameter '%s'; it has %d, such as %s"
              .formatted(
                  name,
                  arrays.size(),
                  arrays.keySet().stream().limit(3).collect(Collectors.joining(", "))));
    }
    return array;
  }

  /** Puts values in place of a parameter's own. */
  void fill(String name, Source source) {
    fill(manager, get(name), source);
  }

  /** Puts values in place of an array's own; not recorded for gradients. */
  static void fill(NDManager manager, NDArray array, Source source) {
    long size = array.getShape().size();
    float[] values = new float[(int) Math.min(CHUNK, size)];
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.nativeOrder());
    FloatBuffer floats = bytes.asFloatBuffer();
    boolean recording = JniUtils.isGradMode();
    JniUtils.setGradMode(false);
    try (NDManager scope = manager.newSubManager()) {
      array.tempAttach(scope);
      NDArray flat = array.reshape(-1);
      for (long first = 0; first < size; first += values.length) {
        int length = (int) Math.min(values.length, size - first);
        source.read(first, length, values);
        floats.clear().put(values, 0, length);
        ByteBuffer part = bytes.slice(0, length * Float.BYTES).order(ByteOrder.nativeOrder());
        try (NDArray given = scope.create(part, new Shape(length), DataType.FLOAT32)) {
          flat.set(new NDIndex("{}:{}", first, first + length), given);
        }
      }
      array.attach(manager);
    } finally {
      JniUtils.setGradMode(recording);
    }
  }

  /** Puts values in place of a parameter's own. */
  void fill(String name, float[] values) {
    Shape shape = get(name).getShape();
    if (values.length != shape.size()) {
      throw new ModelException(
          "parameter '%s': shape %s has %d values, %d were given"
              .formatted(name, shape, shape.size(), values.length));
    }
    fill(
        name,
        (first, length, target) ->
            System.arraycopy(values, Math.toIntExact(first), target, 0, length));
  }

  /** W + scale · B · A, in place of W. */
  void addLowRank(String name, Checkpoint tensors, TensorInfo b, TensorInfo a, double scale) {
    try (NDManager scope = manager.newSubManager()) {
      NDArray change =
          whole(scope, tensors, b).matMul(whole(scope, tensors, a)).muli((float) scale);
      fill(name, change.addi(get(name)).toFloatArray());
    }
  }

  /** A tensor of a checkpoint. */
  static NDArray whole(NDManager scope, Checkpoint tensors, TensorInfo tensor) {
    float[] values = new float[Math.toIntExact(tensor.size())];
    tensors.read(tensor, 0, values.length, values);
    return scope.create(values, new Shape(tensor.shape()));
  }

  /** A sentence on names, for a message. */
  static String some(List<String> names) {
    return names.stream().limit(3).map(name -> "'" + name + "'").collect(Collectors.joining(", "))
        + (names.size() > 3 ? " and %d more".formatted(names.size() - 3) : "");
  }

  static List<Long> extents(Shape shape) {
    return Arrays.stream(shape.getShape()).boxed().toList();
  }
}
