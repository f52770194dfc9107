package org.optmerge.merge.weights;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.optmerge.taskvector.Weight;

/** Reads a weight that no adapter changes as a whole: stored, or put together from others. */
@FunctionalInterface
interface WeightSource {
  /** Values {@code start} to {@code start + length} of the flattened weight. */
  void read(long start, int length, float[] target);

  static WeightSource of(Weight weight, LongAdder bytesRead) {
    if (weight instanceof Weight.Stored stored) {
      return (start, length, target) -> {
        stored.checkpoint().read(stored.tensor(), start, length, target);
        bytesRead.add((long) length * stored.dtype().bytes());
      };
    } else if (weight instanceof Weight.Part part) {
      WeightReader whole = new WeightReader(part.whole(), bytesRead);
      return (start, length, target) -> whole.read(part.first() + start, length, target);
    } else if (weight instanceof Weight.Joined joined) {
      return new Sequence(
          joined.parts().stream().map(part -> new WeightReader(part, bytesRead)).toList());
    } else if (weight instanceof Weight.WithRows rows) {
      return new Rows(
          new WeightReader(rows.base(), bytesRead),
          new WeightReader(rows.rows(), bytesRead),
          rows.indices(),
          rows.shape().get(1));
    }
    if (weight instanceof Weight.Gathered gathered) {
      return new GatheredRows(
          gathered.from().stream().map(one -> new WeightReader(one, bytesRead)).toList(),
          gathered.rows(),
          gathered.shape().stream().skip(1).reduce(1L, Math::multiplyExact));
    }
    throw new IllegalArgumentException("no source of values: " + weight.describe());
  }

  /** Weights one after the other. */
  record Sequence(List<WeightReader> parts) implements WeightSource {
    @Override
    public void read(long start, int length, float[] target) {
      long begin = 0;
      for (WeightReader part : parts) {
        long size = part.weight().shape().stream().reduce(1L, Math::multiplyExact);
        long from = Math.max(start, begin);
        int count = (int) (Math.min(start + length, begin + size) - from);
        if (count > 0 && from == start) {
          part.read(from - begin, count, target);
        } else if (count > 0) {
          float[] values = new float[count];
          part.read(from - begin, count, values);
          System.arraycopy(values, 0, target, (int) (from - start), count);
        }
        begin += size;
      }
    }
  }

  /** A matrix of which some rows are others. */
  record Rows(WeightReader base, WeightReader rows, List<Integer> indices, long columns)
      implements WeightSource {
    @Override
    public void read(long start, int length, float[] target) {
      base.read(start, length, target);
      for (int i = 0; i < indices.size(); i++) {
        long begin = indices.get(i) * columns;
        long from = Math.max(start, begin);
        int count = (int) (Math.min(start + length, begin + columns) - from);
        if (count > 0) {
          float[] values = new float[count];
          rows.read(i * columns + from - begin, count, values);
          System.arraycopy(values, 0, target, (int) (from - start), count);
        }
      }
    }
  }
}
