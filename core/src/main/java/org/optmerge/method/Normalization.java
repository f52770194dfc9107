package org.optmerge.method;

import java.util.Arrays;

/** Division of weights by their sum. */
final class Normalization {
  /** Sums this small come from weights that were meant to cancel. */
  private static final double ZERO = 1e-12;

  private Normalization() {}

  static double sum(double[] weights) {
    return Arrays.stream(weights).sum();
  }

  /** Each weight divided by their sum. */
  static double[] normalized(double[] weights) {
    double sum = sum(weights);
    return Arrays.stream(weights).map(weight -> weight / sum).toArray();
  }

  /** Refuses weights that cannot be divided by their sum. */
  static void checkSum(String method, String parameter, double[] weights) {
    if (Math.abs(sum(weights)) < ZERO) {
      throw new ParameterException(
          method,
          "weight",
          "the weights %s of '%s' sum to 0 and cannot be normalized; change one, or set normalize: false"
              .formatted(Arrays.toString(weights), parameter));
    }
  }
}
