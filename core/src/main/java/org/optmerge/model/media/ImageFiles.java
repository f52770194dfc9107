package org.optmerge.model.media;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/**
 * Reads picture files as {@code convert('RGB')} of Python's imaging library gives them: alpha is
 * dropped, not blended; gray is repeated, without a gamma; palettes are looked up; a rotation noted
 * in the file is ignored.
 */
public final class ImageFiles {
  private ImageFiles() {}

  /**
   * Reads a PNG, JPEG, GIF (its first picture) or BMP file.
   *
   * @throws IOException if it cannot be read or is of no known format
   */
  public static Image read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return read(in, file.toString());
    }
  }

  /**
   * Reads the bytes of such a file.
   *
   * @throws IOException if they are of no known format
   */
  public static Image read(byte[] bytes) throws IOException {
    return read(new ByteArrayInputStream(bytes), "an image of %d bytes".formatted(bytes.length));
  }

  /**
   * Reads a file, a coloured picture with alpha laid on white, as the Qwen-VL utilities do; others
   * as {@link #read(Path)}.
   *
   * @throws IOException if it cannot be read or is of no known format
   */
  public static Image readOnWhite(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      BufferedImage image = decode(in, file.toString());
      ColorModel colors = image.getColorModel();
      boolean transparent =
          colors.hasAlpha() && colors.getNumComponents() == 4 && !isIndexed(colors);
      Image plain = of(image);
      return transparent ? onWhite(plain, image.getAlphaRaster()) : plain;
    }
  }

  private static Image onWhite(Image image, Raster alpha) {
    byte[] rgb = image.rgb().clone();
    for (int i = 0; i < image.width() * image.height(); i++) {
      int opacity =
          level(
              alpha.getSample(
                  alpha.getMinX() + i % image.width(), alpha.getMinY() + i / image.width(), 0),
              alpha.getSampleModel().getSampleSize(0));
      for (int at = 3 * i; at < 3 * i + 3; at++) {
        // Division by 255, rounded.
        int sum = (rgb[at] & 0xff) * opacity + 255 * (255 - opacity) + 128;
        rgb[at] = (byte) (((sum >> 8) + sum) >> 8);
      }
    }
    return new Image(image.width(), image.height(), rgb);
  }

  private static Image read(InputStream in, String name) throws IOException {
    return of(decode(in, name));
  }

  private static BufferedImage decode(InputStream in, String name) throws IOException {
    BufferedImage image = ImageIO.read(in);
    if (image == null) {
      throw new IOException(
          "%s: no picture format that is known here (PNG, JPEG, GIF, BMP)".formatted(name));
    }
    return image;
  }

  private static boolean isIndexed(ColorModel colors) {
    return colors instanceof IndexColorModel;
  }

  /** A picture in memory, by the same rules. */
  public static Image of(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = new byte[3 * width * height];
    ColorModel colors = image.getColorModel();
    boolean gray =
        colors.getColorSpace().getType() == java.awt.color.ColorSpace.TYPE_GRAY
            && !isIndexed(colors);
    boolean raw = image.getType() == BufferedImage.TYPE_CUSTOM && isPlainRgb(colors);
    if (gray || raw) {
      fromRaster(image.getRaster(), gray ? 1 : 3, colors.getComponentSize(0), rgb);
    } else {
      int[] row = new int[width];
      for (int y = 0, at = 0; y < height; y++) {
        // The engine's own gamma concerns gray pictures only.
        image.getRGB(0, y, width, 1, row, 0, width);
        for (int pixel : row) {
          rgb[at++] = (byte) (pixel >> 16);
          rgb[at++] = (byte) (pixel >> 8);
          rgb[at++] = (byte) pixel;
        }
      }
    }
    return new Image(width, height, rgb);
  }

  private static boolean isPlainRgb(ColorModel colors) {
    return !isIndexed(colors)
        && colors.getColorSpace().isCS_sRGB()
        && colors.getNumComponents() >= 3;
  }

  private static void fromRaster(Raster raster, int channels, int bits, byte[] rgb) {
    int width = raster.getWidth();
    int[] row = new int[width * raster.getNumBands()];
    int bands = raster.getNumBands();
    for (int y = 0, at = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int x = 0; x < width; x++) {
        for (int channel = 0; channel < 3; channel++) {
          rgb[at++] = (byte) level(row[x * bands + (channels == 1 ? 0 : channel)], bits);
        }
      }
    }
  }

  /** A value of so many bits as one of eight. */
  private static int level(int value, int bits) {
    if (bits == 8) {
      return value;
    }
    return bits > 8 ? value >> (bits - 8) : value * 255 / ((1 << bits) - 1);
  }
}
