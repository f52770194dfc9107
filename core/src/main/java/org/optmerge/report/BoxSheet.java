package org.optmerge.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.PixelBox;
import org.optmerge.model.media.Image;

/**
 * Pictures with the right box and those that models answered, each in its colour, and below them
 * how much of their union the boxes share.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class BoxSheet {
  private static final int PICTURE = 192;
  private static final int GAP = 18;
  private static final int MARGIN = 16;
  private static final int LINE = 17;
  private static final Font QUESTION = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  private static final Font ANSWER = new Font(Font.SANS_SERIF, Font.BOLD, 12);

  private BoxSheet() {}

  /**
   * The share of their union that two answers have in common, by the metric; 0 if the second is no
   * box or covers nothing.
   *
   * @throws IllegalArgumentException if the right answer is no box
   */
  public static double overlap(String expected, String given) {
    PixelBox right =
        PixelBox.ofAnswer(expected)
            .orElseThrow(() -> new IllegalArgumentException("no box: '%s'".formatted(expected)));
    return PixelBox.ofAnswer(given)
        .filter(box -> box.right() >= box.left() && box.bottom() >= box.top())
        .map(box -> metric(right).overlap(metric(box)))
        .orElse(0.0);
  }

  /** Pixel p reaches from p to p + 1. */
  private static org.optmerge.metric.Box metric(PixelBox box) {
    return new org.optmerge.metric.Box(
        box.left(), box.top(), box.right() + 1.0, box.bottom() + 1.0);
  }

  /**
   * Draws a sheet.
   *
   * @param examples whose answer is a box; the right one is drawn in black on white
   * @param answers for each model its answers to the examples, in their order
   * @param columns pictures beside each other
   * @throws IllegalArgumentException if there is no example, no column, or an answer is missing
   */
  public static BufferedImage of(
      List<Question> examples, Map<String, List<String>> answers, int columns) {
    if (examples.isEmpty() || columns < 1) {
      throw new IllegalArgumentException(
          "a sheet of boxes needs an example and a column, not %d and %d"
              .formatted(examples.size(), columns));
    }
    answers.forEach(
        (model, given) -> {
          if (given.size() != examples.size()) {
            throw new IllegalArgumentException(
                "'%s' has %d answers to %d examples"
                    .formatted(model, given.size(), examples.size()));
          }
        });
    int cell = PICTURE + (answers.size() + 2) * LINE + 6;
    int rows = (examples.size() + columns - 1) / columns;
    int width = 2 * MARGIN + columns * (PICTURE + GAP) - GAP;
    int height = 2 * MARGIN + rows * cell;
    return Pictures.sheet(
        width,
        height,
        graphics -> {
          for (int i = 0; i < examples.size(); i++) {
            draw(
                graphics,
                examples.get(i),
                at(answers, i),
                MARGIN + i % columns * (PICTURE + GAP),
                MARGIN + i / columns * cell);
          }
        });
  }

  private record Given(String model, String answer, Color color) {}

  private static List<Given> at(Map<String, List<String>> answers, int example) {
    List<String> models = List.copyOf(answers.keySet());
    List<Color> colors = Palette.ofMethods(models);
    List<Given> given = new ArrayList<>();
    answers.forEach(
        (model, texts) ->
            given.add(new Given(model, texts.get(example), colors.get(models.indexOf(model)))));
    return given;
  }

  private static void draw(
      Graphics2D graphics, Question example, List<Given> answers, int left, int top) {
    String expected = String.join(" / ", example.answers());
    Image image =
        example.media().stream()
            .filter(Image.class::isInstance)
            .map(Image.class::cast)
            .findFirst()
            .orElseThrow(
                () -> new IllegalArgumentException("'%s' has no picture".formatted(example.id())));
    Pictures.draw(graphics, image, Optional.empty(), left, top, PICTURE);
    double scale = Pictures.scale(image, PICTURE);
    PixelBox.ofAnswer(expected)
        .ifPresent(box -> outline(graphics, box, scale, left, top, 0, Palette.INK));
    int baseline = top + PICTURE + LINE;
    write(graphics, example.text().replace(" ?", "?"), QUESTION, Palette.INK, left, baseline);
    int number = 1;
    for (Given given : answers) {
      baseline += LINE;
      String said = String.format(Locale.ROOT, "IoU %.2f", overlap(expected, given.answer));
      Optional<PixelBox> box = PixelBox.ofAnswer(given.answer);
      if (box.isPresent()) {
        outline(graphics, box.get(), scale, left, top, number, dark(given.color));
      } else {
        said = "no box: " + (given.answer.isBlank() ? "silence" : given.answer);
      }
      write(graphics, given.model + ": " + said, ANSWER, dark(given.color), left, baseline);
      number++;
    }
  }

  /** Solid for the right box, dashed and a little within for the others: none hides another. */
  private static void outline(
      Graphics2D graphics, PixelBox box, double scale, int left, int top, int number, Color color) {
    int inset = 2 * number;
    int x = left + (int) Math.round(scale * box.left()) + inset;
    int y = top + (int) Math.round(scale * box.top()) + inset;
    int across = (int) Math.round(scale * (box.right() + 1 - box.left())) - 2 * inset;
    int down = (int) Math.round(scale * (box.bottom() + 1 - box.top())) - 2 * inset;
    graphics.setColor(Color.WHITE);
    graphics.setStroke(new BasicStroke(3.5f));
    graphics.drawRect(x, y, across, down);
    graphics.setColor(color);
    float[] dash = {3 + 2f * number, 3};
    graphics.setStroke(
        number == 0
            ? new BasicStroke(2)
            : new BasicStroke(2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 10, dash, 0));
    graphics.drawRect(x, y, across, down);
  }

  private static void write(
      Graphics2D graphics, String text, Font font, Color color, int left, int baseline) {
    Pictures.write(graphics, text, font, color, left, baseline, PICTURE);
  }

  private static Color dark(Color color) {
    return Pictures.dark(color, 120);
  }
}
