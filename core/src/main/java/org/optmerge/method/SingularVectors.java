package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.Svd;

/**
 * Singular triplets of several matrices, gathered and made orthonormal together: what TSV-M and
 * Iso-CTS share.
 */
final class SingularVectors {
  /** Unit vectors that depend on each other to this degree count as dependent. */
  private static final double DEPENDENT = 1e-6;

  private final List<NDArray> u = new ArrayList<>();
  private final List<NDArray> vt = new ArrayList<>();
  private final List<double[]> s = new ArrayList<>();

  void add(Svd svd) {
    if (svd.s().length > 0) {
      u.add(svd.u());
      vt.add(svd.vt());
      s.add(svd.s());
    }
  }

  boolean isEmpty() {
    return s.isEmpty();
  }

  /** All singular values, in the order they were added. */
  double[] values() {
    return s.stream().flatMapToDouble(Arrays::stream).toArray();
  }

  /** All left vectors beside each other. */
  NDArray left() {
    return NDArrays.concat(new NDList(u), 1);
  }

  /**
   * The nearest orthonormal columns to all left vectors and rows to all right ones, with the
   * singular values between them. Directions in which the vectors depend on each other, as those of
   * a repeated expert do, are shared out among them.
   */
  Svd orthonormal() {
    NDArray left = LinearAlgebra.polar(left(), DEPENDENT);
    NDArray right = LinearAlgebra.polar(NDArrays.concat(new NDList(vt), 0), DEPENDENT);
    return new Svd(left, values(), right);
  }
}
