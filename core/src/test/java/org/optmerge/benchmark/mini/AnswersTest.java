package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.benchmark.mini.PixelReader.Blob;

/** Every answer is found again, by somebody who sees the pixels and reads the question. */
class AnswersTest {
  private static final int IMAGES = 400;

  private static Stream<MiniImage> images(MiniTask task) {
    MiniGenerator generator = new MiniGenerator(7);
    return IntStream.range(0, IMAGES)
        .mapToObj(i -> generator.generate(MiniSplit.VALIDATION, task, i));
  }

  private static void check(MiniTask task, Reading reading) {
    images(task)
        .forEach(
            image -> {
              for (ImageQuestion question : image.questions()) {
                assertThat(reading.answer(new PixelReader(image.image()), question.question()))
                    .as(question.toString())
                    .isEqualTo(question.answer());
              }
            });
  }

  private interface Reading {
    String answer(PixelReader reader, String question);
  }

  private static Matcher match(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    return matcher.matches() ? matcher : null;
  }

  @Test
  void questions_about_objects_are_answered_from_the_pixels() {
    check(MiniTask.VQA, AnswersTest::aboutObjects);
  }

  private static String aboutObjects(PixelReader reader, String question) {
    List<Blob> blobs = reader.blobs();
    Matcher m;
    if ((m = match("what color is the (\\w+) \\?", question)) != null) {
      return only(blobs, "shape", m.group(1)).color().word();
    }
    if ((m = match("what shape is the (\\w+) object \\?", question)) != null) {
      return only(blobs, "colour", m.group(1)).shape().word();
    }
    if ((m = match("how many (?:(\\w+) )?objects are there \\?", question)) != null) {
      String which = m.group(1);
      return String.valueOf(
          blobs.stream()
              .filter(
                  blob ->
                      which == null
                          || blob.color().word().equals(which)
                          || blob.shape().word().equals(which))
              .count());
    }
    if ((m = match("is there a (\\w+ \\w+) \\?", question)) != null) {
      String look = m.group(1);
      return blobs.stream().anyMatch(blob -> blob.look().equals(look)) ? "yes" : "no";
    }
    m = match("is the (\\w+ \\w+) (\\w+) the (\\w+ \\w+) \\?", question);
    assertThat(m).as(question).isNotNull();
    Blob one = only(blobs, "look", m.group(1));
    Blob other = only(blobs, "look", m.group(3));
    double across = one.middleX() - other.middleX();
    double down = one.middleY() - other.middleY();
    double by =
        switch (m.group(2)) {
          case "left" -> -across;
          case "right" -> across;
          case "above" -> -down;
          default -> down;
        };
    assertThat(Math.abs(by)).as(question).isGreaterThanOrEqualTo(4);
    return by > 0 ? "yes" : "no";
  }

  private static Blob only(List<Blob> blobs, String what, String value) {
    List<Blob> found =
        blobs.stream()
            .filter(
                blob ->
                    switch (what) {
                      case "shape" -> blob.shape().word().equals(value);
                      case "colour" -> blob.color().word().equals(value);
                      default -> blob.look().equals(value);
                    })
            .toList();
    assertThat(found).as(value).hasSize(1);
    return found.get(0);
  }

  @Test
  void boxes_are_those_of_the_pixels() {
    check(MiniTask.GROUNDING, AnswersTest::boxOf);
  }

  private static String boxOf(PixelReader reader, String question) {
    List<Blob> blobs = reader.blobs();
    Matcher m = match("locate the (\\w+) object \\?", question);
    Blob found;
    if (m != null) {
      Comparator<Blob> order =
          Comparator.comparingInt(
              blob ->
                  switch (m.group(1)) {
                    case "leftmost" -> blob.left();
                    case "rightmost" -> -blob.right();
                    case "top" -> blob.top();
                    case "bottom" -> -blob.bottom();
                    case "largest" -> -blob.width();
                    case "smallest" -> blob.width();
                    default -> throw new IllegalArgumentException(question);
                  });
      List<Blob> sorted = blobs.stream().sorted(order).toList();
      assertThat(order.compare(sorted.get(0), sorted.get(1))).as(question).isNegative();
      found = sorted.get(0);
    } else {
      found = only(blobs, "look", question.replace("locate the ", "").replace(" ?", ""));
    }
    return box(found);
  }

  private static String box(Blob blob) {
    return "<c%d> <c%d> <c%d> <c%d>"
        .formatted(blob.left() / 2, blob.top() / 2, blob.right() / 2, blob.bottom() / 2);
  }

  @Test
  void values_are_those_of_the_pixels() {
    check(MiniTask.CHART, AnswersTest::aboutCharts);
  }

  private static String aboutCharts(PixelReader reader, String question) {
    boolean pie = reader.color(3, 45).isEmpty();
    // The axes are as dark as black.
    Map<String, Integer> values =
        reader.byColor(pie ? 0 : 4, pie ? 47 : 44).values().stream()
            .collect(
                Collectors.toMap(blob -> blob.color().word(), blob -> value(reader, pie, blob)));
    Matcher m;
    if ((m = match("how many (\\w+)s are there \\?", question)) != null) {
      return String.valueOf(values.size());
    }
    if ((m = match("what is the difference between (\\w+) and (\\w+) \\?", question)) != null) {
      return String.valueOf(Math.abs(values.get(m.group(1)) - values.get(m.group(2))));
    }
    if ((m = match("which (\\w+) is the (\\w+) \\?", question)) != null) {
      return extreme(values, m.group(2));
    }
    m = match("what is the value of the (\\w+) (\\w+) \\?", question);
    assertThat(m).as(question).isNotNull();
    String which = m.group(1);
    return String.valueOf(values.get(values.containsKey(which) ? which : extreme(values, which)));
  }

  private static String extreme(Map<String, Integer> values, String which) {
    int sign = which.equals("highest") ? -1 : 1;
    List<Map.Entry<String, Integer>> sorted =
        values.entrySet().stream()
            .sorted(Comparator.comparingInt(value -> sign * value.getValue()))
            .toList();
    assertThat(sorted.get(0).getValue()).isNotEqualTo(sorted.get(1).getValue());
    return sorted.get(0).getKey();
  }

  private static int value(PixelReader reader, boolean pie, Blob blob) {
    if (pie) {
      int all = reader.byColor(0, 47).values().stream().mapToInt(b -> b.pixels().size()).sum();
      return (int) (5 * Math.round(20.0 * blob.pixels().size() / all));
    }
    return reader.hasLine() ? (45 - blob.top() - 2) / 2 : blob.height() / 2;
  }

  @Test
  void words_are_those_of_the_pixels() {
    check(MiniTask.OCR, AnswersTest::written);
  }

  private static String written(PixelReader reader, String question) {
    List<Blob> words =
        reader.byColor(0, 47).values().stream().sorted(Comparator.comparingInt(Blob::top)).toList();
    if (question.equals("what is written in the image ?")) {
      assertThat(words).hasSize(1);
      return read(words.get(0));
    }
    assertThat(words).hasSize(2);
    Matcher m = match("what is the (\\w+) word \\?", question);
    return switch (m.group(1)) {
      case "top" -> read(words.get(0));
      case "bottom" -> read(words.get(1));
      default -> read(only(words, "colour", m.group(1)));
    };
  }

  private static String read(Blob word) {
    // Words begin in even columns.
    int left = word.left() / 2 * 2;
    StringBuilder text = new StringBuilder();
    for (int x = left; x <= word.right(); x += 6) {
      int column = x;
      List<String> rows =
          IntStream.range(0, 7)
              .mapToObj(
                  row ->
                      IntStream.range(0, 5)
                          .mapToObj(
                              col ->
                                  word.pixels().stream()
                                          .anyMatch(
                                              p -> p[0] == column + col && p[1] == word.top() + row)
                                      ? "#"
                                      : ".")
                          .collect(Collectors.joining()))
              .toList();
      List<Glyph> found = Glyph.ALL.stream().filter(glyph -> glyph.rows().equals(rows)).toList();
      assertThat(found).as("%s", rows).hasSize(1);
      text.append(found.get(0).character());
    }
    return text.toString();
  }

  @Test
  void lengths_and_sides_are_those_of_the_pixels_and_angles_those_of_the_rays() {
    MiniGenerator generator = new MiniGenerator(7);
    for (int i = 0; i < IMAGES; i++) {
      MiniImage image = generator.generate(MiniSplit.VALIDATION, MiniTask.GEOMETRY, i);
      Figure figure = generator.sketch(MiniSplit.VALIDATION, MiniTask.GEOMETRY, i).figures().get(0);
      Blob blob = new PixelReader(image.image()).byColor(0, 47).values().iterator().next();
      int width = blob.width() / 4;
      int height = blob.height() / 4;
      for (ImageQuestion question : image.questions()) {
        int expected =
            switch (question.question()) {
              case "what is the width of the rectangle ?" -> width;
              case "what is the height of the rectangle ?" -> height;
              case "what is the area of the rectangle ?" -> width * height;
              case "what is the perimeter of the rectangle ?" -> 2 * width + 2 * height;
              case "how many sides does the polygon have ?" -> sides(blob);
              case "what is the angle ?" -> degrees((Angle) figure);
              default -> throw new IllegalArgumentException(question.question());
            };
        assertThat(question.answer()).as("%s", question).isEqualTo(String.valueOf(expected));
      }
    }
  }

  /** The symmetry of the pixels about their middle: the harmonic that is strongest. */
  private static int sides(Blob blob) {
    double middleX = blob.pixels().stream().mapToInt(p -> p[0]).average().orElseThrow();
    double middleY = blob.pixels().stream().mapToInt(p -> p[1]).average().orElseThrow();
    int best = 0;
    double most = 0;
    for (int n = 3; n <= 8; n++) {
      double real = 0;
      double imaginary = 0;
      for (int[] p : blob.pixels()) {
        double angle = Math.atan2(p[1] - middleY, p[0] - middleX);
        double weight = Math.pow(Math.hypot(p[0] - middleX, p[1] - middleY), 6);
        real += weight * Math.cos(n * angle);
        imaginary += weight * Math.sin(n * angle);
      }
      double strength = Math.hypot(real, imaginary);
      if (strength > most) {
        most = strength;
        best = n;
      }
    }
    return best;
  }

  private static int degrees(Angle angle) {
    double one = Math.atan2(angle.y1() - angle.y(), angle.x1() - angle.x());
    double two = Math.atan2(angle.y2() - angle.y(), angle.x2() - angle.x());
    double between = Math.toDegrees(Math.abs(one - two));
    return (int) Math.round(Math.min(between, 360 - between));
  }

  @Test
  void combined_answers_follow_from_what_is_drawn() {
    MiniGenerator generator = new MiniGenerator(7);
    for (int i = 0; i < IMAGES; i++) {
      List<Figure> figures = generator.sketch(MiniSplit.TEST, MiniTask.COMBINED, i).figures();
      for (ImageQuestion question :
          generator.generate(MiniSplit.TEST, MiniTask.COMBINED, i).questions()) {
        assertThat(combined(figures, question.question()))
            .as("%s", question)
            .isEqualTo(question.answer());
      }
    }
  }

  private static String combined(List<Figure> figures, String question) {
    List<Chart.Bar> bars = all(figures, Chart.Bar.class);
    List<Glyph.Printed> glyphs = all(figures, Glyph.Printed.class);
    List<Scene.Thing> things = all(figures, Scene.Thing.class);
    Matcher m;
    if ((m = match("what is the value of the bar below (\\w) \\?", question)) != null) {
      String letter = m.group(1);
      Glyph.Printed glyph =
          glyphs.stream().filter(g -> g.kind().equals(letter)).findFirst().orElseThrow();
      return String.valueOf(below(bars, glyph).value());
    }
    if (question.equals("what is written above the highest bar ?")) {
      Chart.Bar highest = highest(bars, 1);
      return glyphs.stream()
          .filter(glyph -> below(bars, glyph) == highest)
          .map(Glyph.Printed::kind)
          .collect(Collectors.joining());
    }
    if ((m = match("locate the (highest|lowest) bar \\?", question)) != null) {
      return pixelBox(highest(bars, m.group(1).equals("highest") ? 1 : -1).box());
    }
    if ((m = match("(.*) the object of the written color( \\?)", question)) != null) {
      String word = glyphs.stream().map(Glyph.Printed::kind).collect(Collectors.joining());
      List<Scene.Thing> named = things.stream().filter(t -> t.color().name().equals(word)).toList();
      assertThat(named).hasSize(1);
      return m.group(1).equals("locate")
          ? pixelBox(named.get(0).box())
          : named.get(0).shape().word();
    }
    if ((m = match("what (color|shape) is the (\\w+) object \\?", question)) != null) {
      String wanted = m.group(2);
      Scene.Thing thing =
          things.stream()
              .min(
                  Comparator.comparingInt(
                      t ->
                          switch (wanted) {
                            case "leftmost" -> t.x();
                            case "rightmost" -> -t.x() - t.side();
                            case "top" -> t.y();
                            case "bottom" -> -t.y() - t.side();
                            case "largest" -> -t.side();
                            default -> t.side();
                          }))
              .orElseThrow();
      return m.group(1).equals("color") ? thing.color().word() : thing.shape().word();
    }
    if ((m = match("how many sides does the (\\w+) polygon have \\?", question)) != null) {
      return String.valueOf(outermost(figures, m.group(1)).value());
    }
    if ((m = match("what color is the polygon of (\\d) sides \\?", question)) != null) {
      int sides = Integer.parseInt(m.group(1));
      List<Figure> found = figures.stream().filter(figure -> figure.value() == sides).toList();
      assertThat(found).hasSize(1);
      return found.get(0).color().word();
    }
    m = match("what is the (width|height) of the (\\w+) rectangle \\?", question);
    PixelBox box = outermost(figures, m.group(2)).box();
    return String.valueOf(
        m.group(1).equals("width")
            ? (box.right() - box.left() + 1) / 4
            : (box.bottom() - box.top() + 1) / 4);
  }

  /** The leftmost or rightmost of two figures that stand side by side. */
  private static Figure outermost(List<Figure> figures, String which) {
    assertThat(figures).hasSize(2);
    Figure left = figures.get(figures.get(0).box().left() < figures.get(1).box().left() ? 0 : 1);
    Figure right = figures.get(figures.get(0) == left ? 1 : 0);
    assertThat(left.box().right()).isLessThan(right.box().left());
    return which.equals("leftmost") ? left : right;
  }

  private static String pixelBox(PixelBox box) {
    return "<c%d> <c%d> <c%d> <c%d>"
        .formatted(box.left() / 2, box.top() / 2, box.right() / 2, box.bottom() / 2);
  }

  private static Chart.Bar below(List<Chart.Bar> bars, Glyph.Printed glyph) {
    List<Chart.Bar> found =
        bars.stream()
            .filter(
                bar ->
                    bar.left() <= glyph.x() + 2
                        && glyph.x() + 2 <= bar.right()
                        && bar.box().top() > glyph.box().bottom())
            .toList();
    assertThat(found).hasSize(1);
    return found.get(0);
  }

  private static Chart.Bar highest(List<Chart.Bar> bars, int sign) {
    List<Chart.Bar> sorted =
        bars.stream().sorted(Comparator.comparingInt(bar -> -sign * bar.value())).toList();
    assertThat(sorted.get(0).value()).isNotEqualTo(sorted.get(1).value());
    return sorted.get(0);
  }

  private static <T> List<T> all(List<Figure> figures, Class<T> type) {
    return figures.stream().filter(type::isInstance).map(type::cast).toList();
  }

  @ParameterizedTest
  @EnumSource(MiniTask.class)
  void figures_lie_on_the_image_and_touch_all_sides_of_their_boxes(MiniTask task) {
    MiniGenerator generator = new MiniGenerator(8);
    for (int i = 0; i < 100; i++) {
      for (Figure figure : generator.sketch(MiniSplit.TEST, task, i).figures()) {
        PixelBox box = figure.box();
        assertThat(box.left()).isBetween(0, box.right());
        assertThat(box.top()).isBetween(0, box.bottom());
        assertThat(box.right()).isLessThan(48);
        assertThat(box.bottom()).isLessThan(48);
        if (figure instanceof Glyph.Printed || figure instanceof Angle) {
          continue; // a character's field, and a box around the ends of rays
        }
        assertThat(IntStream.rangeClosed(box.top(), box.bottom()))
            .as("%s", figure)
            .anyMatch(y -> figure.covers(box.left(), y))
            .anyMatch(y -> figure.covers(box.right(), y));
        assertThat(IntStream.rangeClosed(box.left(), box.right()))
            .as("%s", figure)
            .anyMatch(x -> figure.covers(x, box.top()))
            .anyMatch(x -> figure.covers(x, box.bottom()));
      }
    }
  }
}
