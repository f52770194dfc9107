package org.optmerge.model.media;

import java.util.Arrays;
import java.util.Objects;

/**
 * A picture of 8-bit red, green and blue.
 *
 * @param width in pixels
 * @param height in pixels
 * @param rgb {@code 3 · width · height} bytes, row by row from the top, the three channels of a
 *     pixel together; not copied, so not to be changed afterwards
 */
@SuppressWarnings("ArrayRecordComponent") // equality and hash are defined below
public record Image(int width, int height, byte[] rgb) implements Media {
  /**
   * @throws IllegalArgumentException if a side is not positive or the bytes are not {@code 3 ·
   *     width · height}
   */
  public Image {
    if (width <= 0 || height <= 0 || rgb.length != 3L * width * height) {
      throw new IllegalArgumentException(
          "an image of %d x %d pixels has 3 bytes for each pixel, not %d bytes in all"
              .formatted(width, height, rgb.length));
    }
  }

  @Override
  public long bytes() {
    return rgb.length;
  }

  /** The value of a channel (0 red, 1 green, 2 blue) of a pixel, 0 to 255. */
  public int channel(int x, int y, int channel) {
    return rgb[3 * (Objects.checkIndex(y, height) * width + Objects.checkIndex(x, width)) + channel]
        & 0xff;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Image image
        && width == image.width
        && height == image.height
        && Arrays.equals(rgb, image.rgb);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * width + height) + Arrays.hashCode(rgb);
  }

  @Override
  public String toString() {
    return "Image[%d x %d]".formatted(width, height);
  }
}
