package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class FloatCodecTest {
  /** A format by its definition, in exact arithmetic: the twin that the codec must equal. */
  private enum Format {
    F16(DType.F16, 10, 15, true),
    BF16(DType.BF16, 7, 127, true),
    F8_E5M2(DType.F8_E5M2, 2, 15, true),
    F8_E4M3(DType.F8_E4M3, 3, 7, false);

    final DType dtype;
    final int mantissa;
    final int bias;
    final boolean infinities;

    Format(DType dtype, int mantissa, int bias, boolean infinities) {
      this.dtype = dtype;
      this.mantissa = mantissa;
      this.bias = bias;
      this.infinities = infinities;
    }

    int signBit() {
      return 1 << (8 * dtype.bytes() - 1);
    }

    /** What a pattern means: ± fraction · 2^exponent, infinity or NaN. */
    double value(int pattern) {
      int magnitude = pattern & (signBit() - 1);
      double sign = (pattern & signBit()) != 0 ? -1 : 1;
      int exponent = magnitude >> mantissa;
      int fraction = magnitude & ((1 << mantissa) - 1);
      if (infinities && exponent == (signBit() - 1) >> mantissa) {
        return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
      }
      if (!infinities && magnitude == signBit() - 1) {
        return Double.NaN;
      }
      return exponent == 0
          ? sign * fraction * Math.pow(2, 1 - bias - mantissa)
          : sign * (fraction + (1 << mantissa)) * Math.pow(2, exponent - bias - mantissa);
    }
  }

  private static float[] widened(DType dtype, byte... bytes) {
    float[] values = new float[bytes.length / dtype.bytes()];
    FloatCodec.widen(dtype, ByteBuffer.wrap(bytes), values, 0, values.length);
    return values;
  }

  private static float widened(DType dtype, int pattern) {
    byte[] bytes = new byte[dtype.bytes()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (pattern >>> 8 * i);
    }
    return widened(dtype, bytes)[0];
  }

  private static int narrowed(DType dtype, float value) {
    ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.narrow(dtype, new float[] {value}, 0, 1, bytes);
    return bytes.getInt(0);
  }

  @ParameterizedTest
  @EnumSource
  void every_pattern_is_widened_to_its_value_and_narrowed_back(Format format) {
    for (int pattern = 0; pattern < 2 * format.signBit(); pattern++) {
      float value = widened(format.dtype, pattern);
      double expected = format.value(pattern);
      if (Double.isNaN(expected)) {
        assertThat(value).as("0x%x", pattern).isNaN();
        assertThat(widened(format.dtype, narrowed(format.dtype, value))).isNaN();
      } else {
        // Compared as bits: −0 is not 0.
        assertThat(Double.doubleToLongBits(value))
            .as("0x%x", pattern)
            .isEqualTo(Double.doubleToLongBits(expected));
        assertThat(narrowed(format.dtype, value)).isEqualTo(pattern);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void numbers_between_two_patterns_go_to_the_nearer_one_and_halfway_to_the_even_one(
      Format format) {
    int largest =
        format.infinities
            ? (format.signBit() - 1) >> format.mantissa << format.mantissa
            : format.signBit() - 1;
    for (int pattern = 0; pattern + 1 < largest; pattern++) {
      double below = format.value(pattern);
      double halfway = below + (format.value(pattern + 1) - below) / 2;
      if ((float) halfway != halfway) {
        continue; // between the two smallest of BF16 there is no float
      }
      int even = pattern + (pattern & 1);
      assertThat(narrowed(format.dtype, (float) halfway)).as("0x%x", pattern).isEqualTo(even);
      assertThat(narrowed(format.dtype, Math.nextDown((float) halfway))).isEqualTo(pattern);
      assertThat(narrowed(format.dtype, Math.nextUp((float) halfway))).isEqualTo(pattern + 1);
      assertThat(narrowed(format.dtype, -(float) halfway)).isEqualTo(even | format.signBit());
    }
  }

  @ParameterizedTest
  @CsvSource({
    // the largest value, half a step above it (a tie, to even), the float before that
    "F16, 65504, 0x7bff, 65520, 0x7c00, 0x7bff",
    "F8_E5M2, 57344, 0x7b, 61440, 0x7c, 0x7b",
    // 448 is even, so the tie goes there; above it there is only NaN
    "F8_E4M3, 448, 0x7e, 464, 0x7e, 0x7e",
  })
  void what_is_too_large_becomes_infinity_or_nan(
      DType dtype, float largest, String pattern, float tie, String tied, String before) {
    assertThat(narrowed(dtype, largest)).isEqualTo(Integer.decode(pattern));
    assertThat(narrowed(dtype, tie)).isEqualTo(Integer.decode(tied));
    assertThat(narrowed(dtype, Math.nextDown(tie))).isEqualTo(Integer.decode(before));
    float overflow = dtype == DType.F8_E4M3 ? Float.NaN : Float.POSITIVE_INFINITY;
    for (float value :
        new float[] {Math.nextUp(tie), 1e6f, Float.MAX_VALUE, Float.POSITIVE_INFINITY}) {
      assertThat(widened(dtype, narrowed(dtype, value)))
          .as("%s", value)
          .isEqualTo(Float.valueOf(overflow));
      assertThat(widened(dtype, narrowed(dtype, -value)))
          .as("%s", -value)
          .isEqualTo(Float.valueOf(-overflow));
    }
  }

  @Test
  void the_largest_floats_overflow_bfloat16_to_infinity() {
    // 0x7f7f8000 is halfway between the largest BF16, 0x7f7f, and infinity, 0x7f80, which is even.
    assertThat(narrowed(DType.BF16, Float.intBitsToFloat(0x7f7f8000))).isEqualTo(0x7f80);
    assertThat(narrowed(DType.BF16, Float.intBitsToFloat(0x7f7f7fff))).isEqualTo(0x7f7f);
    assertThat(narrowed(DType.BF16, -Float.MAX_VALUE)).isEqualTo(0xff80);
  }

  @ParameterizedTest
  @EnumSource
  void every_nan_stays_one(Format format) {
    for (int bits : new int[] {0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffffffff}) {
      float nan = Float.intBitsToFloat(bits);
      assertThat(widened(format.dtype, narrowed(format.dtype, nan))).as("0x%x", bits).isNaN();
    }
  }

  @ParameterizedTest
  @EnumSource
  void random_floats_go_to_the_nearest_value_by_exact_comparison(Format format) {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 20_000; i++) {
      // Exponents from below the smallest subnormal to the largest value.
      float value = (float) Math.scalb(random.nextDouble(-1, 1), random.nextInt(-30, 9));
      int pattern = narrowed(format.dtype, value) & (format.signBit() - 1);
      BigDecimal exact = new BigDecimal(Math.abs(value));
      BigDecimal distance = new BigDecimal(format.value(pattern)).subtract(exact).abs();
      for (int neighbour : new int[] {Math.max(0, pattern - 1), pattern + 1}) {
        double other = format.value(neighbour);
        if (Double.isFinite(other)) {
          assertThat(distance)
              .as("%s as 0x%x", value, pattern)
              .isLessThanOrEqualTo(new BigDecimal(other).subtract(exact).abs());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
  void rounding_in_place_is_narrowing_and_widening(DType dtype) {
    SplittableRandom random = new SplittableRandom(5);
    float[] values = new float[10_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(random.nextInt());
    }
    ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes());
    FloatCodec.narrow(dtype, values, 0, values.length, bytes);
    float[] expected = new float[values.length];
    FloatCodec.widen(dtype, bytes, expected, 0, values.length);
    // Outside the range nothing changes.
    expected[0] = values[0];
    expected[values.length - 1] = values[values.length - 1];

    FloatCodec.round(dtype, values, 1, values.length - 2);

    assertThat(values).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
  void positions_of_buffers_and_arrays_are_respected_in_any_buffer(DType dtype) {
    int width = dtype.bytes();
    for (ByteBuffer buffer :
        new ByteBuffer[] {ByteBuffer.allocate(10 * width), ByteBuffer.allocateDirect(10 * width)}) {
      buffer.position(3 * width);
      FloatCodec.narrow(dtype, new float[] {9, 1, 2, 3, 9}, 1, 3, buffer);
      float[] values = new float[5];
      FloatCodec.widen(dtype, buffer, values, 1, 3);
      assertThat(values).containsExactly(0, 1, 2, 3, 0);
      assertThat(buffer.position()).isEqualTo(3 * width);
      assertThat(buffer.get(2 * width)).isZero();
      assertThat(buffer.get(6 * width)).isZero();
    }
  }

  @Test
  void doubles_are_rounded_to_the_nearest_float() {
    ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    // 1 + 2^-24 is halfway between 1 and the next float, and 1 is even; 1e300 is above all floats.
    bytes.putDouble(0, 1 + 0x1p-24).putDouble(8, 1e300);
    assertThat(widened(DType.F64, bytes.array())).containsExactly(1, Float.POSITIVE_INFINITY);
  }

  @ParameterizedTest
  @EnumSource(names = {"I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"})
  void types_that_hold_no_real_numbers_are_refused(DType dtype) {
    String message =
        "dtype %s does not hold real numbers; those that do: [float64, float32, float16, bfloat16,"
                .formatted(dtype.torchName())
            + " float8_e4m3fn, float8_e5m2]";
    ByteBuffer bytes = ByteBuffer.allocate(8);
    assertThatThrownBy(() -> FloatCodec.widen(dtype, bytes, new float[1], 0, 1))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> FloatCodec.narrow(dtype, new float[1], 0, 1, bytes))
        .hasMessage(message);
    assertThatThrownBy(() -> FloatCodec.round(dtype, new float[1], 0, 1)).hasMessage(message);
  }
}
