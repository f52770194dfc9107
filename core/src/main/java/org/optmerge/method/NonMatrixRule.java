package org.optmerge.method;

/** The rule of a method for matrices for parameters that are not matrices. */
public enum NonMatrixRule {
  /** The mean of the task vectors. */
  MEAN,
  /** Their sum. */
  SUM;

  double ofSum(int count) {
    return this == MEAN ? 1.0 / count : 1;
  }
}
