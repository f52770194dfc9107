package org.optmerge.benchmark.mini;

import java.util.List;

/** The five shapes, each in a square of w × w pixels whose four sides it touches. */
enum Shape implements Word {
  CIRCLE,
  SQUARE,
  /** Its apex in the middle of the top. */
  TRIANGLE,
  /** Its corners in the middle of the sides. */
  DIAMOND,
  /** Two bars of a third of the width. */
  CROSS;

  static final List<Shape> ALL = List.of(values());

  /** True if a pixel is part of the shape, counted from the top left of its square of w pixels. */
  boolean covers(int x, int y, int w) {
    // Twice the distance from the middle, so that even and odd widths need no halves.
    int across = Math.abs(2 * x - (w - 1));
    int down = Math.abs(2 * y - (w - 1));
    return switch (this) {
      case CIRCLE -> across * across + down * down <= w * w;
      case SQUARE -> true;
      case TRIANGLE -> across <= Math.max(y, 1);
      case DIAMOND -> across + down <= w;
      case CROSS -> across < w / 3 + 1 || down < w / 3 + 1;
    };
  }
}
