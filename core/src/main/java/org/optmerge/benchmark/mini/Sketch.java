package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.optmerge.model.media.Image;

/** An image in the making: what is drawn, and what is asked about it. */
final class Sketch {
  /** Pixels of a side. */
  static final int SIDE = 48;

  /** Most questions about an image. */
  static final int QUESTIONS = 8;

  /** Questions that are drawn from the image's own random stream, whose next numbers are noise. */
  private static final int OWN = 4;

  private static final int TRIES = 12;

  private final Dice dice;
  private final Dice further;
  private final byte[] rgb = new byte[3 * SIDE * SIDE];
  private final List<Figure> figures = new ArrayList<>();
  private final List<ImageQuestion> questions = new ArrayList<>();
  private final Map<MiniTask, List<ImageQuestion>> plain = new EnumMap<>(MiniTask.class);

  /**
   * A light grey background.
   *
   * @param dice for what is drawn and the first questions
   * @param further for further questions, which the image does not depend on
   */
  Sketch(Dice dice, Dice further) {
    this.dice = dice;
    this.further = further;
    grey(new PixelBox(0, 0, SIDE - 1, SIDE - 1), dice.between(205, 249));
  }

  Dice dice() {
    return dice;
  }

  List<Figure> figures() {
    return List.copyOf(figures);
  }

  /** Draws a figure in a shade of its colour. */
  void draw(Figure figure) {
    draw(List.of(figure));
  }

  /** Draws figures of one colour in one shade of it, such as the characters of a word. */
  void draw(List<? extends Figure> alike) {
    Color color = alike.get(0).color();
    int red = dice.shade(color, 0);
    int green = dice.shade(color, 1);
    int blue = dice.shade(color, 2);
    alike.forEach(figure -> paint(figure.box(), figure::covers, red, green, blue));
    figures.addAll(alike);
  }

  /** Fills a box with grey: axes and grids, which no question is about. */
  void grey(PixelBox box, int level) {
    paint(box, (x, y) -> true, level, level, level);
  }

  private void paint(PixelBox box, PixelBox.Pixels covered, int red, int green, int blue) {
    for (int y = box.top(); y <= box.bottom(); y++) {
      for (int x = box.left(); x <= box.right(); x++) {
        if (covered.covers(x, y)) {
          int at = 3 * (y * SIDE + x);
          rgb[at] = (byte) red;
          rgb[at + 1] = (byte) green;
          rgb[at + 2] = (byte) blue;
        }
      }
    }
  }

  /** A grey line from one pixel to another further right. */
  void greyLine(int x0, int y0, int x1, int y1, int level) {
    int width = x1 - x0;
    for (int x = x0; x <= x1; x++) {
      // All rows from where the line enters this column to where it leaves, so that it has no gaps.
      int from = y0 + Math.floorDiv((y1 - y0) * (2 * (x - x0) - 1), 2 * width);
      int to = y0 + Math.floorDiv((y1 - y0) * (2 * (x - x0) + 1), 2 * width);
      int top = Math.max(Math.min(from, to), Math.min(y0, y1));
      int bottom = Math.min(Math.max(from, to), Math.max(y0, y1));
      grey(new PixelBox(x, top, x, bottom), level);
    }
  }

  /** Adds a question, unless it has been asked or there are enough. */
  void ask(ImageQuestion question) {
    boolean asked =
        questions.stream().anyMatch(other -> other.question().equals(question.question()));
    if (!asked && questions.size() < QUESTIONS) {
      questions.add(question);
    }
  }

  /** Adds a question that takes one ability, about an image that is there for those of two. */
  void askPlain(MiniTask ability, ImageQuestion question) {
    List<ImageQuestion> asked = plain.computeIfAbsent(ability, key -> new ArrayList<>());
    if (asked.size() < QUESTIONS
        && asked.stream().noneMatch(other -> other.question().equals(question.question()))) {
      asked.add(question);
    }
  }

  /** A random stream that the image does not depend on. */
  Dice further() {
    return further;
  }

  /** The number of questions so far. */
  int asked() {
    return questions.size();
  }

  /** Adds questions until there are enough, or enough attempts at another. */
  void askFurther(Function<Dice, Optional<ImageQuestion>> another) {
    for (int tries = 0; tries < TRIES && questions.size() < OWN; tries++) {
      another.apply(dice).ifPresent(this::ask);
    }
    for (int tries = 0; tries < TRIES && questions.size() < QUESTIONS; tries++) {
      another.apply(further).ifPresent(this::ask);
    }
  }

  /** The image with noise of −8 to 8 on every channel of every pixel. */
  MiniImage finished() {
    Image image = new Image(SIDE, SIDE, dice.noisy(rgb, 1));
    return new MiniImage(image, questions, plain, PatchLabels.of(figures));
  }
}
