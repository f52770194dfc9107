package org.optmerge.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;

/**
 * Turns stored elements into {@code float} and back, rounding to nearest, ties to even.
 *
 * <p>Plain loops, which the JIT compiler unrolls or vectorises; {@code F64} is rounded to {@code
 * float}.
 */
public final class FloatCodec {
  private static final int ABS = 0x7fff_ffff;
  private static final int INFINITY = 0x7f80_0000;
  private static final int QUIET = 0x0040_0000;

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
      case F16 -> widenF16(bytes.asShortBuffer(), target, at, length);
      case BF16 -> widenBf16(bytes.asShortBuffer(), target, at, length);
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
      case F16, BF16 -> {
        ShortBuffer shorts = bytes.asShortBuffer();
        Block block = new Block(dtype, length);
        short[] patterns = new short[block.capacity()];
        for (int done = 0; done < length; done += Block.MOST) {
          int count = Math.min(Block.MOST, length - done);
          int[] narrowed = block.narrow(source, from + done, count);
          truncate(narrowed, patterns, count);
          shorts.put(done, patterns, 0, count);
        }
      }
      case F8_E4M3, F8_E5M2 -> {
        Block block = new Block(dtype, length);
        byte[] patterns = new byte[block.capacity()];
        for (int done = 0; done < length; done += Block.MOST) {
          int count = Math.min(Block.MOST, length - done);
          int[] narrowed = block.narrow(source, from + done, count);
          truncate(narrowed, patterns, count);
          bytes.put(done, patterns, 0, count);
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
    switch (dtype) {
      case F64, F32 -> {}
      case BF16 -> {
        Block block = new Block(dtype, length);
        for (int done = 0; done < length; done += Block.MOST) {
          block.round(values, from + done, Math.min(Block.MOST, length - done));
        }
      }
      case F16 -> roundByTable(dtype, Widened.F16, values, from, length);
      case F8_E4M3 -> roundByTable(dtype, Widened.F8_E4M3, values, from, length);
      case F8_E5M2 -> roundByTable(dtype, Widened.F8_E5M2, values, from, length);
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

  // Each loop is a method of its own: the JIT compiler then gives it all its attention.

  private static void widenF16(ShortBuffer shorts, float[] target, int at, int length) {
    float[] values = Widened.F16;
    for (int i = 0; i < length; i++) {
      target[at + i] = values[shorts.get(i) & 0xffff];
    }
  }

  private static void widenBf16(ShortBuffer shorts, float[] target, int at, int length) {
    for (int i = 0; i < length; i++) {
      target[at + i] = Float.intBitsToFloat(shorts.get(i) << 16);
    }
  }

  private static void truncate(int[] patterns, short[] target, int length) {
    for (int i = 0; i < length; i++) {
      target[i] = (short) patterns[i];
    }
  }

  private static void truncate(int[] patterns, byte[] target, int length) {
    for (int i = 0; i < length; i++) {
      target[i] = (byte) patterns[i];
    }
  }

  private static void widenBytes(
      float[] values, ByteBuffer bytes, float[] target, int at, int length) {
    for (int i = 0; i < length; i++) {
      target[at + i] = values[bytes.get(i) & 0xff];
    }
  }

  private static void roundByTable(
      DType dtype, float[] widened, float[] values, int from, int length) {
    Block block = new Block(dtype, length);
    for (int done = 0; done < length; done += Block.MOST) {
      int count = Math.min(Block.MOST, length - done);
      int[] narrowed = block.narrow(values, from + done, count);
      lookUp(widened, narrowed, values, from + done, count);
    }
  }

  private static void lookUp(float[] widened, int[] patterns, float[] target, int at, int length) {
    for (int i = 0; i < length; i++) {
      target[at + i] = widened[patterns[i]];
    }
  }

  /**
   * Narrows floats by integer arithmetic on their bits, a block at a time and without a branch.
   *
   * <p>The JIT compiler of JDK 17 vectorises loops over integers but not {@code floatToRawIntBits};
   * copying a block through a buffer that is still in the cache costs less than it saves.
   */
  private static final class Block {
    /** Elements of a block: all its arrays fit the nearest caches. */
    static final int MOST = 2048;

    private final DType dtype;
    private final int[] bits;
    private final int[] magnitude;
    private final int[] magic;
    private final float[] sum;
    private final float[] addend;
    private final FloatBuffer asFloats;
    private final IntBuffer asInts;

    Block(DType dtype, int length) {
      this.dtype = dtype;
      int capacity = Math.min(MOST, length);
      bits = new int[capacity];
      int more = dtype == DType.BF16 ? 0 : capacity;
      magnitude = new int[more];
      magic = new int[more];
      sum = new float[more];
      addend = new float[more];
      ByteBuffer buffer =
          ByteBuffer.allocate(capacity * Integer.BYTES).order(ByteOrder.nativeOrder());
      asFloats = buffer.asFloatBuffer();
      asInts = buffer.asIntBuffer();
    }

    int capacity() {
      return bits.length;
    }

    /** The patterns of some floats in the lower bits of integers. */
    int[] narrow(float[] source, int from, int length) {
      load(source, from, length);
      switch (dtype) {
        case BF16 -> roundToBf16(length, 0);
        case F16 -> narrow(length, 15, 10, 15, 0x7c00, 0x7e00);
        case F8_E5M2 -> narrow(length, 7, 2, 15, 0x7c, 0x7f);
        default -> narrow(length, 7, 3, 7, 0x7f, 0x7f); // F8_E4M3
      }
      return bits;
    }

    /** Rounds some floats to BF16 in place. */
    void round(float[] values, int from, int length) {
      load(values, from, length);
      roundToBf16(length, 16);
      asInts.put(0, bits, 0, length);
      asFloats.get(0, values, from, length);
    }

    private void load(float[] source, int from, int length) {
      asFloats.put(0, source, from, length);
      asInts.get(0, bits, 0, length);
    }

    /**
     * Rounds the upper halves of the bits by the lower halves.
     *
     * @param place where the lowest bit of the rounded halves goes: 0, or 16 to have a float again
     */
    private void roundToBf16(int length, int place) {
      int[] bits = this.bits;
      for (int i = 0; i < length; i++) {
        int value = bits[i];
        int rounded = value + 0x7fff + ((value >>> 16) & 1);
        // Rounding up could turn a NaN into infinity or zero: −1 for a NaN, else 0.
        int nan = (INFINITY - (value & ABS)) >> 31;
        bits[i] = ((rounded & ~nan) | ((value | QUIET) & nan)) >>> 16 << place;
      }
    }

    /**
     * Turns bits into patterns of a smaller format.
     *
     * <p>To each magnitude is added the power of two whose last place is the format's step at that
     * magnitude (the same for all subnormals), so the processor rounds, to nearest, ties to even,
     * once; what the sum has more than the power of two has, as integers, is the number of steps.
     *
     * @param width bits after the sign
     * @param mantissa bits of the fraction
     * @param bias of the exponent
     * @param overflow what is too large becomes, without sign
     * @param nan what NaN becomes, without sign
     */
    private void narrow(int length, int width, int mantissa, int bias, int overflow, int nan) {
      int[] bits = this.bits;
      int[] magnitude = this.magnitude;
      int[] magic = this.magic;
      float[] sum = this.sum;
      float[] addend = this.addend;
      int smallestExponent = 127 - bias + 1;
      int smallestNormal = smallestExponent << 23;
      int tooLarge = (127 + bias + 3) << 23;
      int raise = (23 - mantissa) << 23;
      for (int i = 0; i < length; i++) {
        int value = min(bits[i] & ABS, tooLarge);
        magnitude[i] = value;
        magic[i] = (max(value, smallestNormal) & INFINITY) + raise;
      }
      asInts.put(0, magnitude, 0, length);
      asFloats.get(0, sum, 0, length);
      asInts.put(0, magic, 0, length);
      asFloats.get(0, addend, 0, length);
      for (int i = 0; i < length; i++) {
        sum[i] += addend[i];
      }
      asFloats.put(0, sum, 0, length);
      asInts.get(0, magnitude, 0, length);
      for (int i = 0; i < length; i++) {
        int steps = magnitude[i] - magic[i];
        // The leading one of a normal number's steps adds the last unit of its exponent.
        int exponent = ((magic[i] - raise) >>> 23) - smallestExponent;
        int pattern = min((exponent << mantissa) + steps, overflow);
        int isNan = (INFINITY - (bits[i] & ABS)) >> 31;
        int sign = (bits[i] >>> 31) << width;
        bits[i] = sign | (pattern & ~isNan) | (nan & isNan);
      }
    }

    // Math.min and max, in operations that are vectorised; for numbers that are not negative.
    private static int min(int a, int b) {
      int difference = a - b;
      return b + (difference & (difference >> 31));
    }

    private static int max(int a, int b) {
      int difference = a - b;
      return a - (difference & (difference >> 31));
    }
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
