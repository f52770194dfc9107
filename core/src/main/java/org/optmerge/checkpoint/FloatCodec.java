package org.optmerge.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.ShortBuffer;
import org.optmerge.base.Kernels;
import org.optmerge.base.SmallFloat;

/**
 * Turns stored elements into {@code float} and back, rounding to nearest, ties to even.
 *
 * <p>{@code F64} is rounded to {@code float}. The loops are {@link Kernels}.
 */
public final class FloatCodec {
  /** Elements that are turned at a time: they stay in the nearest caches. */
  private static final int MOST = 4096;

  private static final ThreadLocal<short[]> PATTERNS =
      ThreadLocal.withInitial(() -> new short[MOST]);

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
      case F16, BF16 -> {
        ShortBuffer shorts = bytes.asShortBuffer();
        short[] patterns = PATTERNS.get();
        for (int done = 0; done < length; done += MOST) {
          int count = Math.min(MOST, length - done);
          shorts.get(done, patterns, 0, count);
          widen(dtype, patterns, target, at + done, count);
        }
      }
      case F8_E4M3 -> widenBytes(Widened.F8_E4M3, bytes, target, at, length);
      case F8_E5M2 -> widenBytes(Widened.F8_E5M2, bytes, target, at, length);
      default -> throw notFloating(dtype);
    }
  }

  private static void widen(DType dtype, short[] patterns, float[] target, int at, int length) {
    if (dtype == DType.BF16) {
      Kernels.best().widenBf16(patterns, target, at, length);
    } else {
      Kernels.best().widenF16(patterns, target, at, length);
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
      case F16, BF16, F8_E4M3, F8_E5M2 -> {
        short[] patterns = PATTERNS.get();
        for (int done = 0; done < length; done += MOST) {
          int count = Math.min(MOST, length - done);
          narrow(dtype, source, from + done, count, patterns);
          if (dtype.bytes() == Short.BYTES) {
            bytes.asShortBuffer().put(done, patterns, 0, count);
          } else {
            putBytes(patterns, bytes, done, count);
          }
        }
      }
      default -> throw notFloating(dtype);
    }
  }

  private static void narrow(DType dtype, float[] source, int from, int length, short[] patterns) {
    switch (dtype) {
      case BF16 -> Kernels.best().narrowBf16(source, from, length, patterns);
      case F16 -> Kernels.best().narrow(SmallFloat.F16, source, from, length, patterns);
      case F8_E5M2 -> Kernels.best().narrow(SmallFloat.F8_E5M2, source, from, length, patterns);
      case F8_E4M3 -> Kernels.best().narrow(SmallFloat.F8_E4M3, source, from, length, patterns);
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
      case BF16 -> Kernels.best().roundBf16(values, from, length);
      case F16 -> {
        short[] patterns = PATTERNS.get();
        for (int done = 0; done < length; done += MOST) {
          int count = Math.min(MOST, length - done);
          narrow(dtype, values, from + done, count, patterns);
          widen(dtype, patterns, values, from + done, count);
        }
      }
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

  private static void putBytes(short[] patterns, ByteBuffer bytes, int at, int length) {
    for (int i = 0; i < length; i++) {
      bytes.put(at + i, (byte) patterns[i]);
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
    short[] patterns = PATTERNS.get();
    for (int done = 0; done < length; done += MOST) {
      int count = Math.min(MOST, length - done);
      narrow(dtype, values, from + done, count, patterns);
      for (int i = 0; i < count; i++) {
        values[from + done + i] = widened[patterns[i]];
      }
    }
  }

  /** Every value of the smallest formats, made when first needed. */
  private static final class Widened {
    static final float[] F8_E5M2 = SmallFloat.F8_E5M2.values();
    static final float[] F8_E4M3 = SmallFloat.F8_E4M3.values();
  }
}
