package org.optmerge.checkpoint.gguf;

import java.nio.ByteBuffer;

/**
 * Packing as Q8_0: 32 numbers in eight bits each, with one float16 scale, the largest magnitude
 * over 127; rounded to nearest, halves away from zero.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c">ggml-quants.c,
 *     quantize_row_q8_0_ref</a>
 */
final class EightBits {
  private static final int BLOCK = 32;
  private static final int LARGEST = 127;

  private EightBits() {}

  /** Appends whole blocks; returns the index of a number that does not fit, or -1. */
  static int pack(float[] values, int count, ByteBuffer bytes) {
    for (int from = 0; from < count; from += BLOCK) {
      float most = 0;
      for (int i = from; i < from + BLOCK; i++) {
        float magnitude = Math.abs(values[i]);
        if (!(magnitude < 65504f * LARGEST)) {
          return i;
        }
        most = Math.max(most, magnitude);
      }
      float d = most / LARGEST;
      float inverse = d == 0 ? 0 : 1 / d;
      bytes.putShort(Half.of(d));
      for (int i = from; i < from + BLOCK; i++) {
        float q = values[i] * inverse;
        bytes.put((byte) (q < 0 ? -(int) (0.5f - q) : (int) (q + 0.5f)));
      }
    }
    return -1;
  }
}
