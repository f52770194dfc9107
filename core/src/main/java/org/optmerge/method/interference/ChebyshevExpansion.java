package org.optmerge.method.interference;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * A smooth function on an interval that starts at 0 as a sum of Chebyshev polynomials, c₀T₀ + … +
 * c_dT_d of 2x/end − 1.
 *
 * <p>With it a function of a matrix takes d products instead of an eigendecomposition: K steps of
 * gradient descent are a polynomial of degree K − 1 in the Hessian, and one of a few terms differs
 * from it by no more than the coefficients left out, since no |T_k| exceeds 1 on the interval.
 *
 * @param end the interval is [0, end]
 * @param coefficients c₀ … c_d
 * @see <a href="https://doi.org/10.1137/1.9781611975949">Trefethen, Approximation Theory and
 *     Approximation Practice, chapters 3, 4 and 8</a>
 */
record ChebyshevExpansion(double end, double[] coefficients) {
  /** Interpolation points. Expansions that need half as many terms are not worth having. */
  private static final int POINTS = 512;

  /** Terms up to here are computed; what is left after them must be rounding error. */
  private static final int TERMS = POINTS / 2;

  /**
   * The shortest expansion that is nowhere on the interval farther from the function than the
   * tolerance; empty if the function is not smooth enough to be expanded to that in {@value #TERMS}
   * terms.
   *
   * @param end positive
   * @param tolerance absolute
   */
  static Optional<ChebyshevExpansion> of(
      DoubleUnaryOperator function, double end, double tolerance) {
    double[] values = new double[POINTS];
    double[] angles = new double[POINTS];
    for (int j = 0; j < POINTS; j++) {
      angles[j] = Math.PI * (j + 0.5) / POINTS;
      values[j] = function.applyAsDouble(end * (1 + Math.cos(angles[j])) / 2);
    }
    double[] coefficients = new double[TERMS];
    for (int k = 0; k < TERMS; k++) {
      double sum = 0;
      for (int j = 0; j < POINTS; j++) {
        sum += values[j] * Math.cos(k * angles[j]);
      }
      coefficients[k] = (k == 0 ? 1 : 2) * sum / POINTS;
    }
    double rest = 0;
    int terms = TERMS;
    while (terms > 1 && rest + Math.abs(coefficients[terms - 1]) <= tolerance) {
      rest += Math.abs(coefficients[--terms]);
    }
    // The second half of the computed terms must be among what is left out: then the coefficients
    // have decayed, and neither terms beyond nor their aliases matter.
    return terms <= TERMS / 2
        ? Optional.of(new ChebyshevExpansion(end, Arrays.copyOf(coefficients, terms)))
        : Optional.empty();
  }

  /** d. */
  int degree() {
    return coefficients.length - 1;
  }

  /** The value at a point of the interval. */
  double at(double x) {
    double angle = Math.acos(Math.max(-1, Math.min(1, 2 * x / end - 1)));
    double sum = 0;
    for (int k = 0; k < coefficients.length; k++) {
      sum += coefficients[k] * Math.cos(k * angle);
    }
    return sum;
  }
}
