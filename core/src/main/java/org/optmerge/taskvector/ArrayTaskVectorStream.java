package org.optmerge.taskvector;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Task vectors that lie in arrays, streamed: for notebooks, tests and the tensor form of a method.
 */
public final class ArrayTaskVectorStream extends TaskVectorStream {
  /** Entries of a block unless another number is asked for. */
  public static final int BLOCK = 1 << 14;

  private final float[][] tau;
  private final int blockLength;

  /** {@link #ArrayTaskVectorStream(String, List, float[][], int)} in blocks of usual length. */
  public ArrayTaskVectorStream(String parameter, List<Long> shape, float[][] tau) {
    this(parameter, shape, tau, BLOCK);
  }

  /**
   * A stream over arrays, which are not copied and must not change while it is used.
   *
   * @param parameter the name in the checkpoint
   * @param shape its extents, outermost first
   * @param tau one array per task vector, flattened in row-major order
   * @param blockLength entries that a block should have; rounded up to whole rows where a method
   *     asks for those
   * @throws IllegalArgumentException if an array's length is not the shape's
   */
  public ArrayTaskVectorStream(String parameter, List<Long> shape, float[][] tau, int blockLength) {
    super(parameter, shape, tau.length);
    this.tau = tau.clone();
    this.blockLength = blockLength;
    if (blockLength < 1) {
      throw new IllegalArgumentException(
          "parameter '%s': a block has at least 1 entry, asked for %d"
              .formatted(parameter, blockLength));
    }
    long size = size();
    for (int t = 0; t < tau.length; t++) {
      if (tau[t].length != size) {
        throw new IllegalArgumentException(
            "parameter '%s': task vector %d has %d entries, shape %s has %d"
                .formatted(parameter, t + 1, tau[t].length, shape, size));
      }
    }
  }

  /** The task vectors of an in-memory parameter, as {@code float}s. */
  public static ArrayTaskVectorStream of(TaskVectors vectors) {
    float[][] tau = new float[vectors.count()][];
    for (int t = 0; t < tau.length; t++) {
      TaskVector vector = vectors.vectors().get(t);
      NDArray dense = vector.dense();
      try (NDArray floats = dense.toType(DataType.FLOAT32, true)) {
        tau[t] = floats.toFloatArray();
      }
      if (vector instanceof TaskVector.LowRank) {
        // Expanded for this call alone.
        dense.close();
      }
    }
    List<Long> shape = Arrays.stream(vectors.shape().getShape()).boxed().toList();
    return new ArrayTaskVectorStream(vectors.parameter(), shape, tau);
  }

  @Override
  public void visit(long from, long to, long alignment, Consumer<Block> action) {
    int length = Math.toIntExact((blockLength + alignment - 1) / alignment * alignment);
    if (from == 0 && to <= length) {
      action.accept(new Block(0, (int) to, tau));
      return;
    }
    float[][] piece = new float[tau.length][(int) Math.min(length, to - from)];
    for (long start = from; start < to; start += length) {
      int entries = (int) Math.min(length, to - start);
      for (int t = 0; t < tau.length; t++) {
        System.arraycopy(tau[t], (int) start, piece[t], 0, entries);
      }
      action.accept(new Block(start, entries, piece));
    }
  }
}
