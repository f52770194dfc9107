package org.optmerge.benchmark.mini;

/**
 * Two rays from a vertex, two pixels wide.
 *
 * @param units the angle between them, in steps of 15°
 * @param x the vertex, in pixels
 * @param y the vertex, in pixels
 * @param x1 the end of the first ray
 * @param y1 the end of the first ray
 * @param x2 the end of the second ray
 * @param y2 the end of the second ray
 */
record Angle(Color color, int units, double x, double y, double x1, double y1, double x2, double y2)
    implements Figure {
  /** Pixels that stay free at the image's edge. */
  private static final double MARGIN = 2;

  /** An angle in any direction, anywhere on the image. */
  static Angle placed(Dice dice, Color color, int units) {
    double direction = 2 * Math.PI * dice.uniform();
    double second = direction + units * Math.PI / 12;
    double length1 = 15 + 7 * dice.uniform();
    double length2 = 15 + 7 * dice.uniform();
    double x1 = length1 * StrictMath.cos(direction);
    double y1 = length1 * StrictMath.sin(direction);
    double x2 = length2 * StrictMath.cos(second);
    double y2 = length2 * StrictMath.sin(second);
    double x = place(dice, Math.min(0, Math.min(x1, x2)), Math.max(0, Math.max(x1, x2)));
    double y = place(dice, Math.min(0, Math.min(y1, y2)), Math.max(0, Math.max(y1, y2)));
    return new Angle(color, units, x, y, x + x1, y + y1, x + x2, y + y2);
  }

  /** The place of zero, such that what reaches from {@code low} to {@code high} is on the image. */
  private static double place(Dice dice, double low, double high) {
    double free = Sketch.SIDE - 2 * MARGIN - (high - low);
    return MARGIN - low + free * dice.uniform();
  }

  @Override
  public int value() {
    return units;
  }

  @Override
  public PixelBox box() {
    return new PixelBox(
        (int) Math.floor(Math.min(x, Math.min(x1, x2)) - 1),
        (int) Math.floor(Math.min(y, Math.min(y1, y2)) - 1),
        (int) Math.floor(Math.max(x, Math.max(x1, x2)) + 1),
        (int) Math.floor(Math.max(y, Math.max(y1, y2)) + 1));
  }

  @Override
  public boolean covers(int px, int py) {
    return near(px + .5, py + .5, x1, y1) || near(px + .5, py + .5, x2, y2);
  }

  /** True if a point is within a pixel of the ray to an end. */
  private boolean near(double px, double py, double endX, double endY) {
    double dx = endX - x;
    double dy = endY - y;
    double along = ((px - x) * dx + (py - y) * dy) / (dx * dx + dy * dy);
    double nearest = Math.max(0, Math.min(1, along));
    double offX = px - x - nearest * dx;
    double offY = py - y - nearest * dy;
    return offX * offX + offY * offY <= 1;
  }
}
