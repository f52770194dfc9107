package org.optmerge.benchmark.mini;

import java.util.List;
import java.util.Locale;
import org.optmerge.benchmark.mini.BalancedSchedule.Turn;

/** Angles in steps of 15°, sizes of rectangles, and how many sides a polygon has. */
final class GeometryTask extends TaskDrawing<GeometryTask.Kind> {
  enum Kind {
    ANGLE,
    WIDTH,
    HEIGHT,
    AREA,
    PERIMETER,
    SIDES
  }

  private static final List<Kind> OF_RECTANGLES =
      List.of(Kind.WIDTH, Kind.HEIGHT, Kind.AREA, Kind.PERIMETER);

  GeometryTask() {
    super(Kind.class, 8, 2, 2, 2, 2, 4);
  }

  @Override
  void draw(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    Color color = dice.pick(Color.ALL);
    switch (first.kind()) {
      case ANGLE -> {
        Angle angle = Angle.placed(dice, color, 1 + first.of(11));
        sketch.draw(angle);
        sketch.ask(
            ImageQuestion.of(
                "angle",
                false,
                "what is the angle ?",
                String.valueOf(15 * angle.units()),
                "angle"));
      }
      case SIDES -> {
        Polygon polygon =
            Polygon.placed(dice, color, 3 + first.of(6), 12 + 8 * dice.uniform(), 0, Sketch.SIDE);
        sketch.draw(polygon);
        sketch.ask(
            ImageQuestion.of(
                "sides",
                false,
                "how many sides does the polygon have ?",
                String.valueOf(polygon.sides()),
                "polygon sides"));
      }
      case WIDTH, HEIGHT, AREA, PERIMETER -> {
        int width = first.kind() == Kind.WIDTH ? 2 + first.of(9) : dice.between(2, 10);
        int height = first.kind() == Kind.HEIGHT ? 2 + first.of(9) : dice.between(2, 10);
        Rectangle rectangle = Rectangle.placed(dice, color, width, height);
        sketch.draw(rectangle);
        sketch.ask(question(rectangle, first.kind()));
        dice.shuffled(OF_RECTANGLES).forEach(kind -> sketch.ask(question(rectangle, kind)));
      }
    }
  }

  private static ImageQuestion question(Rectangle rectangle, Kind kind) {
    int width = rectangle.width();
    int height = rectangle.height();
    int answer =
        switch (kind) {
          case WIDTH -> width;
          case HEIGHT -> height;
          case AREA -> width * height;
          case PERIMETER -> 2 * (width + height);
          case ANGLE, SIDES ->
              throw new IllegalArgumentException("no question about a rectangle: " + kind);
        };
    String word = kind.name().toLowerCase(Locale.ROOT);
    return ImageQuestion.of(
        word,
        kind == Kind.AREA || kind == Kind.PERIMETER,
        "what is the %s of the rectangle ?".formatted(word),
        String.valueOf(answer),
        "rectangle " + word);
  }
}
