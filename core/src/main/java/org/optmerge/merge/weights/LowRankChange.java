package org.optmerge.merge.weights;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.Weight;

/**
 * ΔW = scale · B · A with its factors in memory.
 *
 * @param b shape (rows, rank), row-major
 * @param a shape (rank, columns), row-major
 */
record LowRankChange(float[] b, float[] a, int rows, int rank, int columns, float scale) {

  static LowRankChange load(Weight.Adapted adapted, LongAdder bytesRead) {
    Checkpoint tensors = adapted.adapter().tensors();
    TensorInfo bInfo = adapted.delta().b();
    TensorInfo aInfo = adapted.delta().a();
    int rank = Math.toIntExact(aInfo.shape().get(0));
    int rows = Math.toIntExact(bInfo.size() / rank);
    int columns = Math.toIntExact(aInfo.size() / rank);
    float[] b = readAll(tensors, bInfo, bytesRead);
    float[] a = readAll(tensors, aInfo, bytesRead);
    float scale = (float) adapted.delta().scale();
    return adapted.delta().fanInFanOut()
        ? new LowRankChange(
            transpose(a, rank, columns), transpose(b, rows, rank), columns, rank, rows, scale)
        : new LowRankChange(b, a, rows, rank, columns, scale);
  }

  /** The changes of a stack's experts, in their order. */
  static List<LowRankChange> ofExperts(Weight.Stack stack, LongAdder bytesRead) {
    int experts = Math.toIntExact(stack.shape().get(0));
    int in = Math.toIntExact(stack.a().shape().get(1));
    int out = Math.toIntExact(stack.b().shape().get(0));
    int rank = Math.toIntExact(stack.a().shape().get(0) / experts);
    float[] a = readAll(stack.a().checkpoint(), stack.a().tensor(), bytesRead);
    float[] b = readAll(stack.b().checkpoint(), stack.b().tensor(), bytesRead);
    List<LowRankChange> changes = new ArrayList<>();
    for (int expert = 0; expert < experts; expert++) {
      float[] own = new float[out * rank];
      for (int o = 0; o < out; o++) {
        for (int k = 0; k < rank; k++) {
          own[o * rank + k] = b[(o * rank + k) * experts + expert];
        }
      }
      float[] rows = Arrays.copyOfRange(a, expert * rank * in, (expert + 1) * rank * in);
      float scale = (float) stack.scale();
      changes.add(
          stack.outFirst()
              ? new LowRankChange(own, rows, out, rank, in, scale)
              : new LowRankChange(
                  transpose(rows, rank, in), transpose(own, out, rank), in, rank, out, scale));
    }
    return changes;
  }

  TaskVector.LowRank toArrays(NDManager manager) {
    return new TaskVector.LowRank(
        manager.create(b, new Shape(rows, rank)),
        manager.create(a, new Shape(rank, columns)),
        scale);
  }

  /** Adds entries {@code start} to {@code start + length} of the flattened change. */
  void addTo(long start, int length, float[] target) {
    int done = 0;
    while (done < length) {
      int row = (int) ((start + done) / columns);
      int column = (int) ((start + done) % columns);
      int count = Math.min(length - done, columns - column);
      addRow(row, column, count, target, done);
      done += count;
    }
  }

  private void addRow(int row, int column, int count, float[] target, int at) {
    int k = 0;
    for (; k + 4 <= rank; k += 4) {
      int factors = row * rank + k;
      addFour(
          target,
          at,
          k * columns + column,
          scale * b[factors],
          scale * b[factors + 1],
          scale * b[factors + 2],
          scale * b[factors + 3],
          count);
    }
    for (; k < rank; k++) {
      float factor = scale * b[row * rank + k];
      int from = k * columns + column;
      for (int j = 0; j < count; j++) {
        target[at + j] += factor * a[from + j];
      }
    }
  }

  /** Four rows of A in one pass: a quarter of the loads and stores of the target. */
  private void addFour(
      float[] target, int at, int from, float f0, float f1, float f2, float f3, int count) {
    int second = from + columns;
    int third = second + columns;
    int fourth = third + columns;
    for (int j = 0; j < count; j++) {
      target[at + j] +=
          (f0 * a[from + j] + f1 * a[second + j]) + (f2 * a[third + j] + f3 * a[fourth + j]);
    }
  }

  private static float[] readAll(Checkpoint tensors, TensorInfo info, LongAdder bytesRead) {
    float[] values = new float[Math.toIntExact(info.size())];
    tensors.read(info, 0, values.length, values);
    bytesRead.add(info.bytes());
    return values;
  }

  private static float[] transpose(float[] matrix, int rows, int columns) {
    float[] transposed = new float[matrix.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        transposed[j * rows + i] = matrix[i * columns + j];
      }
    }
    return transposed;
  }
}
