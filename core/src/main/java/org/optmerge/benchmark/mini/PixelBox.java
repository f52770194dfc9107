package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apiguardian.api.API;

/**
 * The pixels from {@code left} to {@code right} and {@code top} to {@code bottom}, all included.
 */
@API(status = API.Status.EXPERIMENTAL)
public record PixelBox(int left, int top, int right, int bottom) {
  private static final Pattern COORDINATE = Pattern.compile("<c(\\d{1,2})>");

  /** Pixels of a coordinate's unit. */
  private static final int UNIT = 2;

  /** Pixels that are part of something. */
  interface Pixels {
    boolean covers(int x, int y);
  }

  /** The least box of the pixels that something covers within this one, which is at least one. */
  PixelBox around(Pixels pixels) {
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
    return new PixelBox(least, first, most, last);
  }

  /** The distance of a point from the box, 0 within it; pixel p reaches from p to p + 1. */
  double distance(double x, double y) {
    double across = Math.max(0, Math.max(left - x, x - (right + 1)));
    double down = Math.max(0, Math.max(top - y, y - (bottom + 1)));
    return Math.sqrt(across * across + down * down);
  }

  /** True if the boxes share a pixel, or come within a number of pixels of that. */
  boolean isWithin(int pixels, PixelBox other) {
    return left - pixels <= other.right
        && other.left <= right + pixels
        && top - pixels <= other.bottom
        && other.top <= bottom + pixels;
  }

  /** Four tokens, in units of two pixels. */
  String answer() {
    return "<c%d> <c%d> <c%d> <c%d>"
        .formatted(left / UNIT, top / UNIT, right / UNIT, bottom / UNIT);
  }

  /**
   * The pixels that an answer stands for, if it is four coordinate tokens such as {@code <c3> <c4>
   * <c10> <c12>} and nothing else.
   */
  public static Optional<PixelBox> ofAnswer(String answer) {
    Matcher matcher = COORDINATE.matcher(answer);
    List<Integer> sides = new ArrayList<>();
    while (matcher.find()) {
      sides.add(UNIT * Integer.parseInt(matcher.group(1)));
    }
    return sides.size() == 4 && COORDINATE.matcher(answer).replaceAll("").isBlank()
        ? Optional.of(
            new PixelBox(
                sides.get(0), sides.get(1), sides.get(2) + UNIT - 1, sides.get(3) + UNIT - 1))
        : Optional.empty();
  }

  /** Intersection over union; a box whose right is left of its left covers nothing. */
  double overlap(PixelBox other) {
    long shared =
        new PixelBox(
                Math.max(left, other.left),
                Math.max(top, other.top),
                Math.min(right, other.right),
                Math.min(bottom, other.bottom))
            .area();
    long union = area() + other.area() - shared;
    return union == 0 ? 0 : (double) shared / union;
  }

  private long area() {
    return (long) Math.max(0, right + 1 - left) * Math.max(0, bottom + 1 - top);
  }
}
