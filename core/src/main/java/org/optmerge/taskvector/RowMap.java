package org.optmerge.taskvector;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows that a matrix has from other matrices, such as an embedding's in another vocabulary:
 * each is a row of one of them, or the mean of several, or zero.
 */
public final class RowMap {
  /** A row of zeros. */
  private static final int ZERO = -1;

  /** A row, and of which matrix. */
  public record Row(int matrix, int row) {}

  private final int[] matrices;
  private final int[] rows;
  private final List<List<Row>> means = new ArrayList<>();
  private final int filled;

  /**
   * All rows zero.
   *
   * @param count the number of rows
   * @param filled rows from this one on are the mean of those before it
   */
  public RowMap(int count, int filled) {
    this.matrices = new int[count];
    this.rows = new int[count];
    this.filled = filled;
    Arrays.fill(matrices, ZERO);
  }

  /** Takes a row of one of the matrices. */
  public void set(int row, Row from) {
    matrices[row] = from.matrix();
    rows[row] = from.row();
  }

  /** Takes the mean of rows; of none it is zero. */
  public void setMean(int row, List<Row> from) {
    if (from.isEmpty()) {
      matrices[row] = ZERO;
    } else if (from.size() == 1) {
      set(row, from.get(0));
    } else {
      matrices[row] = ZERO - 1 - means.size();
      means.add(List.copyOf(from));
    }
  }

  /** Number of rows. */
  public int count() {
    return matrices.length;
  }

  /** Rows from this one on are the mean of those before it. */
  public int filled() {
    return filled;
  }

  /** The rows whose mean a row is; empty if it is zero. */
  public List<Row> from(int row) {
    if (matrices[row] >= 0) {
      return List.of(new Row(matrices[row], rows[row]));
    }
    return matrices[row] == ZERO ? List.of() : means.get(ZERO - 1 - matrices[row]);
  }

  /** The number of rows from this one on that lie side by side in one matrix. */
  public int run(int row, int end) {
    int length = 1;
    while (matrices[row] >= 0
        && row + length < Math.min(end, filled)
        && matrices[row + length] == matrices[row]
        && rows[row + length] == rows[row] + length) {
      length++;
    }
    return length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RowMap map
        && filled == map.filled
        && Arrays.equals(matrices, map.matrices)
        && Arrays.equals(rows, map.rows)
        && means.equals(map.means);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(matrices)
        + 31 * (Arrays.hashCode(rows) + 31 * (means.hashCode() + filled));
  }
}
