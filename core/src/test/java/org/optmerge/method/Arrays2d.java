package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/** Task vectors for tests of matrix methods, and how far two arrays are apart. */
public final class Arrays2d {
  private Arrays2d() {}

  /** Any method in KnOTS' common basis. */
  public static MergeMethod knots(MergeMethod inner) {
    return Knots.around(inner);
  }

  /** Any method in the Core Space. */
  public static MergeMethod coreSpace(MergeMethod inner) {
    return new CoreSpace(inner);
  }

  public static TaskVectors tau(NDManager manager, double[][]... matrices) {
    return tau(Arrays.stream(matrices).map(manager::create).toList());
  }

  public static TaskVectors tau(List<NDArray> arrays) {
    return new TaskVectors(
        "layer.weight", arrays.stream().map(a -> (TaskVector) new TaskVector.Dense(a)).toList());
  }

  /** N Gaussian matrices of about unit norm, float64. */
  public static TaskVectors gaussian(
      NDManager manager, int rows, int columns, int count, long seed) {
    Random random = new Random(seed);
    List<NDArray> arrays = new ArrayList<>();
    for (int t = 0; t < count; t++) {
      arrays.add(gaussian(manager, rows, columns, random).div(Math.sqrt(rows * columns)));
    }
    return tau(arrays);
  }

  public static NDArray gaussian(NDManager manager, int rows, int columns, Random random) {
    double[] values = new double[rows * columns];
    Arrays.setAll(values, i -> random.nextGaussian());
    return manager.create(values, new Shape(rows, columns));
  }

  /** N adapters of a rank, the last one with a scale of its own, float32 factors. */
  public static TaskVectors lowRank(
      NDManager manager, int rows, int columns, int rank, int count, long seed) {
    Random random = new Random(seed);
    List<TaskVector> vectors = new ArrayList<>();
    for (int t = 0; t < count; t++) {
      NDArray b = gaussian(manager, rows, rank, random).toType(DataType.FLOAT32, true);
      NDArray a = gaussian(manager, rank, columns, random).toType(DataType.FLOAT32, true);
      vectors.add(new TaskVector.LowRank(b, a, t == count - 1 ? 0.5 : 2));
    }
    return new TaskVectors("layer.weight", vectors);
  }

  /** The same task vectors, written out. */
  public static TaskVectors expanded(NDManager manager, TaskVectors tau) {
    return tau(tau.vectors().stream().map(vector -> Matrices.dense(manager, vector)).toList());
  }

  public static TaskVectors map(
      TaskVectors tau, java.util.function.UnaryOperator<NDArray> function) {
    return tau(tau.vectors().stream().map(vector -> function.apply(vector.dense())).toList());
  }

  public static NDArray sum(TaskVectors tau) {
    return tau.stack().sum(new int[] {0});
  }

  /** ‖actual − expected‖_F / ‖expected‖_F; the numerator alone if that is zero. */
  public static double error(NDArray actual, NDArray expected) {
    NDArray wide = actual.toType(DataType.FLOAT64, true);
    double norm = LinearAlgebra.squaredNorm(expected);
    return Math.sqrt(
        LinearAlgebra.squaredNorm(wide.sub(expected.toType(DataType.FLOAT64, true)))
            / (norm == 0 ? 1 : norm));
  }
}
