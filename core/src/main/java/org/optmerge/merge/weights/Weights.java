package org.optmerge.merge.weights;

import java.nio.ByteBuffer;
import java.util.LinkedHashSet;
import java.util.Set;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.taskvector.Weight;

/** What is asked of weights, whatever they are made of. */
public final class Weights {
  /** Bytes that are compared at a time. */
  private static final int CHUNK = 1 << 20;

  private Weights() {}

  /** The stored tensor under any adapters. */
  public static Weight.Stored stored(Weight weight) {
    return weight instanceof Weight.Adapted adapted
        ? stored(adapted.base())
        : (Weight.Stored) weight;
  }

  /** True if two stored weights have the same type, shape and bytes, which are read. */
  public static boolean haveEqualBytes(Weight.Stored one, Weight.Stored other) {
    if (one.dtype() != other.dtype() || !one.shape().equals(other.shape())) {
      return false;
    }
    long size = one.shape().stream().reduce(1L, Math::multiplyExact);
    long bytes = Math.multiplyExact(size, one.dtype().bytes());
    ByteBuffer ours = ByteBuffer.allocate((int) Math.min(bytes, CHUNK));
    ByteBuffer theirs = ByteBuffer.allocate(ours.capacity());
    for (long at = 0; at < bytes; at += CHUNK) {
      int length = (int) Math.min(CHUNK, bytes - at);
      one.checkpoint().readBytes(one.tensor(), at, ours.clear().limit(length));
      other.checkpoint().readBytes(other.tensor(), at, theirs.clear().limit(length));
      if (!ours.flip().equals(theirs.flip())) {
        return false;
      }
    }
    return true;
  }

  /** Every checkpoint that a piece of work reads. */
  public static Set<Checkpoint> checkpoints(PlannedTensor.Work work) {
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
  public static String describe(Weight weight) {
    if (weight instanceof Weight.Adapted adapted) {
      return describe(adapted.base()) + " with adapter " + adapted.adapter().folder();
    }
    Weight.Stored stored = (Weight.Stored) weight;
    return "%s: tensor '%s'".formatted(stored.tensor().file(), stored.tensor().name());
  }
}
