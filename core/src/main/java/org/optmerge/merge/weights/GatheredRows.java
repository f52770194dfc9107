package org.optmerge.merge.weights;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.taskvector.RowMap;

/** Reads a matrix whose rows come from others. */
final class GatheredRows implements WeightSource {
  private final List<WeightReader> from;
  private final RowMap rows;
  private final long columns;

  /** The mean of all rows that have a source; null until it is asked for. */
  private float @Nullable [] mean;

  GatheredRows(List<WeightReader> from, RowMap rows, long columns) {
    this.from = from;
    this.rows = rows;
    this.columns = columns;
  }

  @Override
  public void read(long start, int length, float[] target) {
    int done = 0;
    while (done < length) {
      int row = (int) ((start + done) / columns);
      long column = (start + done) % columns;
      int last = (int) ((start + length - 1) / columns);
      int run = row < rows.filled() ? rows.run(row, last + 1) : 1;
      int count = (int) Math.min(length - done, run * columns - column);
      float[] values = done == 0 ? target : new float[count];
      read(row, column, count, values);
      if (done > 0) {
        System.arraycopy(values, 0, target, done, count);
      }
      done += count;
    }
  }

  /** Entries from one place on, within rows that lie side by side. */
  private void read(int row, long column, int count, float[] target) {
    if (row >= rows.filled()) {
      System.arraycopy(mean(), (int) column, target, 0, count);
      return;
    }
    List<RowMap.Row> sources = rows.from(row);
    if (sources.size() == 1) {
      RowMap.Row source = sources.get(0);
      from.get(source.matrix()).read(source.row() * columns + column, count, target);
      return;
    }
    double[] sum = new double[count];
    float[] one = new float[count];
    for (RowMap.Row source : sources) {
      from.get(source.matrix()).read(source.row() * columns + column, count, one);
      for (int i = 0; i < count; i++) {
        sum[i] += one[i];
      }
    }
    for (int i = 0; i < count; i++) {
      target[i] = (float) (sum[i] / Math.max(1, sources.size()));
    }
  }

  private synchronized float[] mean() {
    float[] known = mean;
    if (known == null) {
      int width = Math.toIntExact(columns);
      double[] sum = new double[width];
      float[] row = new float[width];
      for (int i = 0; i < rows.filled(); i++) {
        Arrays.fill(row, 0);
        read(i, 0, width, row);
        for (int j = 0; j < width; j++) {
          sum[j] += row[j];
        }
      }
      known = new float[width];
      for (int j = 0; j < width; j++) {
        known[j] = (float) (sum[j] / Math.max(1, rows.filled()));
      }
      mean = known;
    }
    return known;
  }
}
