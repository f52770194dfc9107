package org.optmerge.method;

/** What a method for matrices does with parameters that are not matrices. */
public enum NonMatrixRule {
  /** The mean of the task vectors. */
  MEAN,
  /** Their sum. */
  SUM;

  double ofSum(int count) {
    return this == MEAN ? 1.0 / count : 1;
  }
}
