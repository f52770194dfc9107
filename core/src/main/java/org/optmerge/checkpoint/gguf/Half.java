package org.optmerge.checkpoint.gguf;

/** IEEE 754 half precision, one number at a time. */
final class Half {
  /** 2^-24, the smallest positive number. */
  private static final float SMALLEST = 0x1p-24f;

  private Half() {}

  /** The nearest half of a number that is not negative and below 65520; even of two. */
  static short of(float value) {
    int bits = Float.floatToRawIntBits(value);
    int exponent = (bits >>> 23) - 127 + 15;
    if (exponent <= 0) {
      return (short) Math.rint(value / SMALLEST);
    }
    int rounded = bits + 0x0fff + (bits >>> 13 & 1);
    return (short) ((rounded >>> 13) - (112 << 10));
  }

  static float toFloat(short bits) {
    int exponent = bits >> 10 & 31;
    int mantissa = bits & 1023;
    int sign = bits & 0x8000;
    if (exponent == 0) {
      return sign == 0 ? mantissa * SMALLEST : -(mantissa * SMALLEST);
    }
    int widened = exponent == 31 ? 255 : exponent - 15 + 127;
    return Float.intBitsToFloat(sign << 16 | widened << 23 | mantissa << 13);
  }
}
