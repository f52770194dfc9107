package org.optmerge.model.vision;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Tiles of a picture in columns and rows.
 *
 * @param columns tiles from left to right
 * @param rows tiles from top to bottom
 * @see <a href="https://arxiv.org/abs/2404.16821">Chen et al., How far are we to GPT-4V? (InternVL
 *     1.5), section 3.3, dynamic high-resolution</a>
 */
public record TileGrid(int columns, int rows) {
  /** The number of tiles. */
  public int tiles() {
    return columns * rows;
  }

  /** All grids of {@code minimum} to {@code maximum} tiles, fewer tiles first. */
  public static List<TileGrid> candidates(int minimum, int maximum) {
    List<TileGrid> grids = new ArrayList<>();
    for (int columns = 1; columns <= maximum; columns++) {
      for (int rows = 1; columns * rows <= maximum; rows++) {
        if (columns * rows >= minimum) {
          grids.add(new TileGrid(columns, rows));
        }
      }
    }
    grids.sort(Comparator.comparingInt(TileGrid::tiles));
    return List.copyOf(grids);
  }

  /**
   * The grid whose proportions are closest to a picture's. Of equally close ones the larger is
   * taken if the picture has more than half of its pixels.
   *
   * @param tileSize side of a tile in pixels
   */
  public static TileGrid closest(int width, int height, int minimum, int maximum, int tileSize) {
    double ratio = (double) width / height;
    double smallest = Double.POSITIVE_INFINITY;
    TileGrid best = new TileGrid(1, 1);
    for (TileGrid grid : candidates(minimum, maximum)) {
      double difference = Math.abs(ratio - (double) grid.columns / grid.rows);
      double pixels = (double) tileSize * tileSize * grid.tiles();
      if (difference < smallest
          || (difference == smallest && (double) width * height > 0.5 * pixels)) {
        best = grid;
      }
      smallest = Math.min(smallest, difference);
    }
    return best;
  }
}
