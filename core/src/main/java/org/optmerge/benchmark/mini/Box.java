package org.optmerge.benchmark.mini;

/**
 * The pixels from {@code left} to {@code right} and {@code top} to {@code bottom}, all included.
 */
record Box(int left, int top, int right, int bottom) {
  /** Whether a pixel is part of something. */
  interface Pixels {
    boolean covers(int x, int y);
  }

  /** The least box of the pixels that something covers within this one, which is at least one. */
  Box around(Pixels pixels) {
    int least = right;
    int first = bottom;
    int most = left;
    int last = top;
    for (int y = top; y <= bottom; y++) {
      for (int x = left; x <= right; x++) {
        if (pixels.covers(x, y)) {
          least = Math.min(least, x);
          first = Math.min(first, y);
          most = Math.max(most, x);
          last = Math.max(last, y);
        }
      }
    }
    return new Box(least, first, most, last);
  }

  /** The distance of a point from the box, 0 within it; pixel p reaches from p to p + 1. */
  double distance(double x, double y) {
    double across = Math.max(0, Math.max(left - x, x - (right + 1)));
    double down = Math.max(0, Math.max(top - y, y - (bottom + 1)));
    return Math.sqrt(across * across + down * down);
  }

  /** Whether the boxes share a pixel, or come within a number of pixels of that. */
  boolean isWithin(int pixels, Box other) {
    return left - pixels <= other.right
        && other.left <= right + pixels
        && top - pixels <= other.bottom
        && other.top <= bottom + pixels;
  }

  /** Four tokens, in units of two pixels. */
  String answer() {
    return "<c%d> <c%d> <c%d> <c%d>".formatted(left / 2, top / 2, right / 2, bottom / 2);
  }
}
