package org.optmerge.merge;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.merge.weights.NonFinite;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.StreamingMergeMethod;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * A merge method at work on one tensor, and the one check of what it returns, whether that goes to
 * a file, into memory or into an adapter.
 *
 * <p>Arrays are checked as they are returned: there, open, of the tensor's shape, real numbers.
 * Values are checked by {@link #requireFinite} as they are taken, piece by piece.
 *
 * @param allowNonFinite as the plan says
 */
record CheckedMethod(MergeMethod method, PlannedTensor tensor, boolean allowNonFinite) {
  /** A method that has seen the whole model. */
  static MergeMethod fit(MergeMethod method, List<TaskVectorStream> model) {
    MergeMethod fitted = method.fit(model);
    if (!isThere(fitted)) {
      throw new MergeException("method %s fitted itself to null".formatted(method));
    }
    return fitted;
  }

  /** The merged task vector. */
  TaskVector merge(TaskVectors tau) {
    TaskVector merged = run(() -> method.mergeFactored(tau));
    List<NDArray> arrays =
        merged instanceof TaskVector.LowRank factors
            ? List.of(factors.b(), factors.a())
            : merged instanceof TaskVector.Dense whole && isThere(whole.dense())
                ? List.of(whole.dense())
                : List.of();
    if (arrays.isEmpty()) {
      throw refusal("returned null, expected an array of shape %s".formatted(shape()));
    }
    for (NDArray array : arrays) {
      if (array.isReleased()) {
        throw refusal("returned an array that is closed; the merge closes it after use");
      }
      if (!array.getDataType().isFloating()) {
        throw refusal("returned %s, expected floating point".formatted(array.getDataType()));
      }
    }
    if (!merged.shape().equals(shape())) {
      throw refusal("returned shape %s, the parameter has %s".formatted(merged.shape(), shape()));
    }
    return merged;
  }

  /** Null breaks the method's contract, which a lambda may do all the same. */
  private static boolean isThere(@Nullable Object returned) {
    return returned != null;
  }

  /** The streaming method's work on blocks; an entry that it leaves out is NaN, and so refused. */
  StreamingMergeMethod.BlockMerge prepare(StreamingMergeMethod streaming, PlannedStream stream) {
    StreamingMergeMethod.BlockMerge merge =
        run(
            () ->
                Objects.requireNonNull(streaming.prepare(stream), "prepared null for its blocks"));
    return (block, merged) ->
        run(
            () -> {
              Arrays.fill(merged, 0, block.length(), Float.NaN);
              merge.merge(block, merged);
              return merged;
            });
  }

  private <T> T run(Supplier<T> work) {
    try {
      return work.get();
    } catch (MergeException | CheckpointException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new MergeException(
          "tensor '%s': method %s failed: %s".formatted(tensor.name(), method, e.getMessage()), e);
    }
  }

  /**
   * Refuses NaN and infinity among the values of a result, unless the recipe allows them.
   *
   * @param start number of the first value in the tensor
   */
  void requireFinite(long start, float[] values, int length) {
    int at = allowNonFinite ? -1 : NonFinite.firstIn(values, length);
    if (at >= 0) {
      throw refusal(
          "returned %s at %s, although every input is finite; use another method, or --allow-nonfinite"
              .formatted(values[at], NonFinite.position(tensor.shape(), start + at)));
    }
  }

  /**
   * Refuses values that overflowed as λ or the output's type was applied, unless the recipe allows
   * them.
   *
   * @param stored what the output holds
   * @return how many are not finite
   */
  long requireStorable(long start, float[] stored, int length) {
    int at = NonFinite.firstIn(stored, length);
    if (at < 0) {
      return 0;
    }
    if (!allowNonFinite) {
      throw new MergeException(
          "output tensor '%s': the merged value at %s is %s in %s, although every input is finite; use another method or scaling, a wider out_dtype, or --allow-nonfinite"
              .formatted(
                  tensor.name(),
                  NonFinite.position(tensor.shape(), start + at),
                  stored[at],
                  tensor.dtype().torchName()));
    }
    return NonFinite.countIn(stored, length);
  }

  private Shape shape() {
    return new Shape(tensor.shape());
  }

  private MergeException refusal(String what) {
    return new MergeException("tensor '%s': method %s %s".formatted(tensor.name(), method, what));
  }
}
