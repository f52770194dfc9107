package org.optmerge.model.media;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.IOException;

/**
 * The picture that a viewer shows of an animation: each frame changes a part of what the last one
 * left.
 */
final class FrameCanvas {
  private static final long MOST_PIXELS = 50_000_000;

  private final int width;
  private final int height;
  private final byte[] rgb;
  private final byte[] alpha;

  /** Nothing drawn yet: transparent black. */
  FrameCanvas(int width, int height) throws IOException {
    if (width < 1 || height < 1 || (long) width * height > MOST_PIXELS) {
      throw new IOException("frames of %d x %d pixels".formatted(width, height));
    }
    this.width = width;
    this.height = height;
    this.rgb = new byte[3 * width * height];
    this.alpha = new byte[width * height];
  }

  private FrameCanvas(FrameCanvas other) {
    this.width = other.width;
    this.height = other.height;
    this.rgb = other.rgb.clone();
    this.alpha = other.alpha.clone();
  }

  FrameCanvas copy() {
    return new FrameCanvas(this);
  }

  /** The picture that is seen: colours that are transparent in part lie on black. */
  Image image() {
    byte[] seen = rgb.clone();
    for (int i = 0; i < alpha.length; i++) {
      int opacity = alpha[i] & 0xff;
      for (int at = 3 * i; opacity < 255 && at < 3 * i + 3; at++) {
        seen[at] = (byte) (((seen[at] & 0xff) * opacity + 127) / 255);
      }
    }
    return new Image(width, height, seen);
  }

  /** Makes a part transparent. */
  void clear(int left, int top, int across, int down) throws IOException {
    check(left, top, across, down);
    for (int y = top; y < top + down; y++) {
      for (int x = left; x < left + across; x++) {
        set(x, y, 0, 0, 0, 0);
      }
    }
  }

  /**
   * Draws a frame.
   *
   * @param over whether it is laid over what is there, rather than put in its place
   */
  void draw(BufferedImage frame, int left, int top, boolean over) throws IOException {
    check(left, top, frame.getWidth(), frame.getHeight());
    Image colours = ImageFiles.of(frame);
    for (int y = 0; y < frame.getHeight(); y++) {
      for (int x = 0; x < frame.getWidth(); x++) {
        int opacity = opacity(frame, x, y);
        int red = colours.channel(x, y, 0);
        int green = colours.channel(x, y, 1);
        int blue = colours.channel(x, y, 2);
        if (!over || opacity == 255) {
          set(left + x, top + y, red, green, blue, opacity);
        } else if (opacity > 0) {
          blend(left + x, top + y, red, green, blue, opacity);
        }
      }
    }
  }

  private void check(int left, int top, int across, int down) throws IOException {
    if (left < 0 || top < 0 || left + across > width || top + down > height) {
      throw new IOException(
          "a frame of %d x %d pixels at %d, %d, beyond the film's %d x %d"
              .formatted(across, down, left, top, width, height));
    }
  }

  private static int opacity(BufferedImage frame, int x, int y) {
    ColorModel colours = frame.getColorModel();
    if (!colours.hasAlpha()) {
      return 255;
    }
    if (colours instanceof IndexColorModel palette) {
      return palette.getAlpha(frame.getRaster().getSample(x, y, 0));
    }
    Raster raster = frame.getAlphaRaster();
    int bits = colours.getComponentSize(colours.getNumComponents() - 1);
    int value = raster.getSample(x + raster.getMinX(), y + raster.getMinY(), 0);
    return ImageFiles.eightBits(value, bits) & 0xff;
  }

  private void blend(int x, int y, int red, int green, int blue, int opacity) {
    int at = y * width + x;
    double above = opacity / 255.0;
    double below = (alpha[at] & 0xff) / 255.0 * (1 - above);
    double all = above + below;
    set(
        x,
        y,
        (int) Math.round((red * above + (rgb[3 * at] & 0xff) * below) / all),
        (int) Math.round((green * above + (rgb[3 * at + 1] & 0xff) * below) / all),
        (int) Math.round((blue * above + (rgb[3 * at + 2] & 0xff) * below) / all),
        (int) Math.round(255 * all));
  }

  private void set(int x, int y, int red, int green, int blue, int opacity) {
    int at = y * width + x;
    rgb[3 * at] = (byte) red;
    rgb[3 * at + 1] = (byte) green;
    rgb[3 * at + 2] = (byte) blue;
    alpha[at] = (byte) opacity;
  }
}
