package org.optmerge.method;

import java.util.List;

/** The rows and columns of a parameter of any shape. */
final class Extents {
  private Extents() {}

  /** The last extent; a vector is one row. */
  static long rowLength(List<Long> shape) {
    return shape.isEmpty() ? 1 : Math.max(1, shape.get(shape.size() - 1));
  }

  /** The number of columns, vectors along the first extent; a vector is one column. */
  static long columns(List<Long> shape) {
    long columns = 1;
    for (int axis = 1; axis < shape.size(); axis++) {
      columns = Math.multiplyExact(columns, shape.get(axis));
    }
    return Math.max(1, columns);
  }

  /** The number of entries. */
  static long size(List<Long> shape) {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }
}
