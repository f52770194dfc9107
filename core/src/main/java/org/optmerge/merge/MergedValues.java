package org.optmerge.merge;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.taskvector.TaskVector;

/**
 * The entries of a merged task vector in the order of the file, float32. One in factors is
 * multiplied out a stretch at a time and never whole.
 */
interface MergedValues {
  /** The entries from {@code start} to {@code end}, at hand until it is closed. */
  Stretch stretch(long start, long end);

  /** A run of entries. */
  interface Stretch extends AutoCloseable {
    /** Copies {@code length} entries from number {@code at} of the whole on. */
    void get(long at, float[] target, int length);

    @Override
    void close();
  }

  /** Where merged values were put. */
  @FunctionalInterface
  interface Reader {
    /** Copies {@code length} entries from number {@code at} of the whole on. */
    void read(long at, float[] target, int length);
  }

  /** Entries that were kept; nothing is to be closed. */
  static MergedValues stored(Reader reader) {
    return (start, end) ->
        new Stretch() {
          @Override
          public void get(long at, float[] target, int length) {
            reader.read(at, target, length);
          }

          @Override
          public void close() {}
        };
  }

  /**
   * The entries of a merged matrix; its arrays stay open as long as they are needed.
   *
   * @param manager takes what is made of them, which may be in a manager of the method's own
   */
  static MergedValues of(TaskVector merged, NDManager manager) {
    if (merged instanceof TaskVector.LowRank factors) {
      return factored(factors, manager);
    }
    FloatBuffer values =
        float32(merged.dense(), manager)
            .toByteBuffer(true)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    return (start, end) -> new Copied(values, 0, () -> {});
  }

  private static NDArray float32(NDArray array, NDManager manager) {
    if (array.getDataType() == DataType.FLOAT32) {
      return array;
    }
    NDArray converted = array.toType(DataType.FLOAT32, false);
    converted.attach(manager);
    return converted;
  }

  private static MergedValues factored(TaskVector.LowRank factors, NDManager manager) {
    NDArray scaled = factors.b().mul(factors.scale());
    scaled.attach(manager);
    NDArray b = float32(scaled, manager);
    NDArray a = float32(factors.a(), manager);
    long columns = a.getShape().get(1);
    return (start, end) -> {
      long firstRow = start / columns;
      NDManager scope = NativeLibraries.newManager();
      NDArray rows = b.get(new NDIndex("{}:{}", firstRow, (end + columns - 1) / columns));
      rows.attach(scope);
      NDArray product = rows.matMul(a);
      product.attach(scope);
      FloatBuffer values =
          product.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
      return new Copied(values, firstRow * columns, scope::close);
    };
  }

  /**
   * Entries in native memory.
   *
   * @param first the number of the first of them
   * @param release frees them
   */
  record Copied(FloatBuffer values, long first, Runnable release) implements Stretch {
    @Override
    public void get(long at, float[] target, int length) {
      values.get((int) (at - first), target, 0, length);
    }

    @Override
    public void close() {
      release.run();
    }
  }
}
