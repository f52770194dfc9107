package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
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
    /** Chart and VQA: the value of the bar below a letter. */
    VALUE_OF_LETTER,
    /** OCR and chart: the letter on the bar that is the highest. */
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
    /** Geometry and grounding: the sides of the leftmost or rightmost polygon. */
    SIDES_OF_EXTREME,
    /** Geometry and VQA: the sides of the polygon on one side of another. */
    SIDES_OF_RELATED,
    /** Geometry and grounding: the width or height of the leftmost or rightmost rectangle. */
    LENGTH_OF_EXTREME
  }

  /** Plain questions of types that are elementary for their tasks. */
  private static final Set<String> ELEMENTARY =
      Set.of("named", "shape", "color", "sides", "width", "height", "word");

  /** Attempts at plain questions about an image. */
  private static final int PLAIN = 6;

  private static final VqaTask VQA = new VqaTask();
  private static final ChartTask CHART = new ChartTask();
  private static final GroundingTask GROUNDING = new GroundingTask();

  CombinedTask() {
    super(Kind.class, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
  }

  @Override
  void draw(Sketch sketch, Turn<Kind> first) {
    switch (first.kind()) {
      case VALUE_OF_LETTER, LETTER_OF_HIGHEST -> letters(sketch, first);
      case BOX_OF_BAR -> bars(sketch, first);
      case BOX_OF_WRITTEN, SHAPE_OF_WRITTEN -> written(sketch, first);
      case COLOR_OF_EXTREME, SHAPE_OF_EXTREME -> extreme(sketch, first);
      case SIDES_OF_EXTREME, SIDES_OF_RELATED -> polygons(sketch, first);
      case LENGTH_OF_EXTREME -> rectangles(sketch, first);
    }
  }

  private static ImageQuestion question(String type, String question, String answer, String key) {
    return ImageQuestion.of(type, !ELEMENTARY.contains(type), question, answer, key);
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
    if (highest) {
      letterOfHighest(sketch, chart, order, names);
    }
    for (Entry entry : chart.entries()) {
      String name = names.get(order.indexOf(entry));
      sketch.ask(
          question(
              "value-of-letter",
              "what is the value of the bar below %s ?".formatted(name),
              String.valueOf(entry.units()),
              "bar below %s value".formatted(name)));
    }
    letterOfHighest(sketch, chart, order, names);
    plain(sketch, chart);
    for (Entry entry : chart.entries()) {
      String color = entry.color().word();
      String name = names.get(order.indexOf(entry));
      sketch.askPlain(
          MiniTask.VQA,
          question(
              "color-of-letter",
              "what color is the bar below %s ?".formatted(name),
              color,
              "bar below %s color".formatted(name)));
      sketch.askPlain(
          MiniTask.OCR,
          question(
              "color-word",
              "what is the word of the %s bar ?".formatted(color),
              name,
              "word %s bar".formatted(color)));
    }
  }

  private static void letterOfHighest(
      Sketch sketch, Chart chart, List<Entry> order, List<String> names) {
    ChartTask.extreme(chart, true)
        .ifPresent(
            place ->
                sketch.ask(
                    question(
                        "letter-of-highest",
                        "what is the word of the highest bar ?",
                        names.get(order.indexOf(chart.entries().get(place))),
                        "word highest bar")));
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
    List<Entry> order = chart.draw(sketch);
    for (boolean most : both(highest)) {
      String word = most ? "highest" : "lowest";
      ChartTask.extreme(chart, most)
          .ifPresent(
              place ->
                  sketch.ask(
                      question(
                          "box-of-bar",
                          "locate the %s bar ?".formatted(word),
                          sketch
                              .figures()
                              .get(order.indexOf(chart.entries().get(place)))
                              .box()
                              .answer(),
                          "where %s bar".formatted(word))));
    }
    plain(sketch, chart);
  }

  /** What chart reading, grounding and VQA each say of bars. */
  private static void plain(Sketch sketch, Chart chart) {
    Dice dice = sketch.further();
    for (int tries = 0; tries < PLAIN; tries++) {
      CHART.another(dice, chart).ifPresent(other -> sketch.askPlain(MiniTask.CHART, other));
    }
    List<Figure> bars = sketch.figures().subList(0, chart.entries().size());
    for (Figure bar : dice.<Figure>shuffled(bars)) {
      sketch.askPlain(MiniTask.GROUNDING, located("named", bar, bar.color().word()));
      Figure other = dice.pick(bars);
      if (other != bar) {
        boolean left = dice.chance(.5);
        sketch.askPlain(
            MiniTask.VQA,
            related(bar, left ? "left" : "right", other, bar.box().left() < other.box().left() == left));
      }
    }
  }

  /** The box of a figure that is neither shape nor character. */
  private static ImageQuestion located(String type, Figure figure, String which) {
    return question(
        type,
        "locate the %s %s ?".formatted(which, figure.kind()),
        figure.box().answer(),
        "where %s %s".formatted(which, figure.kind()));
  }

  private static ImageQuestion related(Figure one, String side, Figure other, boolean yes) {
    String first = one.color().word() + " " + one.kind();
    String second = other.color().word() + " " + other.kind();
    return question(
        "relation",
        "is the %s %s the %s ?".formatted(first, side, second),
        yes ? "yes" : "no",
        "%s %s %s".formatted(first, side, second));
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
    for (boolean box : both(first.kind() == Kind.BOX_OF_WRITTEN)) {
      sketch.ask(
          box
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
    plain(sketch, scene);
    String name = look.color().word();
    sketch.askPlain(
        MiniTask.OCR,
        question("word", "what is written in the image ?", name.toUpperCase(Locale.ROOT), "word"));
    sketch.askPlain(
        MiniTask.OCR,
        question("written-color", "what is the written color ?", name, "written color"));
    Thing named = sketch.further().pick(scene.things());
    if (scene.count(thing -> thing.color() == named.color()) == 1) {
      String color = named.color().word();
      sketch.askPlain(
          MiniTask.VQA,
          question(
              "shape",
              "what shape is the object of the %s color ?".formatted(color),
              named.shape().word(),
              color + " shape"));
      sketch.askPlain(
          MiniTask.GROUNDING,
          question(
              "named",
              "locate the object of the %s color ?".formatted(color),
              named.box().answer(),
              "where " + color));
    }
  }

  /** What VQA and grounding each say of objects. */
  private static void plain(Sketch sketch, Scene scene) {
    Dice dice = sketch.further();
    Thing named = dice.pick(scene.things());
    if (scene.count(thing -> thing.shape() == named.shape()) == 1) {
      String shape = named.shape().word();
      sketch.askPlain(
          MiniTask.VQA,
          question(
              "color",
              "what color is the %s object ?".formatted(shape),
              named.color().word(),
              shape + " color"));
    }
    for (int tries = 0; tries < PLAIN; tries++) {
      VQA.another(dice, scene).ifPresent(other -> sketch.askPlain(MiniTask.VQA, other));
      GROUNDING.another(dice, scene).ifPresent(other -> sketch.askPlain(MiniTask.GROUNDING, other));
    }
  }

  private static List<Boolean> both(boolean first) {
    return List.of(first, !first);
  }

  private static void extreme(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    Extreme extreme = dice.pick(Extreme.ALL);
    Scene scene = Scene.withExtreme(dice, extreme);
    scene.draw(sketch);
    boolean color = first.kind() == Kind.COLOR_OF_EXTREME;
    extreme(sketch, scene, extreme, color);
    for (Extreme other : dice.shuffled(Extreme.ALL)) {
      extreme(sketch, scene, other, dice.chance(.5));
    }
    plain(sketch, scene);
  }

  private static void extreme(Sketch sketch, Scene scene, Extreme extreme, boolean color) {
    String asked = color ? "color" : "shape";
    scene
        .find(extreme)
        .ifPresent(
            thing ->
                sketch.ask(
                    question(
                        asked + "-of-extreme",
                        "what %s is the %s object ?".formatted(asked, extreme.word()),
                        color ? thing.color().word() : thing.shape().word(),
                        "%s %s".formatted(extreme.word(), asked))));
  }

  /** Two polygons side by side, of different colours and sides. */
  private static void polygons(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    boolean related = first.kind() == Kind.SIDES_OF_RELATED;
    List<Color> colors = dice.shuffled(Color.ALL);
    if (related) {
      Collections.swap(colors, 0, colors.indexOf(Color.ALL.get(first.of(8))));
    }
    int sides = related ? dice.between(3, 8) : 3 + first.of(6);
    int others = 3 + (sides - 3 + dice.between(1, 5)) % 6;
    boolean left = dice.chance(.5);
    List<Polygon> polygons =
        List.of(
            half(dice, colors.get(0), sides, left), half(dice, colors.get(1), others, !left));
    polygons.forEach(sketch::draw);
    for (boolean beside : both(related)) {
      for (int i = 0; i < 2; i++) {
        String side = left == (i == 0) ? "left" : "right";
        Polygon other = polygons.get(1 - i);
        String which =
            beside
                ? "polygon %s the %s polygon".formatted(side, other.color().word())
                : side + "most polygon";
        sketch.ask(sides(beside ? "sides-of-related" : "sides-of-extreme", which, polygons.get(i)));
      }
    }
    polygons.forEach(
        one -> sketch.askPlain(MiniTask.GEOMETRY, sides("sides", one.color().word() + " polygon", one)));
    plain(sketch, polygons, left);
  }

  private static ImageQuestion sides(String type, String which, Polygon polygon) {
    return question(
        type,
        "how many sides does the %s have ?".formatted(which),
        String.valueOf(polygon.sides()),
        which.replace(" the ", " ") + " sides");
  }

  /** What VQA and grounding each say of two figures, the first of which is the left one or not. */
  private static void plain(Sketch sketch, List<? extends Figure> figures, boolean left) {
    for (int i : sketch.further().shuffled(List.of(0, 1))) {
      Figure one = figures.get(i);
      Figure other = figures.get(1 - i);
      String side = left == (i == 0) ? "left" : "right";
      String which = "%s %s the %s %s".formatted(one.kind(), side, other.color().word(), other.kind());
      sketch.askPlain(
          MiniTask.VQA,
          question(
              "color-of-related",
              "what color is the %s ?".formatted(which),
              one.color().word(),
              which.replace(" the ", " ") + " color"));
      boolean yes = sketch.further().chance(.5);
      sketch.askPlain(
          MiniTask.VQA, related(one, yes == side.equals("left") ? "left" : "right", other, yes));
      sketch.askPlain(MiniTask.GROUNDING, located("named", one, one.color().word()));
      sketch.askPlain(MiniTask.GROUNDING, located(side + "most", one, side + "most"));
    }
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
    List<Rectangle> rectangles =
        List.of(
            half(dice, colors.get(0), across, down, left),
            half(dice, colors.get(1), dice.between(2, 5), dice.between(2, 10), !left));
    rectangles.forEach(sketch::draw);
    for (boolean wide : both(width)) {
      for (int i = 0; i < 2; i++) {
        Rectangle rectangle = rectangles.get(i);
        String side = left == (i == 0) ? "left" : "right";
        sketch.ask(length("length-of-extreme", side + "most", rectangle, wide));
        sketch.askPlain(
            MiniTask.GEOMETRY,
            length(wide ? "width" : "height", rectangle.color().word(), rectangle, wide));
      }
    }
    plain(sketch, rectangles, left);
  }

  private static ImageQuestion length(
      String type, String which, Rectangle rectangle, boolean wide) {
    String asked = wide ? "width" : "height";
    return question(
        type,
        "what is the %s of the %s rectangle ?".formatted(asked, which),
        String.valueOf(wide ? rectangle.width() : rectangle.height()),
        "%s rectangle %s".formatted(which, asked));
  }

  private static Rectangle half(Dice dice, Color color, int width, int height, boolean left) {
    int first = left ? 2 : Sketch.SIDE / 2 + 1;
    int x = first + dice.between(0, Sketch.SIDE / 2 - 3 - Rectangle.UNIT * width);
    int y = dice.between(2, Sketch.SIDE - 2 - Rectangle.UNIT * height);
    return new Rectangle(color, x, y, width, height, dice.between(1, 2));
  }
}
