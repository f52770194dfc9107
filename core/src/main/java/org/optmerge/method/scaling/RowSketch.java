package org.optmerge.method.scaling;

import org.optmerge.base.CounterRandom;

/**
 * A random projection of a matrix's rows onto a few: every row is added to one of k buckets with a
 * sign, S with E[SᵀS] = I. Up to {@link #EXACT} rows are kept as they are.
 *
 * <p>So inner products of rows survive on average while one addition an entry is all it takes; a
 * function of the parameter's name and the row alone.
 *
 * @see <a href="https://doi.org/10.1007/3-540-45465-9_59">Charikar, Chen, Farach-Colton, Finding
 *     frequent items in data streams, ICALP 2002</a>
 */
final class RowSketch {
  /** Rows up to which nothing is projected. */
  static final int EXACT = 64;

  /**
   * Entries from which half the buckets do: there are many such tensors in a model, or few rows.
   */
  private static final long LARGE = 1 << 20;

  private final int columns;
  private final int buckets;
  private final int[] bucketOf;
  private final float[] signOf;

  /**
   * @param which tells independent sketches of one parameter apart
   */
  RowSketch(String parameter, int rows, int columns, int which) {
    this.columns = columns;
    this.buckets = rows <= EXACT ? rows : (long) rows * columns >= LARGE ? EXACT / 2 : EXACT;
    this.bucketOf = new int[rows];
    this.signOf = new float[rows];
    CounterRandom random = new CounterRandom(which, 0, parameter);
    for (int row = 0; row < rows; row++) {
      bucketOf[row] = rows <= EXACT ? row : random.integer(row, buckets);
      signOf[row] = rows <= EXACT || (random.bits(row) & 1) == 0 ? 1 : -1;
    }
  }

  boolean isExact() {
    return buckets == bucketOf.length;
  }

  int buckets() {
    return buckets;
  }

  /** Room for a sketch, k rows. */
  float[] empty() {
    return new float[Math.multiplyExact(buckets, columns)];
  }

  /** Adds entries {@code start} to {@code start + length} of a flattened matrix. */
  void add(long start, float[] values, int length, float[] sketch) {
    int done = 0;
    while (done < length) {
      int row = (int) ((start + done) / columns);
      int column = (int) ((start + done) % columns);
      int count = Math.min(columns - column, length - done);
      addRow(values, done, signOf[row], sketch, bucketOf[row] * columns + column, count);
      done += count;
    }
  }

  private static void addRow(
      float[] values, int from, float factor, float[] sketch, int at, int count) {
    for (int i = 0; i < count; i++) {
      sketch[at + i] += factor * values[from + i];
    }
  }

  /**
   * Adds scale · B · A without multiplying it out.
   *
   * @param b shape (rows, rank), flattened
   * @param a shape (rank, columns), flattened
   */
  void addProduct(float[] b, float[] a, double scale, float[] sketch) {
    int rank = a.length / columns;
    float[] sb = new float[buckets * rank];
    for (int row = 0; row < bucketOf.length; row++) {
      addRow(b, row * rank, signOf[row], sb, bucketOf[row] * rank, rank);
    }
    for (int bucket = 0; bucket < buckets; bucket++) {
      for (int r = 0; r < rank; r++) {
        float factor = (float) (scale * sb[bucket * rank + r]);
        addRow(a, r * columns, factor, sketch, bucket * columns, columns);
      }
    }
  }
}
