package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/**
 * The places of the patches of several pictures or videos, and which attend to which. Patches come
 * in the order in which four neighbours become one token.
 */
final class QwenPatches {
  private static final int MERGE = QwenVLConfig.MERGE;
  private static final double THETA = 10_000;

  private final List<Grid> grids;
  private final int side;

  /**
   * @param side of a window in tokens; 0 if there are none
   */
  QwenPatches(List<Grid> grids, int side) {
    this.grids = List.copyOf(grids);
    this.side = side;
  }

  int patches() {
    return grids.stream().mapToInt(Grid::patches).sum();
  }

  /**
   * Angles of the rotary embedding: of the row, then of the column.
   *
   * @param headWidth of the vision model
   * @return for each patch {@code headWidth / 2} angles
   */
  float[][] angles(int headWidth) {
    int frequencies = headWidth / 4;
    float[][] angles = new float[patches()][2 * frequencies];
    int at = 0;
    for (Grid grid : grids) {
      for (int patch = 0; patch < grid.patches(); patch++, at++) {
        int cell = patch % (grid.rows() * grid.columns()) / (MERGE * MERGE);
        int within = patch % (MERGE * MERGE);
        int cells = grid.columns() / MERGE;
        int row = cell / cells * MERGE + within / MERGE;
        int column = cell % cells * MERGE + within % MERGE;
        for (int i = 0; i < frequencies; i++) {
          float frequency = 1 / (float) Math.pow(THETA, (float) i / frequencies);
          angles[at][i] = row * frequency;
          angles[at][frequencies + i] = column * frequency;
        }
      }
    }
    return angles;
  }

  /** The number of patches of each frame; patches attend within one. */
  long[] frames() {
    return grids.stream()
        .flatMapToLong(
            grid ->
                LongStream.generate(() -> (long) grid.rows() * grid.columns()).limit(grid.frames()))
        .toArray();
  }

  /**
   * Tokens window by window.
   *
   * @param order the tokens
   * @param ends number of patches up to the end of each window, from 0 on
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on at once, never compared
  record Windows(long[] order, long[] ends) {
    /** The number of patches of each window. */
    long[] counts() {
      return LongStream.range(1, ends.length).map(i -> ends[(int) i] - ends[(int) i - 1]).toArray();
    }

    /** The place of each token in the order. */
    long[] back() {
      long[] back = new long[order.length];
      for (int i = 0; i < order.length; i++) {
        back[(int) order[i]] = i;
      }
      return back;
    }
  }

  /** Windows of a frame row by row, within each its tokens row by row. */
  Windows windows() {
    List<Long> order = new ArrayList<>();
    List<Long> ends = new ArrayList<>(List.of(0L));
    long first = 0;
    for (Grid grid : grids) {
      int rows = grid.rows() / MERGE;
      int columns = grid.columns() / MERGE;
      for (int t = 0; t < grid.frames(); t++) {
        for (int top = 0; top < rows; top += side) {
          for (int left = 0; left < columns; left += side) {
            for (int row = top; row < Math.min(rows, top + side); row++) {
              for (int column = left; column < Math.min(columns, left + side); column++) {
                order.add(first + ((long) t * rows + row) * columns + column);
              }
            }
            ends.add((long) order.size() * MERGE * MERGE);
          }
        }
      }
      first += (long) grid.frames() * rows * columns;
    }
    return new Windows(
        order.stream().mapToLong(Long::longValue).toArray(),
        ends.stream().mapToLong(Long::longValue).toArray());
  }
}
