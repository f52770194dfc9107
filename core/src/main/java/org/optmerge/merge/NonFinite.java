package org.optmerge.merge;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Finds NaN and infinite values. */
final class NonFinite {
  private NonFinite() {}

  /** Index of the first value that is not finite, or -1. */
  static int firstIn(float[] values, int length) {
    if (Float.isFinite(largestMagnitude(values, length))) {
      return -1;
    }
    for (int i = 0; i < length; i++) {
      if (!Float.isFinite(values[i])) {
        return i;
      }
    }
    throw new AssertionError("a non-finite bit pattern was seen but not found");
  }

  /** The largest |value|; infinity or NaN if any value is. */
  static float largestMagnitude(float[] values, int length) {
    // A maximum of bit patterns orders magnitudes as integers do, NaN last, and the compiler
    // vectorises it.
    int largest = 0;
    for (int i = 0; i < length; i++) {
      largest = Math.max(largest, Float.floatToRawIntBits(values[i]) & 0x7fffffff);
    }
    return Float.intBitsToFloat(largest);
  }

  /** How many values are not finite. */
  static int countIn(float[] values, int length) {
    int count = 0;
    for (int i = 0; i < length; i++) {
      count += Float.isFinite(values[i]) ? 0 : 1;
    }
    return count;
  }

  static String message(String where, List<Long> shape, long index, float value) {
    return "%s holds %s at %s; a merge would spread it. Repair the checkpoint, or pass --allow-nonfinite to merge it all the same"
        .formatted(where, value, position(shape, index));
  }

  /** An index in the flattened tensor as coordinates, such as {@code [3, 17]}. */
  static List<Long> position(List<Long> shape, long index) {
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
