package org.optmerge.checkpoint.gguf;

/** IEEE 754 half precision, one number at a time. */
final class Half {
  /** 2^-24, the smallest positive number. */
  private static final float SMALLEST = 0x1p-24f;

  private Half() {}

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
