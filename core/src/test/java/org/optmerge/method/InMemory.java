package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.ArrayTaskVectorStream;

/** Runs streaming methods over arrays. */
final class InMemory {
  private InMemory() {}

  /** Merges task vectors of one dimension. */
  static float[] merge(MergeMethod method, float[]... tau) {
    return merge(method, List.of((long) tau[0].length), tau);
  }

  /** Merges task vectors of a shape, flattened. */
  static float[] merge(MergeMethod method, List<Long> shape, float[]... tau) {
    return merge(method, new ArrayTaskVectorStream("weight", shape, tau));
  }

  static float[] merge(MergeMethod method, ArrayTaskVectorStream stream) {
    return ((StreamingMergeMethod) method.fit(List.of(stream))).merge(stream);
  }
}
