package org.optmerge.merge;

import java.util.LinkedHashSet;
import java.util.Set;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.taskvector.Weight;

/** Words for weights in messages. */
final class Weights {
  private Weights() {}

  /** The stored tensor under any adapters. */
  static Weight.Stored stored(Weight weight) {
    return weight instanceof Weight.Adapted adapted
        ? stored(adapted.base())
        : (Weight.Stored) weight;
  }

  /** Every checkpoint that a piece of work reads. */
  static Set<Checkpoint> checkpoints(PlannedTensor.Work work) {
    Set<Checkpoint> found = new LinkedHashSet<>();
    if (work instanceof PlannedTensor.Copy copy) {
      collect(copy.from(), found);
    } else if (work instanceof PlannedTensor.Merge merge) {
      if (merge.base() != null) {
        collect(merge.base(), found);
      }
      merge.inputs().forEach(input -> collect(input, found));
    }
    return found;
  }

  private static void collect(Weight weight, Set<Checkpoint> found) {
    found.add(stored(weight).checkpoint());
    for (Weight at = weight; at instanceof Weight.Adapted adapted; at = adapted.base()) {
      found.add(adapted.adapter().tensors());
    }
  }

  /** File, adapter if any, and tensor. */
  static String describe(Weight weight) {
    if (weight instanceof Weight.Adapted adapted) {
      return describe(adapted.base()) + " with adapter " + adapted.adapter().folder();
    }
    Weight.Stored stored = (Weight.Stored) weight;
    return "%s: tensor '%s'".formatted(stored.tensor().file(), stored.tensor().name());
  }
}
