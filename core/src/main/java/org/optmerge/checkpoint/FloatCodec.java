package org.optmerge.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.ShortBuffer;

/**
 * Turns stored elements into {@code float} and back, rounding to nearest, ties to even.
 *
 * <p>Plain loops, which the JIT compiler unrolls; {@code F64} is rounded to {@code float}.
 */
public final class FloatCodec {
  private static final int ABS = 0x7fff_ffff;
  private static final int INFINITY = 0x7f80_0000;

  private FloatCodec() {}

  /**
   * Widens stored elements.
   *
   * @param dtype a floating type
   * @param source little-endian bytes from its position on; the position is not changed
   * @param target receives {@code length} values from {@code at} on
   * @throws CheckpointException if the type is not floating
   */
  public static void widen(DType dtype, ByteBuffer source, float[] target, int at, int length) {
    ByteBuffer bytes = littleEndian(source);
    switch (dtype) {
      case F64 -> {
        DoubleBuffer doubles = bytes.asDoubleBuffer();
        for (int i = 0; i < length; i++) {
          target[at + i] = (float) doubles.get(i);
        }
      }
      case F32 -> bytes.asFloatBuffer().get(target, at, length);
      case F16 -> {
        float[] values = Widened.F16;
        ShortBuffer shorts = bytes.asShortBuffer();
        for (int i = 0; i < length; i++) {
          target[at + i] = values[shorts.get(i) & 0xffff];
        }
      }
      case BF16 -> {
        ShortBuffer shorts = bytes.asShortBuffer();
        for (int i = 0; i < length; i++) {
          target[at + i] = Float.intBitsToFloat(shorts.get(i) << 16);
        }
      }
      case F8_E4M3 -> widenBytes(Widened.F8_E4M3, bytes, target, at, length);
      case F8_E5M2 -> widenBytes(Widened.F8_E5M2, bytes, target, at, length);
      default -> throw notFloating(dtype);
    }
  }

  /**
   * Narrows values to stored elements, rounding to nearest, ties to even; overflow becomes infinity
   * where the type has one, NaN where it has none ({@code F8_E4M3}).
   *
   * @param target receives little-endian bytes from its position on; the position is not changed
   * @throws CheckpointException if the type is not floating
   */
  public static void narrow(DType dtype, float[] source, int from, int length, ByteBuffer target) {
    ByteBuffer bytes = littleEndian(target);
    switch (dtype) {
      case F64 -> {
        DoubleBuffer doubles = bytes.asDoubleBuffer();
        for (int i = 0; i < length; i++) {
          doubles.put(i, source[from + i]);
        }
      }
      case F32 -> bytes.asFloatBuffer().put(source, from, length);
      case F16 -> {
        ShortBuffer shorts = bytes.asShortBuffer();
        for (int i = 0; i < length; i++) {
          shorts.put(i, (short) toF16(source[from + i]));
        }
      }
      case BF16 -> {
        ShortBuffer shorts = bytes.asShortBuffer();
        for (int i = 0; i < length; i++) {
          shorts.put(i, (short) toBf16(source[from + i]));
        }
      }
      case F8_E4M3 -> {
        for (int i = 0; i < length; i++) {
          bytes.put(i, (byte) toF8E4m3(source[from + i]));
        }
      }
      case F8_E5M2 -> {
        for (int i = 0; i < length; i++) {
          bytes.put(i, (byte) toF8E5m2(source[from + i]));
        }
      }
      default -> throw notFloating(dtype);
    }
  }

  /**
   * Rounds values in place to those that {@code dtype} can hold, as {@link #narrow} does.
   *
   * @throws CheckpointException if the type is not floating
   */
  public static void round(DType dtype, float[] values, int from, int length) {
    int end = from + length;
    switch (dtype) {
      case F64, F32 -> {}
      case F16 -> {
        float[] widened = Widened.F16;
        for (int i = from; i < end; i++) {
          values[i] = widened[toF16(values[i])];
        }
      }
      case BF16 -> {
        for (int i = from; i < end; i++) {
          values[i] = Float.intBitsToFloat(toBf16(values[i]) << 16);
        }
      }
      case F8_E4M3 -> {
        float[] widened = Widened.F8_E4M3;
        for (int i = from; i < end; i++) {
          values[i] = widened[toF8E4m3(values[i])];
        }
      }
      case F8_E5M2 -> {
        float[] widened = Widened.F8_E5M2;
        for (int i = from; i < end; i++) {
          values[i] = widened[toF8E5m2(values[i])];
        }
      }
      default -> throw notFloating(dtype);
    }
  }

  static ByteBuffer littleEndian(ByteBuffer buffer) {
    return buffer.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static CheckpointException notFloating(DType dtype) {
    return new CheckpointException(
        "dtype %s does not hold real numbers; those that do: %s"
            .formatted(dtype.torchName(), DType.floatingTorchNames()));
  }

  private static void widenBytes(
      float[] values, ByteBuffer bytes, float[] target, int at, int length) {
    for (int i = 0; i < length; i++) {
      target[at + i] = values[bytes.get(i) & 0xff];
    }
  }

  /** The upper half of the float, rounded by its lower half; without a branch. */
  private static int toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    // Rounding up could turn a NaN into infinity or zero: −1 for a NaN, else 0.
    int nan = (INFINITY - (bits & ABS)) >> 31;
    return (rounded & ~nan) | (((bits >>> 16) | 0x40) & nan);
  }

  private static int toF16(float value) {
    return toSmall(value, 15, 10, 15, 0x7c00, 0x7e00);
  }

  private static int toF8E5m2(float value) {
    return toSmall(value, 7, 2, 15, 0x7c, 0x7f);
  }

  private static int toF8E4m3(float value) {
    return toSmall(value, 7, 3, 7, 0x7f, 0x7f);
  }

  /**
   * A float in a smaller format, sign bit first.
   *
   * @param width bits after the sign
   * @param mantissa bits of the fraction
   * @param bias of the exponent
   * @param overflow what is too large becomes, without sign
   * @param nan what NaN becomes, without sign
   */
  private static int toSmall(
      float value, int width, int mantissa, int bias, int overflow, int nan) {
    int bits = Float.floatToRawIntBits(value);
    int abs = bits & ABS;
    int dropped = 23 - mantissa;
    int magnitude;
    if (abs > INFINITY) {
      magnitude = nan;
    } else if (abs < (127 - bias + 1) << 23) {
      // Subnormal. Adding the power of two whose last place is the format's smallest step makes
      // the processor round, to nearest, ties to even, once.
      int power = (127 - bias + 1 + dropped) << 23;
      magnitude =
          Float.floatToRawIntBits(Float.intBitsToFloat(abs) + Float.intBitsToFloat(power)) - power;
    } else {
      int rebased = abs - ((127 - bias) << 23);
      // A carry out of the fraction increments the exponent, as it must.
      magnitude = (rebased + (1 << (dropped - 1)) - 1 + ((rebased >>> dropped) & 1)) >>> dropped;
      magnitude = Math.min(magnitude, overflow);
    }
    return ((bits >>> 31) << width) | magnitude;
  }

  /** Every value of the small formats, made when first needed. */
  private static final class Widened {
    static final float[] F16 = table(16, 10, 15, true);
    static final float[] F8_E5M2 = table(8, 2, 15, true);
    static final float[] F8_E4M3 = table(8, 3, 7, false);

    /**
     * All values of a format.
     *
     * @param infinities true if the largest exponent means infinity and NaN; false if only all ones
     *     are NaN
     */
    private static float[] table(int width, int mantissa, int bias, boolean infinities) {
      float[] values = new float[1 << width];
      int half = values.length / 2;
      int largestExponent = (half >> mantissa) - 1;
      for (int pattern = 0; pattern < half; pattern++) {
        int exponent = pattern >> mantissa;
        int fraction = pattern & ((1 << mantissa) - 1);
        float value;
        if (infinities && exponent == largestExponent) {
          value = Float.intBitsToFloat(INFINITY | fraction << (23 - mantissa));
        } else if (!infinities && pattern == half - 1) {
          value = Float.NaN;
        } else if (exponent == 0) {
          value = Math.scalb((float) fraction, 1 - bias - mantissa);
        } else {
          value = Math.scalb((float) (fraction | 1 << mantissa), exponent - bias - mantissa);
        }
        values[pattern] = value;
        values[half + pattern] =
            Float.intBitsToFloat(Float.floatToRawIntBits(value) | Integer.MIN_VALUE);
      }
      return values;
    }
  }
}
