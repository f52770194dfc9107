package org.optmerge.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Turns stored elements into {@code float} and back, rounding to nearest, ties to even.
 *
 * <p>Plain loops over arrays, which the JIT compiler vectorises. {@code F64} is rounded to {@code
 * float}.
 */
public final class FloatCodec {
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
    throw new UnsupportedOperationException();
  }

  /**
   * Narrows values to stored elements, rounding to nearest, ties to even; overflow becomes infinity
   * where the type has one, NaN where it has none ({@code F8_E4M3}).
   *
   * @param target receives little-endian bytes from its position on; the position is not changed
   * @throws CheckpointException if the type is not floating
   */
  public static void narrow(DType dtype, float[] source, int from, int length, ByteBuffer target) {
    throw new UnsupportedOperationException();
  }

  /** Rounds values in place to those that {@code dtype} can hold. */
  public static void round(DType dtype, float[] values, int from, int length) {
    throw new UnsupportedOperationException();
  }

  static ByteBuffer littleEndian(ByteBuffer buffer) {
    return buffer.slice().order(ByteOrder.LITTLE_ENDIAN);
  }
}
