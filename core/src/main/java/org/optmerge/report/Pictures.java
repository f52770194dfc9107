package org.optmerge.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.Optional;
import java.util.function.Consumer;
import org.optmerge.benchmark.mini.PixelBox;
import org.optmerge.model.media.Image;

/** Pictures of examples as figures show them. */
final class Pictures {
  private Pictures() {}

  static BufferedImage buffered(Image image) {
    BufferedImage pixels =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        pixels.setRGB(
            x,
            y,
            image.channel(x, y, 0) << 16 | image.channel(x, y, 1) << 8 | image.channel(x, y, 2));
      }
    }
    return pixels;
  }

  /** The factor by which a picture grows to a side: a whole number if it grows. */
  static double scale(Image image, int side) {
    double fit = side / (double) Math.max(image.width(), image.height());
    return fit >= 1 ? Math.floor(fit) : fit;
  }

  /** A picture of its own, no side of it longer than so many pixels. */
  static BufferedImage of(Image image, Optional<PixelBox> box, int side) {
    double scale = scale(image, side);
    BufferedImage picture =
        new BufferedImage(
            Math.max(1, (int) Math.round(scale * image.width())),
            Math.max(1, (int) Math.round(scale * image.height())),
            BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = picture.createGraphics();
    try {
      draw(graphics, image, box, 0, 0, side);
    } finally {
      graphics.dispose();
    }
    return picture;
  }

  /**
   * Draws a picture, with its box if there is one.
   *
   * @param side no side becomes longer
   */
  static void draw(
      Graphics2D graphics, Image image, Optional<PixelBox> box, int left, int top, int side) {
    double scale = scale(image, side);
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION,
        scale >= 1
            ? RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR
            : RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    graphics.drawImage(
        buffered(image),
        left,
        top,
        (int) Math.round(scale * image.width()),
        (int) Math.round(scale * image.height()),
        null);
    box.ifPresent(
        b -> {
          int x = left + (int) Math.round(scale * b.left());
          int y = top + (int) Math.round(scale * b.top());
          int across = (int) Math.round(scale * (b.right() + 1 - b.left()));
          int down = (int) Math.round(scale * (b.bottom() + 1 - b.top()));
          float line = side / 128f;
          // Dark on light, so that it is seen on any picture.
          graphics.setColor(Color.WHITE);
          graphics.setStroke(new BasicStroke(2.67f * line));
          graphics.drawRect(x, y, across, down);
          graphics.setColor(Palette.INK);
          graphics.setStroke(new BasicStroke(line));
          graphics.drawRect(x, y, across, down);
        });
  }

  /** A white sheet of twice the pixels of its layout, as all figures have, with a drawing on it. */
  static BufferedImage sheet(int width, int height, Consumer<Graphics2D> drawing) {
    BufferedImage sheet = new BufferedImage(2 * width, 2 * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = sheet.createGraphics();
    try {
      graphics.scale(2, 2);
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
      graphics.setColor(Color.WHITE);
      graphics.fillRect(0, 0, width, height);
      drawing.accept(graphics);
    } finally {
      graphics.dispose();
    }
    return sheet;
  }

  /** Writes a line of text, cut where it becomes wider than some pixels. */
  static void write(
      Graphics2D graphics, String text, Font font, Color color, int left, int baseline, int width) {
    graphics.setFont(font);
    graphics.setColor(color);
    graphics.drawString(cut(graphics.getFontMetrics(), text, width), left, baseline);
  }

  static String cut(FontMetrics metrics, String text, int width) {
    String shown = text;
    while (metrics.stringWidth(shown) > width && shown.length() > 2) {
      shown = shown.substring(0, shown.length() - 2).stripTrailing() + "…";
    }
    return shown;
  }

  /** A color with at most some lightness, for text on white. */
  static Color dark(Color color, double lightness) {
    Color dark = color;
    while (Palette.lightness(dark) > lightness) {
      dark = new Color(dark.getRed() * 9 / 10, dark.getGreen() * 9 / 10, dark.getBlue() * 9 / 10);
    }
    return dark;
  }
}
