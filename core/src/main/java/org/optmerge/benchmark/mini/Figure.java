package org.optmerge.benchmark.mini;

import java.util.Locale;

/** Something of one colour on an image. A pixel's middle is half a pixel from its corner. */
interface Figure {
  /** One of {@link PatchLabels#KINDS}: the name of the class unless it has several kinds. */
  default String kind() {
    return getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  Color color();

  /**
   * Holds all pixels covered: the least such box but for characters, which have a field, and rays.
   */
  PixelBox box();

  /** True if a pixel of the box is covered. */
  boolean covers(int x, int y);

  /** The value that is read off it, in the units of {@link PatchLabels#value}; 0 if nothing is. */
  default int value() {
    return 0;
  }

  /** True if a patch whose middle is here is taken to belong to it. */
  default boolean claims(double x, double y) {
    PixelBox box = box();
    return box.left() - 2 <= x
        && x <= box.right() + 3
        && box.top() - 2 <= y
        && y <= box.bottom() + 3;
  }
}
