package org.optmerge.checkpoint.gguf;

import java.nio.ByteBuffer;

/**
 * The numbers that packed blocks stand for, computed in float32 in the order of llama.cpp, so that
 * results are equal to the bit.
 *
 * <p>A block of 32 has one scale d (and an offset m): x = d q, or d q + m. A block of 256, a "K"
 * type, has parts of 16 or 32 elements with small integer scales s of their own (and offsets o),
 * and two for all: x = (d s) q − (d_min o).
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c">ggml-quants.c,
 *     dequantize_row_*</a>
 */
final class Dequantisation {
  /** The 16 levels of the nonlinear four-bit types. */
  private static final int[] LEVELS = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private Dequantisation() {}

  /**
   * Unpacks whole blocks.
   *
   * @param source little endian; its position is the first block's begin, and stays
   * @param target receives {@code blocks} times the block size, from {@code at} on
   */
  static void unpack(GgmlType type, ByteBuffer source, int blocks, float[] target, int at) {
    for (int block = 0; block < blocks; block++) {
      int from = source.position() + block * type.blockBytes();
      int to = at + block * type.blockSize();
      switch (type) {
        case Q4_0 -> fourBits(source, from, from + 2, -8, -0f, target, to);
        case Q4_1 -> fourBits(source, from, from + 4, 0, half(source, from + 2), target, to);
        case Q5_0 -> fiveBits(source, from, from + 2, -16, -0f, target, to);
        case Q5_1 -> fiveBits(source, from, from + 4, 0, half(source, from + 2), target, to);
        case Q8_0 -> eightBits(source, from, target, to);
        case IQ4_NL -> levels(source, from + 2, half(source, from), target, to);
        case Q2_K -> q2k(source, from, target, to);
        case Q3_K -> q3k(source, from, target, to);
        case Q4_K -> q4k(source, from, target, to);
        case Q5_K -> q5k(source, from, target, to);
        case Q6_K -> q6k(source, from, target, to);
        case IQ4_XS -> iq4xs(source, from, target, to);
        default -> throw new IllegalArgumentException(type + " is not packed");
      }
    }
  }

  private static int u8(ByteBuffer source, int index) {
    return source.get(index) & 0xff;
  }

  private static float half(ByteBuffer source, int index) {
    return Half.toFloat(source.getShort(index));
  }

  private static void fourBits(
      ByteBuffer source, int scale, int from, int zero, float offset, float[] x, int to) {
    float d = half(source, scale);
    for (int i = 0; i < 16; i++) {
      int q = u8(source, from + i);
      x[to + i] = ((q & 15) + zero) * d + offset;
      x[to + i + 16] = ((q >> 4) + zero) * d + offset;
    }
  }

  private static void fiveBits(
      ByteBuffer source, int scale, int from, int zero, float offset, float[] x, int to) {
    float d = half(source, scale);
    int high = source.getInt(from);
    for (int i = 0; i < 16; i++) {
      int q = u8(source, from + 4 + i);
      x[to + i] = ((q & 15 | (high >>> i & 1) << 4) + zero) * d + offset;
      x[to + i + 16] = ((q >> 4 | (high >>> (i + 16) & 1) << 4) + zero) * d + offset;
    }
  }

  private static void eightBits(ByteBuffer source, int from, float[] x, int to) {
    float d = half(source, from);
    for (int i = 0; i < 32; i++) {
      x[to + i] = source.get(from + 2 + i) * d;
    }
  }

  private static void levels(ByteBuffer source, int from, float d, float[] x, int to) {
    for (int i = 0; i < 16; i++) {
      int q = u8(source, from + i);
      x[to + i] = d * LEVELS[q & 15];
      x[to + i + 16] = d * LEVELS[q >> 4];
    }
  }

  /** 16 scales with offsets in four bits each, then 2 bits an element, four planes of 32 a half. */
  private static void q2k(ByteBuffer source, int from, float[] x, int to) {
    float d = half(source, from + 80);
    float min = half(source, from + 82);
    for (int part = 0; part < 16; part++) {
      int scale = u8(source, from + part);
      float factor = d * (scale & 15);
      float offset = min * (scale >> 4);
      int codes = from + 16 + part / 8 * 32 + part % 2 * 16;
      int shift = part % 8 / 2 * 2;
      for (int i = 0; i < 16; i++) {
        x[to + part * 16 + i] = factor * (u8(source, codes + i) >> shift & 3) - offset;
      }
    }
  }

  /** A third bit of each element first, then two bits, then 16 scales of six bits. */
  private static void q3k(ByteBuffer source, int from, float[] x, int to) {
    float d = half(source, from + 108);
    int scales = from + 96;
    for (int part = 0; part < 16; part++) {
      int low = u8(source, scales + part % 8) >> part / 8 * 4 & 15;
      int high = u8(source, scales + 8 + part % 4) >> part / 4 * 2 & 3;
      float factor = d * ((low | high << 4) - 32);
      int codes = from + 32 + part / 8 * 32 + part % 2 * 16;
      int shift = part % 8 / 2 * 2;
      for (int i = 0; i < 16; i++) {
        int bit = u8(source, from + part % 2 * 16 + i) >> part / 2 & 1;
        x[to + part * 16 + i] = factor * ((u8(source, codes + i) >> shift & 3) - (1 - bit) * 4);
      }
    }
  }

  /** The scale of one of the eight parts of Q4_K and Q5_K. */
  private static int scale(ByteBuffer source, int at, int part) {
    return part < 4
        ? u8(source, at + part) & 63
        : u8(source, at + part + 4) & 15 | u8(source, at + part - 4) >> 6 << 4;
  }

  /** The offset of one of the eight parts of Q4_K and Q5_K. */
  private static int offset(ByteBuffer source, int at, int part) {
    return part < 4
        ? u8(source, at + part + 4) & 63
        : u8(source, at + part + 4) >> 4 | u8(source, at + part) >> 6 << 4;
  }

  private static void q4k(ByteBuffer source, int from, float[] x, int to) {
    float d = half(source, from);
    float min = half(source, from + 2);
    for (int part = 0; part < 8; part++) {
      float factor = d * scale(source, from + 4, part);
      float offset = min * offset(source, from + 4, part);
      int codes = from + 16 + part / 2 * 32;
      int shift = part % 2 * 4;
      for (int i = 0; i < 32; i++) {
        x[to + part * 32 + i] = factor * (u8(source, codes + i) >> shift & 15) - offset;
      }
    }
  }

  private static void q5k(ByteBuffer source, int from, float[] x, int to) {
    float d = half(source, from);
    float min = half(source, from + 2);
    for (int part = 0; part < 8; part++) {
      float factor = d * scale(source, from + 4, part);
      float offset = min * offset(source, from + 4, part);
      int codes = from + 48 + part / 2 * 32;
      int shift = part % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int high = u8(source, from + 16 + i) >> part & 1;
        int q = u8(source, codes + i) >> shift & 15 | high << 4;
        x[to + part * 32 + i] = factor * q - offset;
      }
    }
  }

  /** Four low bits, two high bits, 16 signed scales of eight bits. */
  private static void q6k(ByteBuffer source, int from, float[] x, int to) {
    float d = half(source, from + 208);
    for (int part = 0; part < 16; part++) {
      float factor = d * source.get(from + 192 + part);
      int plane = part % 8 / 2;
      int column = part % 2 * 16;
      int low = from + part / 8 * 64 + plane % 2 * 32 + column;
      int high = from + 128 + part / 8 * 32 + column;
      for (int i = 0; i < 16; i++) {
        int q =
            u8(source, low + i) >> plane / 2 * 4 & 15
                | (u8(source, high + i) >> plane * 2 & 3) << 4;
        x[to + part * 16 + i] = factor * (q - 32);
      }
    }
  }

  private static void iq4xs(ByteBuffer source, int from, float[] x, int to) {
    float d = half(source, from);
    int high = source.getShort(from + 2) & 0xffff;
    for (int part = 0; part < 8; part++) {
      int low = u8(source, from + 4 + part / 2) >> part % 2 * 4 & 15;
      float factor = d * ((low | (high >> 2 * part & 3) << 4) - 32);
      levels(source, from + 8 + part * 16, factor, x, to + part * 32);
    }
  }
}
