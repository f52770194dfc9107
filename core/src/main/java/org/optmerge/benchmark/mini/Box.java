package org.optmerge.benchmark.mini;

/**
 * The pixels from {@code left} to {@code right} and {@code top} to {@code bottom}, all included.
 */
record Box(int left, int top, int right, int bottom) {
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
