package org.optmerge.model.media;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.regex.Pattern;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.optmerge.base.Deadline;
import org.optmerge.base.DecoderErrors;
import org.optmerge.base.RegularFiles;

/**
 * Image files to pixels: PNG, JPEG, GIF, BMP, TIFF and WebP.
 *
 * <p>The values are those of the file, as the evaluation kits see them: gray is repeated and not
 * gamma-corrected, transparency is dropped and not blended, embedded colour profiles and EXIF
 * orientation are ignored, 16 bits are cut to the upper 8. Of several pictures in a file the first
 * counts. Decoders of JPEG differ by a level or two; CMYK is turned into RGB by its profile.
 */
public final class ImageFiles {
  /** A picture of more pixels is refused before memory is set aside for it. */
  private static final long MOST_PIXELS = 200_000_000;

  /** As long as an array can be. */
  private static final int LONGEST = Integer.MAX_VALUE - 16;

  /** What decoders say of a file that ends too soon, before they fill the rest with grey. */
  private static final Pattern CUT =
      Pattern.compile("(?i)premature|truncat|missing eoi|end of file");

  private ImageFiles() {}

  /**
   * Reads a file.
   *
   * @throws IOException if it cannot be read, or is no image of a known format
   */
  public static Image read(Path file) throws IOException {
    return of(buffered(file));
  }

  /**
   * Reads the content of a file.
   *
   * @throws IOException if it is no image of a known format, or a damaged one
   */
  public static Image read(byte[] bytes) throws IOException {
    return of(decode(bytes));
  }

  /**
   * Reads a file, a coloured picture with alpha laid on white, as the Qwen-VL utilities do; others
   * as {@link #read(Path)}.
   *
   * @throws IOException if it cannot be read or is of no known format
   */
  public static Image readOnWhite(Path file) throws IOException {
    BufferedImage image = buffered(file);
    ColorModel colours = image.getColorModel();
    boolean transparent =
        colours.hasAlpha()
            && colours.getNumComponents() == 4
            && !(colours instanceof IndexColorModel);
    Image plain = of(image);
    return transparent ? onWhite(plain, image.getAlphaRaster()) : plain;
  }

  private static Image onWhite(Image image, Raster alpha) {
    byte[] rgb = image.rgb().clone();
    for (int i = 0; i < image.width() * image.height(); i++) {
      int opacity =
          eightBits(
                  alpha.getSample(
                      alpha.getMinX() + i % image.width(), alpha.getMinY() + i / image.width(), 0),
                  alpha.getSampleModel().getSampleSize(0))
              & 0xff;
      for (int at = 3 * i; at < 3 * i + 3; at++) {
        // Division by 255, rounded.
        int sum = (rgb[at] & 0xff) * opacity + 255 * (255 - opacity) + 128;
        rgb[at] = (byte) (((sum >> 8) + sum) >> 8);
      }
    }
    return new Image(image.width(), image.height(), rgb);
  }

  private static BufferedImage buffered(Path file) throws IOException {
    try {
      return decode(RegularFiles.read(file, LONGEST));
    } catch (IOException e) {
      throw e instanceof java.nio.file.FileSystemException
          ? e
          : new IOException("'%s': %s".formatted(file, e.getMessage()), e);
    }
  }

  private static BufferedImage decode(byte[] bytes) throws IOException {
    return Deadline.decoded("the image", bytes.length, () -> decodeNow(bytes));
  }

  private static BufferedImage decodeNow(byte[] bytes) throws IOException {
    // Not a disk cache for each of a million small images.
    try (ImageInputStream stream =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
      if (!readers.hasNext()) {
        throw new IOException(
            "%d bytes that are no image of a known format (%s)"
                .formatted(bytes.length, "PNG, JPEG, GIF, BMP, TIFF, WebP"));
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(stream, true, true);
        List<String> cut = new ArrayList<>();
        reader.addIIOReadWarningListener(
            (source, warning) -> {
              if (CUT.matcher(warning).find()) {
                cut.add(warning);
              }
            });
        long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
        if (pixels > MOST_PIXELS) {
          throw new IOException(
              "an image of %d x %d pixels is too large"
                  .formatted(reader.getWidth(0), reader.getHeight(0)));
        }
        Extent.check(reader.getWidth(0), reader.getHeight(0), bytes.length);
        Extent.checkWebp(bytes, reader.getWidth(0), reader.getHeight(0));
        BufferedImage image = reader.read(0);
        if (!cut.isEmpty()) {
          throw new IOException(
              "an image that is cut off after %d bytes (%s)".formatted(bytes.length, cut.get(0)));
        }
        if (Arrays.stream(image.getColorModel().getComponentSize()).anyMatch(bits -> bits < 1)) {
          throw new IOException("an image whose samples have no bits; is it damaged?");
        }
        return image;
      } finally {
        reader.dispose();
      }
    } catch (EOFException e) {
      throw new IOException("an image that is cut off after %d bytes".formatted(bytes.length), e);
    } catch (RuntimeException e) {
      // Decoders meet damage with exceptions of every kind.
      throw new IOException("a damaged image: " + DecoderErrors.words(e), e);
    }
  }

  /** A picture in memory: the values that are stored, not what a display would make of them. */
  public static Image of(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    Raster raster = image.getRaster();
    ColorModel colours = image.getColorModel();
    int bands = raster.getNumBands();
    byte[] rgb = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    int[] row = new int[width * bands];
    int out = 0;
    for (int y = 0; y < height; y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int x = 0; x < width; x++) {
        if (colours instanceof IndexColorModel palette) {
          int colour = palette.getRGB(row[x * bands]);
          rgb[out++] = (byte) (colour >> 16);
          rgb[out++] = (byte) (colour >> 8);
          rgb[out++] = (byte) colour;
        } else {
          for (int channel = 0; channel < 3; channel++) {
            int band = bands < 3 ? 0 : channel;
            rgb[out++] = eightBits(row[x * bands + band], colours.getComponentSize(band));
          }
        }
      }
    }
    return new Image(width, height, rgb);
  }

  static byte eightBits(int value, int bits) {
    return (byte)
        (bits == 8 ? value : bits > 8 ? value >> (bits - 8) : value * 255 / ((1 << bits) - 1));
  }

  /** An image as the JDK has it. */
  static BufferedImage buffered(Image image) {
    BufferedImage buffered =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    int[] row = new int[image.width()];
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        row[x] =
            image.channel(x, y, 0) << 16 | image.channel(x, y, 1) << 8 | image.channel(x, y, 2);
      }
      buffered.getRaster().setDataElements(0, y, image.width(), 1, row);
    }
    return buffered;
  }

  /**
   * A picture as it comes out of a JPEG file that Pillow writes without being told a quality, to
   * the level: quality 75, colours at half resolution. The evaluation kits keep pictures so.
   */
  public static Image throughJpeg(Image image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam settings = writer.getDefaultWriteParam();
      settings.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      settings.setCompressionQuality(0.75f);
      writer.setOutput(out);
      writer.write(null, new IIOImage(buffered(image), null, null), settings);
      out.flush();
      return read(bytes.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be written to", e);
    } finally {
      writer.dispose();
    }
  }

  /** A PNG file of an image. */
  public static byte[] png(Image image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(buffered(image), "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be written to", e);
    }
    return bytes.toByteArray();
  }
}
