package org.optmerge.benchmark.mini;

/** A regular polygon, filled or an outline of two pixels. */
final class Polygon implements Figure {
  /** The width of an outline, in pixels. */
  private static final double STROKE = 2;

  private final Color color;
  private final double x;
  private final double y;
  private final double radius;
  private final boolean filled;
  private final PixelBox box;

  /** Unit vectors from the centre, across the middle of each side. */
  private final double[] normalX;

  private final double[] normalY;

  /**
   * A polygon.
   *
   * @param sides three or more
   * @param x the centre, in pixels
   * @param y the centre, in pixels
   * @param radius of the circle through the corners, in pixels
   * @param turn the direction of a corner from the centre, in radians
   */
  Polygon(Color color, int sides, double x, double y, double radius, double turn, boolean filled) {
    this.color = color;
    this.x = x;
    this.y = y;
    this.radius = radius;
    this.filled = filled;
    this.normalX = new double[sides];
    this.normalY = new double[sides];
    for (int i = 0; i < sides; i++) {
      double corner = turn + 2 * Math.PI * i / sides;
      normalX[i] = StrictMath.cos(corner + Math.PI / sides);
      normalY[i] = StrictMath.sin(corner + Math.PI / sides);
    }
    this.box =
        new PixelBox(
                (int) Math.floor(x - radius),
                (int) Math.floor(y - radius),
                (int) Math.floor(x + radius),
                (int) Math.floor(y + radius))
            .around(this::covers);
  }

  /** A polygon anywhere between two columns of the image, two pixels from the edge. */
  static Polygon placed(Dice dice, Color color, int sides, double radius, int left, int right) {
    return new Polygon(
        color,
        sides,
        left + radius + 2 + (right - left - 2 * (radius + 2)) * dice.uniform(),
        radius + 2 + (Sketch.SIDE - 2 * (radius + 2)) * dice.uniform(),
        radius,
        2 * Math.PI * dice.uniform() / sides,
        dice.chance(.5));
  }

  int sides() {
    return normalX.length;
  }

  @Override
  public Color color() {
    return color;
  }

  @Override
  public int value() {
    return sides();
  }

  @Override
  public PixelBox box() {
    return box;
  }

  @Override
  public boolean covers(int px, int py) {
    double beyond = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < normalX.length; i++) {
      beyond = Math.max(beyond, (px + .5 - x) * normalX[i] + (py + .5 - y) * normalY[i]);
    }
    double depth = radius * StrictMath.cos(Math.PI / sides()) - beyond;
    return depth >= 0 && (filled || depth < STROKE);
  }
}
