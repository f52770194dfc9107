package org.optmerge.model.audio;

/**
 * The power spectrum of a real signal whose length is a power of two; the same on every JDK.
 *
 * @see <a href="https://doi.org/10.1090/S0025-5718-1965-0178586-1">Cooley and Tukey, 1965</a>
 */
final class Fourier {
  private final int length;
  private final int[] reversed;

  /** cos and −sin of 2πk / length, for k below half of it. */
  private final double[] cosine;

  private final double[] sine;

  /**
   * @param length a power of two, at least 2
   */
  Fourier(int length) {
    if (length < 2 || Integer.bitCount(length) != 1) {
      throw new IllegalArgumentException(length + " is no power of two");
    }
    this.length = length;
    this.reversed = new int[length];
    int bits = Integer.numberOfTrailingZeros(length);
    for (int i = 0; i < length; i++) {
      reversed[i] = Integer.reverse(i) >>> (Integer.SIZE - bits);
    }
    this.cosine = new double[length / 2];
    this.sine = new double[length / 2];
    for (int i = 0; i < length / 2; i++) {
      cosine[i] = StrictMath.cos(2 * Math.PI * i / length);
      sine[i] = -StrictMath.sin(2 * Math.PI * i / length);
    }
  }

  /**
   * |X(k)|² for k from 0 to length / 2 − 1.
   *
   * @param signal of the length
   */
  double[] power(double[] signal) {
    double[] re = new double[length];
    double[] im = new double[length];
    for (int i = 0; i < length; i++) {
      re[reversed[i]] = signal[i];
    }
    for (int half = 1; half < length; half *= 2) {
      int stride = length / (2 * half);
      for (int start = 0; start < length; start += 2 * half) {
        for (int k = 0; k < half; k++) {
          int even = start + k;
          int odd = even + half;
          double c = cosine[k * stride];
          double s = sine[k * stride];
          double oddRe = re[odd] * c - im[odd] * s;
          double oddIm = re[odd] * s + im[odd] * c;
          re[odd] = re[even] - oddRe;
          im[odd] = im[even] - oddIm;
          re[even] += oddRe;
          im[even] += oddIm;
        }
      }
    }
    double[] power = new double[length / 2];
    for (int k = 0; k < power.length; k++) {
      power[k] = re[k] * re[k] + im[k] * im[k];
    }
    return power;
  }
}
