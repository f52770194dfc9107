package org.optmerge.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.PixelBox;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/**
 * Examples of a benchmark at a glance: their pictures with question, kind and answer, the tasks one
 * below the other. A box that is an answer is drawn into its picture; a sound is shown as its
 * spectrogram, a film by four of its frames.
 */
public final class ContactSheet {
  private static final int PICTURE = 192;

  /** Frames that are shown of a film. */
  private static final int FRAMES = 4;

  private static final int GAP = 20;
  private static final int MARGIN = 28;
  private static final int TITLE = 34;
  private static final int HEADING = 34;
  private static final int LINE = 16;

  /** Lines of a question; what is longer is cut. */
  private static final int QUESTION_LINES = 2;

  /** The height of the text below a picture: the question, the answer and a line for its kind. */
  private static final int TEXT = (QUESTION_LINES + 2) * LINE + 18;

  private static final Font QUESTION = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  private static final Font ANSWER = new Font(Font.SANS_SERIF, Font.BOLD, 13);
  private static final Font KIND = new Font(Font.SANS_SERIF, Font.PLAIN, 10);
  private static final Font TASK = new Font(Font.SANS_SERIF, Font.BOLD, 15);
  private static final Font HEAD = new Font(Font.SANS_SERIF, Font.BOLD, 18);

  private final Graphics2D graphics;

  private ContactSheet(Graphics2D graphics) {
    this.graphics = graphics;
  }

  /**
   * Draws a sheet.
   *
   * @param title the line at the top
   * @param examples each with a picture, a sound, a film, or one of each; small pictures are
   *     enlarged by a whole number
   * @param columns pictures beside each other
   * @throws IllegalArgumentException if there is no example or no column
   */
  public static BufferedImage of(String title, List<Question> examples, int columns) {
    if (examples.isEmpty() || columns < 1) {
      throw new IllegalArgumentException(
          "a contact sheet needs an example and a column, not %d and %d"
              .formatted(examples.size(), columns));
    }
    Map<String, List<Question>> tasks = new LinkedHashMap<>();
    examples.forEach(
        example -> tasks.computeIfAbsent(example.group(), any -> new ArrayList<>()).add(example));
    int width = 2 * MARGIN + columns * (PICTURE + GAP) - GAP;
    int height = 2 * MARGIN + TITLE;
    for (List<Question> task : tasks.values()) {
      height += HEADING + rows(task, columns) * (height(task) + TEXT);
    }
    return Pictures.sheet(
        width,
        height,
        graphics -> {
          graphics.setRenderingHint(
              RenderingHints.KEY_FRACTIONALMETRICS, RenderingHints.VALUE_FRACTIONALMETRICS_ON);
          new ContactSheet(graphics).draw(title, tasks, columns);
        });
  }

  private static int rows(List<Question> examples, int columns) {
    return (examples.size() + columns - 1) / columns;
  }

  private void draw(String title, Map<String, List<Question>> tasks, int columns) {
    write(title, HEAD, Palette.INK, MARGIN, MARGIN + 16);
    List<Color> colors = Palette.ofTasks(List.copyOf(tasks.keySet()));
    int top = MARGIN + TITLE;
    int number = 0;
    for (Map.Entry<String, List<Question>> task : tasks.entrySet()) {
      Color color = colors.get(number++);
      graphics.setColor(color);
      graphics.fillRoundRect(MARGIN, top + 3, 5, 18, 3, 3);
      write(task.getKey(), TASK, Palette.INK, MARGIN + 13, top + 17);
      top += HEADING;
      List<Question> examples = task.getValue();
      int height = height(examples);
      for (int i = 0; i < examples.size(); i++) {
        int left = MARGIN + i % columns * (PICTURE + GAP);
        card(examples.get(i), color, left, top + i / columns * (height + TEXT), height);
      }
      top += rows(examples, columns) * (height + TEXT);
    }
  }

  private void card(Question example, Color color, int left, int top, int height) {
    String answer = String.join(" / ", example.answers());
    Optional<PixelBox> box = PixelBox.ofAnswer(answer);
    media(example.media(), box, left, top);
    int baseline = top + height + LINE;
    for (String line : wrapped(example.text())) {
      write(line, QUESTION, Palette.INK, left, baseline);
      baseline += LINE;
    }
    String shown =
        box.map(b -> "%d, %d to %d, %d".formatted(b.left(), b.top(), b.right(), b.bottom()))
            .orElse(answer);
    write(cut(shown, ANSWER), ANSWER, Pictures.dark(color, 110), left, baseline + 1);
    boolean heldOut = "true".equals(example.fields().get("heldOut"));
    write(
        cut(example.type() + (heldOut ? " · held out" : ""), KIND),
        KIND,
        Palette.MUTED,
        left,
        baseline + LINE);
  }

  /** The place of the media of a task's examples: less than a picture's if all have several. */
  private static int height(List<Question> examples) {
    return examples.stream().mapToInt(example -> height(example.media())).max().orElse(PICTURE);
  }

  private static int height(Collection<Media> all) {
    long films = all.stream().filter(Video.class::isInstance).count();
    return all.size() <= 1 || films == all.size()
        ? PICTURE
        : PICTURE / 2 + (films > 0 ? PICTURE / FRAMES : 0);
  }

  /** A picture or a sound alone; else two beside each other and frames of films in a row below. */
  private void media(List<Media> all, Optional<PixelBox> box, int left, int top) {
    List<Image> large = new ArrayList<>();
    List<Image> frames = new ArrayList<>();
    for (Media each : all) {
      if (each instanceof Image image) {
        large.add(image);
      } else if (each instanceof Audio audio) {
        large.add(Spectrogram.of(audio));
      } else if (each instanceof Video video) {
        frames.addAll(video.sampled(FRAMES).frames());
      }
    }
    if (large.size() == 1 && frames.isEmpty()) {
      boolean drawn = all.get(0) instanceof Image;
      picture(large.get(0), PICTURE, drawn ? box : Optional.empty(), left, top);
      return;
    }
    int half = PICTURE / 2;
    for (int i = 0; i < Math.min(2, large.size()); i++) {
      picture(large.get(i), half, Optional.empty(), left + i * half, top);
    }
    // Frames alone have the place of four pictures, else of a row below them.
    int side = large.isEmpty() ? half : PICTURE / FRAMES;
    int below = large.isEmpty() ? top : top + half;
    int across = PICTURE / side;
    for (int i = 0; i < Math.min(FRAMES, frames.size()); i++) {
      picture(
          frames.get(i),
          side,
          Optional.empty(),
          left + i % across * side,
          below + i / across * side);
    }
  }

  private void picture(Image image, int side, Optional<PixelBox> box, int left, int top) {
    double scale = Pictures.scale(image, side);
    Pictures.draw(graphics, image, box, left, top, side);
    graphics.setColor(Palette.GRID);
    graphics.setStroke(new BasicStroke(1));
    graphics.drawRect(
        left,
        top,
        (int) Math.round(scale * image.width()),
        (int) Math.round(scale * image.height()));
  }

  private void write(String text, Font font, Color color, int left, int baseline) {
    graphics.setFont(font);
    graphics.setColor(color);
    graphics.drawString(text, left, baseline);
  }

  /** A question in lines as wide as a picture. */
  private List<String> wrapped(String text) {
    FontMetrics metrics = graphics.getFontMetrics(QUESTION);
    List<String> lines = new ArrayList<>();
    String line = "";
    // The question mark is a word of the miniature; it does not begin a line.
    for (String word : text.replace(" ?", "?").replace('\n', ' ').split(" ")) {
      String longer = line.isEmpty() ? word : line + " " + word;
      if (!line.isEmpty() && metrics.stringWidth(longer) > PICTURE) {
        lines.add(line);
        line = word;
      } else {
        line = longer;
      }
    }
    lines.add(line);
    if (lines.size() > QUESTION_LINES) {
      String last = lines.get(QUESTION_LINES - 1) + " " + lines.get(QUESTION_LINES);
      lines = new ArrayList<>(lines.subList(0, QUESTION_LINES - 1));
      lines.add(last);
    }
    return lines.stream().map(each -> cut(each, QUESTION)).toList();
  }

  /** A text no wider than a picture. */
  private String cut(String text, Font font) {
    return Pictures.cut(graphics.getFontMetrics(font), text, PICTURE);
  }
}
