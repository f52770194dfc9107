package org.optmerge.method;

/** Points on a great circle. */
final class SphericalPath {
  private static final double STRAIGHT = 1e-8;

  private SphericalPath() {}

  /**
   * The coefficients of two vectors at an angle, of which the combination goes the share t of the
   * way; on a straight line where the angle is 0 or π.
   */
  static double[] coefficients(double angle, double t) {
    double sine = Math.sin(angle);
    return Math.abs(sine) < STRAIGHT
        ? new double[] {1 - t, t}
        : new double[] {Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine};
  }
}
