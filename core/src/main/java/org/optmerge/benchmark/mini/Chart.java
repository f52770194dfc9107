package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.List;

/**
 * Some values, each of a colour of its own.
 *
 * @param kind how they are shown
 * @param entries the first is what a first question is about; they are drawn in another order
 */
record Chart(Kind kind, List<Entry> entries) {
  /** The row of the horizontal axis, where the value is 0. */
  static final int AXIS = 45;

  /** Pixels of a unit of value. */
  static final int UNIT = 2;

  /** The kinds of charts. */
  enum Kind implements Word {
    BAR,
    POINT,
    SLICE;

    static final List<Kind> ALL = List.of(values());
  }

  /**
   * One of the values.
   *
   * @param units 1 to 20; of a slice, how many twentieths of the whole
   */
  record Entry(Color color, int units) {}

  /** The value that is read: per cent of a slice, else the units. */
  int value(Entry entry) {
    return kind == Kind.SLICE ? 5 * entry.units() : entry.units();
  }

  /** Draws the chart and returns its entries from left to right, or clockwise. */
  List<Entry> draw(Sketch sketch) {
    List<Entry> order = sketch.dice().shuffled(entries);
    switch (kind) {
      case BAR -> {
        axes(sketch);
        for (int i = 0; i < order.size(); i++) {
          Entry entry = order.get(i);
          sketch.draw(new Bar(entry.color(), left(i), left(i) + slot() - 4, entry.units()));
        }
      }
      case POINT -> {
        axes(sketch);
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < order.size(); i++) {
          Entry entry = order.get(i);
          points.add(new Point(entry.color(), left(i) + (slot() - 3) / 2, entry.units()));
        }
        for (int i = 1; i < points.size(); i++) {
          Point from = points.get(i - 1);
          Point to = points.get(i);
          sketch.greyLine(from.x(), from.y(), to.x(), to.y(), 110);
        }
        points.forEach(sketch::draw);
      }
      case SLICE -> {
        Dice dice = sketch.dice();
        double radius = dice.between(16, 20);
        double x = 24 + dice.between(-3, 3);
        double y = 24 + dice.between(-3, 3);
        double start = 2 * Math.PI * dice.uniform();
        for (Entry entry : order) {
          sketch.draw(new Slice(entry.color(), entry.units(), x, y, radius, start));
          start += Slice.span(entry.units());
        }
      }
    }
    return order;
  }

  private static void axes(Sketch sketch) {
    for (int value = 0; value <= 20; value += 5) {
      int y = AXIS - UNIT * value;
      sketch.grey(new PixelBox(3, y, Sketch.SIDE - 1, y), 170);
    }
    sketch.grey(new PixelBox(3, 3, 3, AXIS), 30);
    sketch.grey(new PixelBox(3, AXIS, Sketch.SIDE - 1, AXIS), 30);
  }

  private int slot() {
    return 44 / entries.size();
  }

  private int left(int place) {
    return 5 + slot() * place;
  }

  /** A bar on the axis, from one column to another. */
  record Bar(Color color, int left, int right, int value) implements Figure {
    @Override
    public PixelBox box() {
      return new PixelBox(left, AXIS - UNIT * value, right, AXIS - 1);
    }

    @Override
    public boolean covers(int x, int y) {
      return true;
    }

    /** Also eight pixels above, where a patch can tell that the bar ends. */
    @Override
    public boolean claims(double x, double y) {
      return left - 2 <= x && x <= right + 3 && box().top() - 8 <= y && y <= AXIS;
    }
  }

  /** A square of 5 × 5 pixels about a point. */
  record Point(Color color, int x, int value) implements Figure {
    int y() {
      return AXIS - UNIT * value;
    }

    @Override
    public PixelBox box() {
      return new PixelBox(x - 2, y() - 2, x + 2, Math.min(y() + 2, Sketch.SIDE - 1));
    }

    @Override
    public boolean covers(int px, int py) {
      return true;
    }
  }

  /** A slice of a pie, from a direction clockwise. */
  static final class Slice implements Figure {
    private final Color color;
    private final int units;
    private final double x;
    private final double y;
    private final double radius;
    private final double fromX;
    private final double fromY;
    private final double toX;
    private final double toY;
    private final PixelBox box;

    Slice(Color color, int units, double x, double y, double radius, double start) {
      this.color = color;
      this.units = units;
      this.x = x;
      this.y = y;
      this.radius = radius;
      this.fromX = StrictMath.cos(start);
      this.fromY = StrictMath.sin(start);
      this.toX = StrictMath.cos(start + span(units));
      this.toY = StrictMath.sin(start + span(units));
      this.box =
          new PixelBox(
                  (int) (x - radius), (int) (y - radius), (int) (x + radius), (int) (y + radius))
              .around(this::covers);
    }

    static double span(int units) {
      return 2 * Math.PI * units / 20;
    }

    @Override
    public Color color() {
      return color;
    }

    @Override
    public int value() {
      return units;
    }

    @Override
    public PixelBox box() {
      return box;
    }

    @Override
    public boolean covers(int px, int py) {
      return holds(px + .5 - x, py + .5 - y, radius);
    }

    @Override
    public boolean claims(double px, double py) {
      return holds(px - x, py - y, radius + 1);
    }

    /** True if a point, counted from the centre, is in the slice. */
    private boolean holds(double px, double py, double within) {
      if (px * px + py * py > within * within) {
        return false;
      }
      boolean afterStart = fromX * py - fromY * px >= 0;
      boolean beforeEnd = toX * py - toY * px < 0;
      return units <= 10 ? afterStart && beforeEnd : afterStart || beforeEnd;
    }
  }
}
