package org.optmerge.benchmark.mini;

/**
 * The outline of a rectangle.
 *
 * @param x the left edge in pixels
 * @param y the top edge in pixels
 * @param width in units of {@link #UNIT} pixels
 * @param height in units of {@link #UNIT} pixels
 * @param stroke the outline's width in pixels
 */
record Rectangle(Color color, int x, int y, int width, int height, int stroke) implements Figure {
  /** Pixels of a unit of length. */
  static final int UNIT = 4;

  /** A rectangle anywhere on the image, two pixels from its edge. */
  static Rectangle placed(Dice dice, Color color, int width, int height) {
    int x = dice.between(2, Sketch.SIDE - 2 - UNIT * width);
    int y = dice.between(2, Sketch.SIDE - 2 - UNIT * height);
    return new Rectangle(color, x, y, width, height, dice.between(1, 2));
  }

  @Override
  public PixelBox box() {
    return new PixelBox(x, y, x + UNIT * width - 1, y + UNIT * height - 1);
  }

  @Override
  public boolean covers(int px, int py) {
    PixelBox box = box();
    return px < box.left() + stroke
        || px > box.right() - stroke
        || py < box.top() + stroke
        || py > box.bottom() - stroke;
  }
}
