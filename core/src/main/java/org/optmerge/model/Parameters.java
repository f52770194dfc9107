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
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.linalg.StoredTensors;

/**
 * The weights of a model by published name, in the model's own manager: float32 arrays, or {@link
 * MappedWeights} where the precision leaves them in their files.
 */
final class Parameters {
  /** Values on their way into an array: small enough to stay in the cache. */
  private static final int CHUNK = 1 << 18;

  /** Embeddings are looked up, not multiplied by; a head that is one with them is as they are. */
  private static final Pattern EMBEDDING =
      Pattern.compile("(embed_tokens|tok_embeddings)\\.weight$");

  /** A source of a parameter's values. */
  interface Source {
    /** Puts {@code length} values, from flat index {@code first} on, into {@code target}. */
    void read(long first, int length, float[] target);
  }

  private final SortedMap<String, Shape> shapes;
  private final SortedMap<String, NDArray> arrays = new TreeMap<>();
  private final NDManager manager;
  private final Precision precision;
  private final Set<NDArray> held = Collections.newSetFromMap(new IdentityHashMap<>());
  private final MappedWeights mapped;
  private final Map<String, NDArray> scales = new HashMap<>();
  private final NDArray noScales;

  /** All of these shapes, without values until they are read or filled. */
  Parameters(NDManager manager, SortedMap<String, Shape> shapes, Precision precision) {
    this.manager = manager;
    this.shapes = Collections.unmodifiableSortedMap(shapes);
    this.precision = precision;
    this.mapped = new MappedWeights(precision);
    this.noScales = manager.create(new Shape(0));
  }

  /**
   * Takes parameters from a checkpoint.
   *
   * @param stored its tensors by the model's names, of the parameters' shapes; others are not read
   * @throws ModelException if one cannot be used in this precision
   */
  void read(Checkpoint checkpoint, SortedMap<String, TensorInfo> stored) {
    SortedMap<String, TensorInfo> own = new TreeMap<>(stored);
    own.keySet().retainAll(shapes.keySet());
    arrays.putAll(mapped.open(manager, checkpoint, own, shapes));
    own.forEach(
        (name, tensor) -> {
          if (!arrays.containsKey(name)) {
            fill(name, (first, length, target) -> checkpoint.read(tensor, first, length, target));
          }
        });
  }

  /** Name and shape of each. */
  SortedMap<String, Shape> shapes() {
    return shapes;
  }

  /** Numbers in all of them. */
  long count() {
    return shapes.values().stream().mapToLong(Shape::size).sum();
  }

  /**
   * The shape of a parameter.
   *
   * @throws ModelException if there is none of that name
   */
  Shape shape(String name) {
    Shape shape = shapes.get(name);
    if (shape == null) {
      throw new ModelException(
          "the model has no parameter '%s'; it has %d, such as %s"
              .formatted(
                  name,
                  shapes.size(),
                  shapes.keySet().stream().limit(3).collect(Collectors.joining(", "))));
    }
    return shape;
  }

  /**
   * All of them as float32 arrays.
   *
   * @throws ModelException if the precision is another
   */
  SortedMap<String, NDArray> all() {
    if (precision != Precision.FLOAT32) {
      throw new ModelException(
          "weights are arrays in precision float32 only, this model is in %s; open it with Precision.FLOAT32"
              .formatted(precision.key()));
    }
    return Collections.unmodifiableSortedMap(arrays);
  }

  /**
   * A parameter as a float32 array.
   *
   * @throws ModelException if there is none of that name, or the precision is another
   */
  NDArray get(String name) {
    shape(name);
    NDArray array = all().get(name);
    return array == null ? argument(name) : array;
  }

  /** Which parameter holds a value that is no number, in words for a message. */
  String notFinite() {
    for (Map.Entry<String, NDArray> entry : arrays.entrySet()) {
      NDArray array = entry.getValue();
      if (precision == Precision.FLOAT32 && array.getDataType() == DataType.FLOAT32) {
        for (float value : array.toFloatArray()) {
          if (!Float.isFinite(value)) {
            return "its parameter '%s' holds %s".formatted(entry.getKey(), value);
          }
        }
      }
    }
    return "its weights are finite as far as they can be looked at, so see what config.json says (norms, rotary positions)";
  }

  /** A parameter as an argument of a script: an array, or a handle of a mapped tensor. */
  NDArray argument(String name) {
    if (name.endsWith(ScriptWriter.SCALES)) {
      return scales.getOrDefault(name, noScales);
    }
    Shape shape = shape(name);
    NDArray array = arrays.get(name);
    if (array == null) {
      throw new IllegalStateException("parameter '%s' %s has no values yet".formatted(name, shape));
    }
    return array;
  }

  /** A parameter's values, row by row. */
  float[] values(String name) {
    NDArray argument = argument(name);
    if (precision == Precision.FLOAT32) {
      return argument.toFloatArray();
    }
    try (NDArray widened = widened(manager, name)) {
      return widened.toFloatArray();
    }
  }

  private NDArray widened(NDManager scope, String name) {
    NDArray own = scales.get(name + ScriptWriter.SCALES);
    return own == null
        ? StoredTensors.widened(scope, argument(name))
        : StoredTensors.widened(scope, argument(name), own);
  }

  /** Rounds matrices that are factors of products to eight bits, if the precision is that. */
  void round(Set<String> factors) {
    if (precision == Precision.INT8) {
      factors.stream().filter(shapes::containsKey).forEach(this::round);
    }
  }

  private void round(String name) {
    if (shape(name).dimension() == 2 && !EMBEDDING.matcher(name).find()) {
      List<NDArray> parts = StoredTensors.eightBits(manager, argument(name));
      replace(name, parts.get(0));
      replaceScales(name + ScriptWriter.SCALES, parts.get(1));
    }
  }

  private List<String> names(String prefix) {
    return List.copyOf(shapes.subMap(prefix, prefix + Character.MAX_VALUE).keySet());
  }

  /** True if a parameter whose name begins so is in training. */
  boolean isTrained(String prefix) {
    return precision == Precision.FLOAT32
        && names(prefix).stream().anyMatch(name -> argument(name).hasGradient());
  }

  /** Digests names and values of parameters whose names begin alike. */
  void digest(String prefix, MessageDigest digest) {
    for (String name : names(prefix)) {
      digest.update(name.getBytes(StandardCharsets.UTF_8));
      if (precision == Precision.FLOAT32) {
        digest.update(argument(name).toByteBuffer());
      } else {
        try (NDArray widened = widened(manager, name)) {
          digest.update(widened.toByteBuffer());
        }
      }
    }
  }

  /**
   * Checks that files whose tensors are in use are what they were.
   *
   * @throws ModelException if one was written to; the message names it
   */
  void requireUnchanged() {
    if (precision != Precision.FLOAT32) {
      mapped.requireUnchanged();
    }
  }

  /** Keeps some parameters' values, to be put back. */
  Map<String, NDArray> keep(Collection<String> names) {
    Map<String, NDArray> kept = new TreeMap<>();
    for (String name : names) {
      NDArray argument = argument(name);
      // A handle is kept as it is: what takes its place is another.
      kept.put(name, precision == Precision.FLOAT32 ? argument.duplicate() : argument);
    }
    for (String name : names) {
      NDArray own = scales.get(name + ScriptWriter.SCALES);
      if (own != null) {
        kept.put(name + ScriptWriter.SCALES, own);
      }
    }
    held.addAll(kept.values());
    return kept;
  }

  /** Puts kept values back. */
  void putBack(Map<String, NDArray> kept) {
    held.removeAll(kept.values());
    kept.forEach(
        (name, values) -> {
          if (name.endsWith(ScriptWriter.SCALES)) {
            replaceScales(name, values);
            return;
          }
          if (precision != Precision.FLOAT32) {
            replace(name, values);
            return;
          }
          boolean recording = JniUtils.isGradMode();
          JniUtils.setGradMode(false);
          try (values) {
            argument(name).set(new NDIndex("..."), values);
          } finally {
            JniUtils.setGradMode(recording);
          }
        });
  }

  private void replace(String name, NDArray handle) {
    closeUnlessHeld(arrays.put(name, handle), handle);
  }

  private void replaceScales(String name, NDArray handle) {
    closeUnlessHeld(scales.put(name, handle), handle);
  }

  private void closeUnlessHeld(@Nullable NDArray before, NDArray now) {
    if (before != null && before != now && !held.contains(before)) {
      before.close();
    }
  }

  /** Puts values in place of a parameter's own. */
  void fill(String name, Source source) {
    NDArray array = precision == Precision.FLOAT32 ? arrays.get(name) : null;
    if (array != null) {
      fill(manager, array, source);
      return;
    }
    NDArray created = manager.create(shape(name), DataType.FLOAT32);
    fill(manager, created, source);
    store(name, created);
  }

  /** Takes over a float32 array in place of a parameter. */
  private void store(String name, NDArray array) {
    if (precision == Precision.BFLOAT16 || precision == Precision.INT8) {
      try (array) {
        replace(name, StoredTensors.bfloat16(manager, array));
      }
      if (scales.containsKey(name + ScriptWriter.SCALES)) {
        round(name);
      }
    } else {
      replace(name, array);
    }
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
    Shape shape = shape(name);
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
      NDArray weight = precision == Precision.FLOAT32 ? argument(name) : widened(scope, name);
      fill(name, change.addi(weight).toFloatArray());
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
