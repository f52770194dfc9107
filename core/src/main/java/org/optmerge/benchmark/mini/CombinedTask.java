package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.optmerge.benchmark.mini.BalancedSchedule.Turn;
import org.optmerge.benchmark.mini.Chart.Entry;
import org.optmerge.benchmark.mini.Scene.Choice;
import org.optmerge.benchmark.mini.Scene.Extreme;
import org.optmerge.benchmark.mini.Scene.Look;
import org.optmerge.benchmark.mini.Scene.Thing;

/**
 * Questions that need two abilities at once, each of which experts learn by itself; drawn with the
 * same figures and asked with the same words.
 */
final class CombinedTask extends TaskDrawing<CombinedTask.Kind> {
  enum Kind {
    /** Chart and OCR: the value of the bar that has a letter. */
    VALUE_OF_LETTER,
    /** OCR and chart: the letter of the bar that is the highest. */
    LETTER_OF_HIGHEST,
    /** Grounding and chart: the box of the highest or lowest bar. */
    BOX_OF_BAR,
    /** Grounding and OCR: the box of the object whose colour is written. */
    BOX_OF_WRITTEN,
    /** VQA and OCR: the shape of the object whose colour is written. */
    SHAPE_OF_WRITTEN,
    /** VQA and grounding: the colour of the object that stands out. */
    COLOR_OF_EXTREME,
    /** VQA and grounding: the shape of the object that stands out. */
    SHAPE_OF_EXTREME,
    /** Geometry and VQA: the sides of the polygon of a colour. */
    SIDES_OF_COLOR,
    /** Geometry and VQA: the width or height of the rectangle of a colour. */
    LENGTH_OF_COLOR
  }

  CombinedTask() {
    super(Kind.class, 2, 1, 1, 1, 1, 1, 1, 1, 1);
  }

  @Override
  void draw(Sketch sketch, Turn<Kind> first) {
    switch (first.kind()) {
      case VALUE_OF_LETTER, LETTER_OF_HIGHEST -> letters(sketch, first);
      case BOX_OF_BAR -> bars(sketch, first);
      case BOX_OF_WRITTEN, SHAPE_OF_WRITTEN -> written(sketch, first);
      case COLOR_OF_EXTREME, SHAPE_OF_EXTREME -> extreme(sketch, first);
      case SIDES_OF_COLOR -> polygons(sketch, first);
      case LENGTH_OF_COLOR -> rectangles(sketch, first);
    }
  }

  private static ImageQuestion question(
      String type, String question, String answer, String statement) {
    return new ImageQuestion(type, true, question, answer, statement);
  }

  /** Bars with a letter above each; none is too high for that. */
  private static void letters(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    boolean highest = first.kind() == Kind.LETTER_OF_HIGHEST;
    int units = highest ? dice.between(6, 17) : 1 + first.of(17);
    Chart chart = barChart(dice, units, 1, highest ? units - 1 : 17);
    List<Entry> order = chart.draw(sketch);
    // Figures are bars from left to right so far.
    List<Figure> bars = sketch.figures();
    List<String> names =
        dice.shuffled(IntStream.rangeClosed('A', 'Z').mapToObj(Character::toString).toList());
    for (int i = 0; i < bars.size(); i++) {
      PixelBox bar = bars.get(i).box();
      Glyph.print(
          sketch,
          names.get(i),
          Color.BLACK,
          (bar.left() + bar.right() - Glyph.WIDTH + 1) / 2,
          bar.top() - Glyph.HEIGHT - 1);
    }
    String name = names.get(order.indexOf(chart.entries().get(0)));
    sketch.ask(
        highest
            ? question(
                "letter-of-highest",
                "what is written above the highest bar ?",
                name,
                "word above highest bar")
            : question(
                "value-of-letter",
                "what is the value of the bar below %s ?".formatted(name),
                String.valueOf(units),
                "bar below %s value".formatted(name)));
  }

  /** Bars of which the first has so many units, the others from {@code least} to {@code most}. */
  private static Chart barChart(Dice dice, int units, int least, int most) {
    List<Color> colors = new ArrayList<>(dice.<Color>shuffled(Color.ALL));
    List<Entry> entries = new ArrayList<>(List.of(new Entry(colors.get(0), units)));
    int number = dice.between(3, 5);
    while (entries.size() < number) {
      entries.add(new Entry(colors.get(entries.size()), dice.between(least, most)));
    }
    return new Chart(Chart.Kind.BAR, entries);
  }

  private static void bars(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    boolean highest = first.of(2) == 0;
    int units = highest ? dice.between(6, 20) : dice.between(3, 12);
    Chart chart =
        highest ? barChart(dice, units, 1, units - 1) : barChart(dice, units, units + 1, 20);
    int place = chart.draw(sketch).indexOf(chart.entries().get(0));
    String word = highest ? "highest" : "lowest";
    sketch.ask(
        question(
            "box-of-bar",
            "locate the %s bar ?".formatted(word),
            sketch.figures().get(place).box().answer(),
            "where %s bar".formatted(word)));
  }

  /** A colour's name at the top, in another colour, and objects below. */
  private static void written(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    Choice choice = Choice.of(dice, null, Shape.ALL.get(first.of(5)));
    Look look = new Look(choice.colors().get(0), choice.shapes().get(0));
    List<Look> looks = new ArrayList<>(List.of(look));
    looks.addAll(
        choice.looks(dice, other -> other.color() != look.color()).subList(0, dice.between(1, 3)));
    String word = look.color().word().toUpperCase(Locale.ROOT);
    int free = Sketch.SIDE - Glyph.ADVANCE * word.length();
    // The ink is no object's colour.
    Color ink =
        dice.pick(Color.ALL.stream().filter(color -> !choice.colors().contains(color)).toList());
    Glyph.print(sketch, word, ink, 2 * dice.between(0, free / 2), 1);
    Scene scene = Scene.placed(dice, looks, 10);
    scene.draw(sketch);
    sketch.ask(
        first.kind() == Kind.BOX_OF_WRITTEN
            ? question(
                "box-of-written",
                "locate the object of the written color ?",
                scene.subject().box().answer(),
                "where written color")
            : question(
                "shape-of-written",
                "what shape is the object of the written color ?",
                look.shape().word(),
                "written color shape"));
  }

  private static void extreme(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    Extreme extreme = dice.pick(Extreme.ALL);
    Scene scene = Scene.withExtreme(dice, extreme);
    boolean color = first.kind() == Kind.COLOR_OF_EXTREME;
    Optional<Thing> found = scene.find(extreme);
    scene.draw(sketch);
    found.ifPresent(
        thing ->
            sketch.ask(
                question(
                    color ? "color-of-extreme" : "shape-of-extreme",
                    "what %s is the %s object ?"
                        .formatted(color ? "color" : "shape", extreme.word()),
                    color ? thing.color().word() : thing.shape().word(),
                    "%s %s".formatted(extreme.word(), color ? "color" : "shape"))));
  }

  /** Two polygons side by side, of different colours and sides. */
  private static void polygons(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    List<Color> colors = dice.shuffled(Color.ALL);
    int sides = 3 + first.of(6);
    int others = 3 + (sides - 3 + dice.between(1, 5)) % 6;
    boolean left = dice.chance(.5);
    sketch.draw(half(dice, colors.get(0), sides, left));
    sketch.draw(half(dice, colors.get(1), others, !left));
    sketch.ask(
        question(
            "sides-of-color",
            "how many sides does the %s polygon have ?".formatted(colors.get(0).word()),
            String.valueOf(sides),
            "%s polygon sides".formatted(colors.get(0).word())));
  }

  private static Polygon half(Dice dice, Color color, int sides, boolean left) {
    int middle = Sketch.SIDE / 2;
    return Polygon.placed(dice, color, sides, 10, left ? 0 : middle, left ? middle : Sketch.SIDE);
  }

  /** Two rectangles side by side, of different colours. */
  private static void rectangles(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    List<Color> colors = dice.shuffled(Color.ALL);
    boolean width = first.of(2) == 0;
    int length = 2 + Math.floorDiv(first.occurrence(), 2) % 4;
    int across = width ? length : dice.between(2, 5);
    int down = width ? dice.between(2, 10) : length + (dice.chance(.5) ? 4 : 0);
    boolean left = dice.chance(.5);
    sketch.draw(half(dice, colors.get(0), across, down, left));
    sketch.draw(half(dice, colors.get(1), dice.between(2, 5), dice.between(2, 10), !left));
    String word = width ? "width" : "height";
    sketch.ask(
        question(
            "length-of-color",
            "what is the %s of the %s rectangle ?".formatted(word, colors.get(0).word()),
            String.valueOf(width ? across : down),
            "%s rectangle %s".formatted(colors.get(0).word(), word)));
  }

  private static Rectangle half(Dice dice, Color color, int width, int height, boolean left) {
    int first = left ? 2 : Sketch.SIDE / 2 + 1;
    int x = first + dice.between(0, Sketch.SIDE / 2 - 3 - Rectangle.UNIT * width);
    int y = dice.between(2, Sketch.SIDE - 2 - Rectangle.UNIT * height);
    return new Rectangle(color, x, y, width, height, dice.between(1, 2));
  }
}
