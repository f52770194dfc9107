package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * A method for matrices, and what it does with everything else.
 *
 * <p>All arithmetic is float64 unless a method says otherwise; nothing of native memory but the
 * result is left behind; NaN, infinity and failed factorisations are errors that name the
 * parameter.
 */
public interface MatrixMethod extends MergeMethod {
  /** Merges the task vectors of one matrix; the result is in their scope. */
  TaskVector mergeMatrices(Matrices tau);

  /** The rule for parameters that are not matrices; their mean unless the method says so. */
  default NonMatrixRule elsewhere() {
    return NonMatrixRule.MEAN;
  }

  /** True for parameters that the method works on: all matrices unless it says otherwise. */
  default boolean merges(TaskVectors tau) {
    return tau.shape().dimension() == 2;
  }

  @Override
  default NDArray merge(TaskVectors tau) {
    TaskVector merged = mergeFactored(tau);
    if (merged instanceof TaskVector.LowRank factors) {
      try (NDArray b = factors.b();
          NDArray a = factors.a()) {
        return factors.dense();
      }
    }
    return merged.dense();
  }

  @Override
  default TaskVector mergeFactored(TaskVectors tau) {
    try {
      if (!merges(tau)) {
        return new TaskVector.Dense(elsewhere(tau));
      }
      try (Matrices matrices = new Matrices(tau)) {
        return matrices.handOut(mergeMatrices(matrices));
      }
    } catch (LinearAlgebraException e) {
      throw e.at(tau.parameter());
    }
  }

  private NDArray elsewhere(TaskVectors tau) {
    try (NDManager scope = tau.manager().newSubManager()) {
      NDArray sum = scope.zeros(tau.shape(), DataType.FLOAT64);
      for (TaskVector vector : tau.vectors()) {
        try (NDArray wide = Matrices.dense(scope, vector)) {
          sum.addi(wide);
        }
      }
      return scope.ret(sum.muli(elsewhere().ofSum(tau.count())));
    }
  }
}
