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
    if (weight instanceof Weight.Rescaled rescaled) {
      return Outputs.of(rescaled, bytesRead);
    } else if (weight instanceof Weight.Stack stack) {
      return new Experts(
          new WeightReader(stack.base(), bytesRead), LowRankChange.ofExperts(stack, bytesRead));
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

  /** A matrix whose outputs are multiplied by a factor each. */
  record Outputs(WeightReader weight, float[] factors, int width, boolean columns)
      implements WeightSource {
    private static final int ROWS = 64;

    /** Reads the weight once for the norms of its outputs. */
    static Outputs of(Weight.Rescaled rescaled, LongAdder bytesRead) {
      WeightReader weight = new WeightReader(rescaled.weight(), bytesRead);
      long size = Fusion.size(rescaled.shape());
      int rows = Math.toIntExact(rescaled.shape().get(0));
      int width = Math.toIntExact(size / rows);
      double[] squares = new double[rescaled.columns() ? width : rows];
      float[] block = new float[Math.multiplyExact(ROWS, width)];
      for (int row = 0; row < rows; row += ROWS) {
        int length = Math.min(ROWS, rows - row) * width;
        weight.read((long) row * width, length, block);
        for (int i = 0; i < length; i++) {
          squares[rescaled.columns() ? i % width : row + i / width] += (double) block[i] * block[i];
        }
      }
      float[] factors = new float[squares.length];
      new WeightReader(rescaled.magnitude(), bytesRead).read(0, factors.length, factors);
      for (int o = 0; o < factors.length; o++) {
        factors[o] = (float) (factors[o] / Math.sqrt(squares[o]));
      }
      return new Outputs(weight, factors, width, rescaled.columns());
    }

    @Override
    public void read(long start, int length, float[] target) {
      weight.read(start, length, target);
      for (int i = 0; i < length; i++) {
        target[i] *= factors[(int) (columns ? (start + i) % width : (start + i) / width)];
      }
    }
  }

  /** A stack with a change of each expert. */
  record Experts(WeightReader base, List<LowRankChange> changes) implements WeightSource {
    @Override
    public void read(long start, int length, float[] target) {
      base.read(start, length, target);
      long begin = 0;
      for (LowRankChange change : changes) {
        long size = (long) change.rows() * change.columns();
        long from = Math.max(start, begin);
        int count = (int) (Math.min(start + length, begin + size) - from);
        if (count > 0) {
          float[] values = new float[count];
          change.addTo(from - begin, count, values);
          for (int i = 0; i < count; i++) {
            target[(int) (from - start) + i] += values[i];
          }
        }
        begin += size;
      }
    }
  }
}
