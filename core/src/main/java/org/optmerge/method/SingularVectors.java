package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.optmerge.linalg.InverseRoot;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;

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
   * The nearest orthonormal columns to all left vectors, values, and the nearest orthonormal rows
   * to all right vectors, multiplied together. Directions in which the vectors depend on each
   * other, as those of a repeated expert do, are shared out among them.
   *
   * @param values one for each triplet
   */
  NDArray orthonormal(double[] values) {
    return product(values, root(left()), root(rightColumns()));
  }

  /** The same as factors. */
  TaskVector.LowRank orthonormalFactors(double[] values) {
    NDArray left = root(left()).isometry(left());
    NDArray right = root(rightColumns()).isometry(rightColumns());
    return new TaskVector.LowRank(LinearAlgebra.scaleColumns(left, values), right.transpose(), 1);
  }

  /** As {@link #orthonormal} of float32 vectors; empty if their rounding moves the result more. */
  Optional<NDArray> orthonormalInFloat32(double[] values, double error) {
    InverseRoot ofLeft = InverseRoot.inFloat32(left(), DEPENDENT).orElseGet(() -> root(left()));
    InverseRoot ofRight =
        InverseRoot.inFloat32(rightColumns(), DEPENDENT).orElseGet(() -> root(rightColumns()));
    if (ofLeft.singularValues().length < values.length
        || ofRight.singularValues().length < values.length
        || ofLeft.shareOfFloat32Noise(left().getShape().get(0)) > error
        || ofRight.shareOfFloat32Noise(right().getShape().get(1)) > error) {
      return Optional.empty();
    }
    return Optional.of(product(values, ofLeft, ofRight));
  }

  private static InverseRoot root(NDArray vectors) {
    return InverseRoot.of(vectors, DEPENDENT);
  }

  /**
   * The shorter isometry first, in float64: the product of both roots alone may be larger than the
   * result by both condition numbers.
   */
  private NDArray product(double[] values, InverseRoot ofLeft, InverseRoot ofRight) {
    NDArray left = left();
    NDArray right = right();
    NDManager scope = left.getManager();
    if (left.getShape().get(0) >= right.getShape().get(1)) {
      NDArray rows = wide(scope, ofRight.root()).matMul(wide(scope, right));
      NDArray inner = wide(scope, ofLeft.root()).matMul(LinearAlgebra.scaleRows(rows, values));
      DataType type = ofLeft.root().getDataType();
      return LinearAlgebra.toType(scope, left, type)
          .matMul(LinearAlgebra.toType(scope, inner, type));
    }
    NDArray columns = wide(scope, left).matMul(wide(scope, ofLeft.root()));
    NDArray inner = LinearAlgebra.scaleColumns(columns, values).matMul(wide(scope, ofRight.root()));
    DataType type = ofRight.root().getDataType();
    return LinearAlgebra.toType(scope, inner, type)
        .matMul(LinearAlgebra.toType(scope, right, type));
  }

  private static NDArray wide(NDManager scope, NDArray x) {
    return LinearAlgebra.toFloat64(scope, x);
  }

  /** All right vectors beside each other. */
  private NDArray rightColumns() {
    return right().transpose();
  }

  /** All right vectors on top of each other. */
  private NDArray right() {
    return NDArrays.concat(new NDList(vt), 0);
  }
}
