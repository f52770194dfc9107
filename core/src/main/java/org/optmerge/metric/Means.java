package org.optmerge.metric;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * Means to the last bit, since a score is compared with a published one: the order in which floats
 * are added decides the last digits.
 */
public enum Means {
  /**
   * {@code numpy.mean} until NumPy 2.2: blocks of 8,192, as its iterator buffers them, each summed
   * in pairs. What VLMEvalKit used when the fork of the paper left it.
   */
  NUMPY {
    @Override
    public double of(double[] values) {
      double sum = 0;
      for (int from = 0; from < values.length; from += BLOCK) {
        sum += pairwise(values, from, Math.min(BLOCK, values.length - from));
      }
      return sum / values.length;
    }
  },
  /**
   * {@code numpy.mean} since NumPy 2.3, whose iterator no longer buffers what needs no conversion:
   * all are summed in pairs. What today's VLMEvalKit uses, which asks for no version of NumPy.
   */
  NUMPY_2_3 {
    @Override
    public double of(double[] values) {
      return pairwise(values, 0, values.length) / values.length;
    }
  },
  /**
   * {@code sum(values) / len(values)}, or a loop, one after the other. What InternVL and lmms-eval
   * use for the means of files, and what the recorded ones are, of Python 3.11; since 3.12 Python's
   * {@code sum} (not a loop) makes up for rounding, which may change the last digit.
   */
  IN_ORDER {
    @Override
    public double of(double[] values) {
      double sum = 0;
      for (double value : values) {
        sum += value;
      }
      return sum / values.length;
    }
  },
  /** {@code statistics.mean}: the exact sum, rounded once. What lmms-eval uses. */
  EXACT {
    @Override
    public double of(double[] values) {
      BigDecimal sum = BigDecimal.ZERO;
      for (double value : values) {
        sum = sum.add(new BigDecimal(value));
      }
      return values.length == 0
          ? Double.NaN
          : sum.divide(BigDecimal.valueOf(values.length), new MathContext(60)).doubleValue();
    }
  };

  private static final int BLOCK = 8192;
  private static final int UNROLLED = 128;

  /** The mean; NaN of nothing. */
  public abstract double of(double[] values);

  /** NumPy's pairwise summation, with its eight accumulators. */
  private static double pairwise(double[] a, int from, int n) {
    if (n < 8) {
      double sum = 0;
      for (int i = from; i < from + n; i++) {
        sum += a[i];
      }
      return sum;
    }
    if (n <= UNROLLED) {
      double[] r = new double[8];
      System.arraycopy(a, from, r, 0, 8);
      int i = 8;
      for (; i < n - n % 8; i += 8) {
        for (int k = 0; k < 8; k++) {
          r[k] += a[from + i + k];
        }
      }
      double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
      for (; i < n; i++) {
        sum += a[from + i];
      }
      return sum;
    }
    int half = n / 2;
    half -= half % 8;
    return pairwise(a, from, half) + pairwise(a, from + half, n - half);
  }
}
