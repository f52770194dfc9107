package org.optmerge.method.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Optional;

/** Measurements of the experts on data, for the methods that need it. */
@FunctionalInterface
public interface Statistics {
  /**
   * The statistic of one expert for one parameter.
   *
   * @param manager where the array is to live
   * @param parameter the parameter's name in the checkpoint
   * @param expert counted from 0
   * @return empty if there is none for this parameter
   */
  Optional<NDArray> of(NDManager manager, String parameter, int expert);
}
