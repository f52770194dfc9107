package org.optmerge.model.vision;

import org.optmerge.model.media.Image;

/**
 * Bilinear resizing of 8-bit pictures, bit for bit as Pillow's {@code Image.resize} does it with
 * {@code BILINEAR}; else as {@link BicubicResize}.
 */
public final class BilinearResize {
  private BilinearResize() {}

  /**
   * A picture in another size.
   *
   * @throws IllegalArgumentException if a side is not positive
   */
  public static Image resize(Image image, int width, int height) {
    return BicubicResize.resize(
        image, width, height, 1, distance -> Math.max(0, 1 - Math.abs(distance)));
  }
}
