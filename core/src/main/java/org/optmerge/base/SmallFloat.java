package org.optmerge.base;

/**
 * A floating-point format of at most 16 bits with a narrower exponent than {@code float}'s.
 *
 * @param width bits after the sign
 * @param mantissa bits of the fraction
 * @param bias of the exponent
 * @param overflow what is too large becomes, without sign
 * @param nan what NaN becomes, without sign
 */
public record SmallFloat(int width, int mantissa, int bias, int overflow, int nan) {
  /** IEEE 754 binary16. */
  public static final SmallFloat F16 = new SmallFloat(15, 10, 15, 0x7c00, 0x7e00);

  /** Five bits of exponent, two of fraction. */
  public static final SmallFloat F8_E5M2 = new SmallFloat(7, 2, 15, 0x7c, 0x7f);

  /** Four bits of exponent, three of fraction; no infinities, one NaN. */
  public static final SmallFloat F8_E4M3 = new SmallFloat(7, 3, 7, 0x7f, 0x7f);

  private static final int INFINITY = 0x7f80_0000;

  /** The bits of the smallest normal number, as a float. */
  int smallestNormal() {
    return (127 - bias + 1) << 23;
  }

  /** The bits of a float that is too large, by far enough. */
  int tooLarge() {
    return (127 + bias + 3) << 23;
  }

  /** Every value of the format, by its pattern. */
  public float[] values() {
    float[] values = new float[2 << width];
    int half = 1 << width;
    for (int pattern = 0; pattern < half; pattern++) {
      float value = value(pattern);
      values[pattern] = value;
      values[half + pattern] =
          Float.intBitsToFloat(Float.floatToRawIntBits(value) | Integer.MIN_VALUE);
    }
    return values;
  }

  private float value(int pattern) {
    int exponent = pattern >> mantissa;
    int fraction = pattern & ((1 << mantissa) - 1);
    boolean infinities = overflow != nan;
    if (infinities && exponent == overflow >> mantissa) {
      return Float.intBitsToFloat(INFINITY | (fraction << (23 - mantissa)));
    }
    if (!infinities && pattern == nan) {
      return Float.NaN;
    }
    return exponent == 0
        ? Math.scalb((float) fraction, 1 - bias - mantissa)
        : Math.scalb((float) (fraction | (1 << mantissa)), exponent - bias - mantissa);
  }
}
