package org.optmerge.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/** A differentiable loss over one batch; training minimises it. */
@FunctionalInterface
public interface Objective {
  /**
   * The loss of a step, through which gradients flow to the parameters.
   *
   * @param arrays where the step's arrays live; closed after it
   * @param step counted from 0; which examples it uses is a function of this number alone, so that
   *     a resumed run sees what an unbroken one would have seen
   * @return one number, in {@code arrays}
   */
  NDArray loss(NDManager arrays, int step);
}
