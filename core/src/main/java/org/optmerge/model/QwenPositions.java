package org.optmerge.model;

import java.util.Iterator;
import java.util.List;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/**
 * Positions on three axes, time, height and width. Text counts up on all of them alike; a picture
 * or video that begins at position s has s plus its own coordinates; what follows begins after the
 * largest position so far.
 *
 * @param axes (3, B, N); padding has position 1
 * @param deltas for each sequence, what the index of a new token is to be changed by to be its
 *     position on all axes
 * @see <a href="https://arxiv.org/abs/2409.12191">Qwen2-VL, section 2.1, M-RoPE</a>
 */
@SuppressWarnings("ArrayRecordComponent") // passed on at once, never compared
record QwenPositions(long[][][] axes, long[] deltas) {
  private static final int MERGE = QwenVLConfig.MERGE;

  /**
   * @param imageToken id of the token that features of pictures take the place of
   * @param videoToken the same for videos
   * @param speed temporal positions in a step from frame to frame of each video; 1 for Qwen2-VL
   */
  static QwenPositions of(
      TokenBatch batch,
      long imageToken,
      long videoToken,
      List<Grid> images,
      List<Grid> videos,
      List<Double> speed) {
    long[][][] axes = new long[3][batch.sequences()][batch.length()];
    long[] deltas = new long[batch.sequences()];
    Iterator<Grid> nextImage = images.iterator();
    Iterator<Grid> nextVideo = videos.iterator();
    Iterator<Double> nextSpeed = speed.iterator();
    for (int i = 0; i < batch.sequences(); i++) {
      long largest = -1;
      int place = 0;
      while (place < batch.length()) {
        if (!batch.attends(i, place)) {
          for (long[][] axis : axes) {
            axis[i][place] = 1;
          }
          place++;
          continue;
        }
        long start = largest + 1;
        long token = batch.id(i, place);
        if (token == imageToken || token == videoToken) {
          boolean image = token == imageToken;
          Grid grid = image ? nextImage.next() : nextVideo.next();
          double step = image ? 0 : nextSpeed.next();
          largest = Math.max(largest, place(axes, i, place, start, grid, step));
          place += grid.tokens();
        } else {
          for (long[][] axis : axes) {
            axis[i][place] = start;
          }
          largest = start;
          place++;
        }
      }
      deltas[i] = largest + 1 - batch.length();
    }
    return new QwenPositions(axes, deltas);
  }

  /** Places a grid; returns the largest position. */
  private static long place(
      long[][][] axes, int sequence, int first, long start, Grid grid, double speed) {
    int rows = grid.rows() / MERGE;
    int columns = grid.columns() / MERGE;
    if (first + grid.tokens() > axes[0][sequence].length) {
      throw new ModelException(
          "sequence %d ends within the %d tokens of a picture or video"
              .formatted(sequence, grid.tokens()));
    }
    long largest = start;
    int at = first;
    for (int t = 0; t < grid.frames(); t++) {
      long time = start + (long) Math.floor((float) (t * speed));
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++, at++) {
          axes[0][sequence][at] = time;
          axes[1][sequence][at] = start + row;
          axes[2][sequence][at] = start + column;
        }
      }
      largest = Math.max(largest, Math.max(time, start + Math.max(rows, columns) - 1));
    }
    return largest;
  }
}
