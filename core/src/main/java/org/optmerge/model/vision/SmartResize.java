package org.optmerge.model.vision;

/**
 * The size Qwen2-VL gives a picture: sides that are multiples of a factor, proportions nearly kept,
 * the number of pixels within limits.
 *
 * @param factor what both sides are multiples of: patch size times merged patches, 28
 * @param minPixels fewest pixels
 * @param maxPixels most pixels
 * @see <a href="https://arxiv.org/abs/2409.12191">Wang et al., Qwen2-VL, section 2.1, naive dynamic
 *     resolution</a>
 */
public record SmartResize(int factor, long minPixels, long maxPixels) {
  private static final int LARGEST_RATIO = 200;

  /** Width and height in pixels. */
  public record Size(int width, int height) {}

  /**
   * @throws IllegalArgumentException unless the factor is positive and the limits are in order
   */
  public SmartResize {
    if (factor < 1
        || minPixels < 0
        || maxPixels < minPixels
        || maxPixels < (long) factor * factor) {
      throw new IllegalArgumentException(
          "smart resize: factor %d, pixels %d to %d; expected a positive factor and limits in order with room for one cell"
              .formatted(factor, minPixels, maxPixels));
    }
  }

  /**
   * The size for a picture. As in the reference, a side of a long thin picture can come out as 0
   * where the limit is small; such a picture cannot be resized.
   *
   * @throws IllegalArgumentException if one side is more than 200 times the other
   */
  public Size of(int width, int height) {
    if (width < 1
        || height < 1
        || Math.max(width, height) > (double) LARGEST_RATIO * Math.min(width, height)) {
      throw new IllegalArgumentException(
          "smart resize: a picture of %d x %d pixels; one side may be at most %d times the other"
              .formatted(width, height, LARGEST_RATIO));
    }
    long w = Math.max(factor, nearest(width));
    long h = Math.max(factor, nearest(height));
    if (w * h > maxPixels) {
      double beta = Math.sqrt((double) height * width / maxPixels);
      h = (long) Math.floor(height / beta / factor) * factor;
      w = (long) Math.floor(width / beta / factor) * factor;
    } else if (w * h < minPixels) {
      double beta = Math.sqrt(minPixels / ((double) height * width));
      h = (long) Math.ceil(height * beta / factor) * factor;
      w = (long) Math.ceil(width * beta / factor) * factor;
    }
    return new Size((int) w, (int) h);
  }

  /** Halves go to the even multiple. */
  private long nearest(int side) {
    return (long) Math.rint((double) side / factor) * factor;
  }
}
