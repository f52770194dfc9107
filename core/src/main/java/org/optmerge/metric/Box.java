package org.optmerge.metric;

import org.apiguardian.api.API;
import org.optmerge.python.PythonText;

/**
 * A rectangle by two opposite corners; which of them is which is not put right, as the evaluators
 * do not.
 *
 * @param left first corner
 * @param top first corner
 * @param right second corner
 * @param bottom second corner
 */
@API(status = API.Status.EXPERIMENTAL)
public record Box(double left, double top, double right, double bottom) {
  /** The box that stands for none found. */
  public static final Box NONE = new Box(0, 0, 0, 0);

  /** Width times height, negative if exactly one of them is. */
  public double area() {
    return (right - left) * (bottom - top);
  }

  /**
   * Intersection over union with another box, in doubles.
   *
   * @throws ArithmeticException if the union is zero
   */
  public double overlap(Box other) {
    double width = Math.max(0, Math.min(right, other.right) - Math.max(left, other.left));
    double height = Math.max(0, Math.min(bottom, other.bottom) - Math.max(top, other.top));
    double intersection = width * height;
    double union = area() + other.area() - intersection;
    if (union == 0) {
      throw new ArithmeticException("the union of %s and %s is zero".formatted(this, other));
    }
    return intersection / union;
  }

  /** Intersection over union in floats, as torchvision computes it; NaN if the union is zero. */
  public float floatOverlap(Box other) {
    float width =
        Math.max(
            Math.min((float) right, (float) other.right)
                - Math.max((float) left, (float) other.left),
            0f);
    float height =
        Math.max(
            Math.min((float) bottom, (float) other.bottom)
                - Math.max((float) top, (float) other.top),
            0f);
    float intersection = width * height;
    return intersection / (floatArea() + other.floatArea() - intersection);
  }

  /** Intersection over union of boxes whose corners are in order; 0 where they do not overlap. */
  double positiveOverlap(Box other) {
    double width = Math.min(right, other.right) - Math.max(left, other.left);
    double height = Math.min(bottom, other.bottom) - Math.max(top, other.top);
    if (!(width > 0 && height > 0)) {
      return 0;
    }
    double intersection = width * height;
    double union =
        Math.max(right - left, 0) * Math.max(bottom - top, 0)
            + Math.max(other.right - other.left, 0) * Math.max(other.bottom - other.top, 0)
            - intersection;
    return union <= 0 ? 0 : intersection / union;
  }

  private float floatArea() {
    return ((float) right - (float) left) * ((float) bottom - (float) top);
  }

  /** True if the centre of this box lies in another, its edges included. */
  public boolean centreIn(Box other) {
    double x = (left + right) / 2;
    double y = (top + bottom) / 2;
    return other.left <= x && x <= other.right && other.top <= y && y <= other.bottom;
  }

  @Override
  public String toString() {
    return "(%s, %s, %s, %s)"
        .formatted(
            PythonText.repr(left),
            PythonText.repr(top),
            PythonText.repr(right),
            PythonText.repr(bottom));
  }
}
