package org.optmerge.merge.weights;

import ai.djl.ndarray.NDManager;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Kernels;
import org.optmerge.checkpoint.DType;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.Weight;

/**
 * Reads one weight piece by piece; a low-rank change is multiplied out for the piece alone. Safe
 * from several threads.
 *
 * <p>Made when its tensor's turn comes, so that at most the factors of the tensors in work are in
 * memory.
 */
public final class WeightReader {
  private final Weight weight;
  private final Weight bottom;
  private final WeightSource source;
  private final LowRankChange @Nullable [] changes;
  private final LongAdder bytesRead;

  /** Whether the weight under the adapter is the base's; null before it was asked. */
  private @Nullable Boolean equalsBase;

  public WeightReader(Weight weight, LongAdder bytesRead) {
    this.weight = weight;
    this.bytesRead = bytesRead;
    this.bottom = bottom(weight);
    this.source = WeightSource.of(bottom, bytesRead);
    this.changes = changes(weight, bytesRead);
  }

  public Weight weight() {
    return weight;
  }

  /** Values {@code start} to {@code start + length} of the flattened weight. */
  public void read(long start, int length, float[] target) {
    source.read(start, length, target);
    addChanges(start, length, target);
  }

  /** The whole weight in double precision. */
  public double[] readDoubles() {
    int size = Math.toIntExact(weight.shape().stream().reduce(1L, Math::multiplyExact));
    double[] values = new double[size];
    if (bottom instanceof Weight.Stored stored && stored.dtype() == DType.F64) {
      ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(size, 8));
      stored.checkpoint().readBytes(stored.tensor(), 0, bytes);
      bytes.flip().order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
      bytesRead.add(bytes.capacity());
    } else {
      float[] narrow = new float[size];
      source.read(0, size, narrow);
      Arrays.setAll(values, i -> narrow[i]);
    }
    if (changes != null) {
      float[] change = new float[size];
      addChanges(0, size, change);
      Arrays.setAll(values, i -> values[i] + change[i]);
    }
    return values;
  }

  /**
   * The task vector against a base, θ − θ_0, of which {@code base} holds the same piece. Where this
   * weight is the base with an adapter, the change itself is returned, without the rounding of a
   * sum and a difference.
   */
  public void readTaskVector(
      long start, int length, float[] base, Weight baseWeight, float[] target) {
    if (isAdaptedFrom(baseWeight)) {
      Arrays.fill(target, 0, length, 0f);
      addChanges(start, length, target);
    } else {
      read(start, length, target);
      Kernels.best().subtract(target, base, length);
    }
  }

  /** True if this weight is an adapter over just that base, or over a copy of it. */
  public boolean isAdaptedFrom(Weight base) {
    return changes != null
        && (bottom.equals(base)
            || (bottom instanceof Weight.Stored stored
                && base instanceof Weight.Stored other
                && isEqual(stored, other)));
  }

  /** True if the weight under the adapter is a copy of the base's, as modality models have it. */
  private synchronized boolean isEqual(Weight.Stored stored, Weight.Stored base) {
    Boolean known = equalsBase;
    if (known == null) {
      known = stored.hasBytesOf(base);
      equalsBase = known;
    }
    return known;
  }

  /**
   * The change as factors in native memory; null if there is none, or more than one on top of
   * another.
   */
  public TaskVector.@Nullable LowRank factors(NDManager manager) {
    return changes != null && changes.length == 1 ? changes[0].toArrays(manager) : null;
  }

  private void addChanges(long start, int length, float[] target) {
    if (changes != null) {
      for (LowRankChange change : changes) {
        change.addTo(start, length, target);
      }
    }
  }

  /** The weight under all adapters. */
  private static Weight bottom(Weight weight) {
    Weight at = weight;
    while (at instanceof Weight.Adapted adapted) {
      at = adapted.base();
    }
    return at;
  }

  private static LowRankChange @Nullable [] changes(Weight weight, LongAdder bytesRead) {
    List<LowRankChange> found = new ArrayList<>();
    for (Weight at = weight; at instanceof Weight.Adapted adapted; at = adapted.base()) {
      found.add(LowRankChange.load(adapted, bytesRead));
    }
    return found.isEmpty() ? null : found.toArray(LowRankChange[]::new);
  }
}
