package org.optmerge.merge.weights;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.optmerge.base.Kernels;

/** Finds NaN and infinite values. */
public final class NonFinite {
  private NonFinite() {}

  /** Index of the first value that is not finite, or -1. */
  public static int firstIn(float[] values, int length) {
    if (Kernels.best().allFinite(values, 0, length)) {
      return -1;
    }
    for (int i = 0; i < length; i++) {
      if (!Float.isFinite(values[i])) {
        return i;
      }
    }
    throw new IllegalStateException("a value that is not finite was seen and not found");
  }

  /** The number of values that are not finite. */
  public static int countIn(float[] values, int length) {
    int count = 0;
    for (int i = 0; i < length; i++) {
      count += Float.isFinite(values[i]) ? 0 : 1;
    }
    return count;
  }

  public static String message(String where, List<Long> shape, long index, float value) {
    return "%s holds %s at %s; a merge would spread it. Repair the checkpoint, or pass --allow-nonfinite to merge it all the same"
        .formatted(where, value, position(shape, index));
  }

  /** The words for a value that the type to which inputs are cast does not hold. */
  public static String overflow(
      String where, List<Long> shape, long index, float value, String type) {
    return "%s holds %s at %s, which %s does not hold; give a wider dtype"
        .formatted(where, value, position(shape, index), type);
  }

  /** An index in the flattened tensor as coordinates, such as {@code [3, 17]}. */
  public static List<Long> position(List<Long> shape, long index) {
    List<Long> coordinates = new ArrayList<>();
    long rest = index;
    for (int axis = shape.size() - 1; axis >= 0; axis--) {
      long extent = shape.get(axis);
      coordinates.add(rest % extent);
      rest /= extent;
    }
    Collections.reverse(coordinates);
    return coordinates;
  }
}
