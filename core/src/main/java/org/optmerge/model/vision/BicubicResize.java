package org.optmerge.model.vision;

import org.optmerge.model.media.Image;

/**
 * Bicubic resizing of 8-bit pictures, bit for bit as Pillow's {@code Image.resize} does it: a =
 * −1/2, antialiased when shrinking, weights in fixed point, rows first and rounded, then columns.
 */
public final class BicubicResize {
  private static final int PRECISION = 22;
  private static final double A = -0.5;
  private static final double SUPPORT = 2;

  /** A filter as a function of the distance in source pixels. */
  interface Filter {
    double weight(double distance);
  }

  private BicubicResize() {}

  /**
   * A picture in another size.
   *
   * @throws IllegalArgumentException if a side is not positive
   */
  public static Image resize(Image image, int width, int height) {
    return resize(image, width, height, SUPPORT, BicubicResize::cubic);
  }

  /** The same with another filter, which is zero from its support on. */
  static Image resize(Image image, int width, int height, double support, Filter filter) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "resize: sides must be positive, are %d x %d".formatted(width, height));
    }
    Image wide =
        width == image.width()
            ? image
            : horizontally(image, Taps.of(image.width(), width, support, filter));
    return height == image.height()
        ? wide
        : vertically(wide, Taps.of(image.height(), height, support, filter));
  }

  /**
   * The source pixels of each pixel of the result.
   *
   * @param first source pixel of each result pixel
   * @param weights of the source pixels from there on, in units of 2^−22
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Taps(int[] first, int[][] weights) {
    static Taps of(int from, int to, double reach, Filter filter) {
      double scale = (double) from / to;
      double stretch = Math.max(scale, 1);
      double support = reach * stretch;
      int[] first = new int[to];
      int[][] weights = new int[to][];
      for (int i = 0; i < to; i++) {
        double center = (i + 0.5) * scale;
        int low = Math.max(0, (int) (center - support + 0.5));
        int high = Math.min(from, (int) (center + support + 0.5));
        first[i] = low;
        weights[i] = weights(low, high, center, 1 / stretch, filter);
      }
      return new Taps(first, weights);
    }

    private static int[] weights(int low, int high, double center, double inverse, Filter filter) {
      double[] exact = new double[high - low];
      double sum = 0;
      for (int k = 0; k < exact.length; k++) {
        exact[k] = filter.weight((k + low - center + 0.5) * inverse);
        sum += exact[k];
      }
      int[] fixed = new int[exact.length];
      for (int k = 0; k < fixed.length; k++) {
        double weight = sum == 0 ? exact[k] : exact[k] / sum;
        fixed[k] = (int) (weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
      }
      return fixed;
    }
  }

  private static double cubic(double x) {
    double t = Math.abs(x);
    if (t < 1) {
      return ((A + 2) * t - (A + 3)) * t * t + 1;
    }
    return t < 2 ? (((t - 5) * t + 8) * t - 4) * A : 0;
  }

  private static Image horizontally(Image image, Taps taps) {
    int width = taps.first.length;
    byte[] source = image.rgb();
    byte[] target = new byte[3 * width * image.height()];
    for (int y = 0, at = 0; y < image.height(); y++) {
      int row = 3 * image.width() * y;
      for (int x = 0; x < width; x++) {
        at = mix(source, row + 3 * taps.first[x], 3, taps.weights[x], target, at);
      }
    }
    return new Image(width, image.height(), target);
  }

  private static Image vertically(Image image, Taps taps) {
    int height = taps.first.length;
    int stride = 3 * image.width();
    byte[] source = image.rgb();
    byte[] target = new byte[stride * height];
    for (int y = 0, at = 0; y < height; y++) {
      for (int x = 0; x < image.width(); x++) {
        at = mix(source, stride * taps.first[y] + 3 * x, stride, taps.weights[y], target, at);
      }
    }
    return new Image(image.width(), height, target);
  }

  /** One pixel of the result; returns where the next one goes. */
  private static int mix(
      byte[] source, int from, int stride, int[] weights, byte[] target, int to) {
    int red = 1 << (PRECISION - 1);
    int green = red;
    int blue = red;
    for (int k = 0, at = from; k < weights.length; k++, at += stride) {
      int weight = weights[k];
      red += weight * (source[at] & 0xff);
      green += weight * (source[at + 1] & 0xff);
      blue += weight * (source[at + 2] & 0xff);
    }
    target[to] = clamp(red);
    target[to + 1] = clamp(green);
    target[to + 2] = clamp(blue);
    return to + 3;
  }

  private static byte clamp(int sum) {
    return (byte) Math.max(0, Math.min(255, sum >> PRECISION));
  }
}
