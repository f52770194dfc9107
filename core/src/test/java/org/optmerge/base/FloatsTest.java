package org.optmerge.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The order of additions decides the last bits, and merged weights, statistics and recorded tables
 * depend on them: each sum is compared with its definition, written down as plainly as can be.
 */
class FloatsTest {
  private static float[] random(int length, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      // Of very different sizes, so that another order gives other bits.
      values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(9) - 4));
    }
    return values;
  }

  private static float pairs(float[] lanes) {
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
        + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  }

  /** Entry i of a block goes to lane i mod 8; what is left over of the last eight, to lane 0. */
  private static float inLanes(float[] values, int from, int to) {
    float[] lanes = new float[8];
    int whole = (to - from) / 8 * 8;
    for (int i = 0; i < to - from; i++) {
      lanes[i < whole ? i % 8 : 0] += values[from + i];
    }
    return pairs(lanes);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 9, 1023, 1024, 1025, 5003})
  void a_sum_of_floats_is_that_of_eight_lanes(int length) {
    float[] values = random(length + 3, length);
    assertThat(Float.floatToRawIntBits(Floats.sum(values, length)))
        .isEqualTo(Float.floatToRawIntBits(inLanes(values, 0, length)));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 9, 1023, 1024, 1025, 5003})
  void a_sum_of_squares_is_one_of_blocks_of_a_thousand(int length) {
    float[] values = random(length + 3, length);
    float[] squares = new float[values.length];
    for (int i = 0; i < squares.length; i++) {
      squares[i] = values[i] * values[i];
    }
    double expected = 0;
    for (int from = 0; from < length; from += 1024) {
      expected += inLanes(squares, from, Math.min(length, from + 1024));
    }
    assertThat(Double.doubleToRawLongBits(Floats.sumOfSquares(values, length)))
        .isEqualTo(Double.doubleToRawLongBits(expected));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 4, 5, 1023, 5003})
  void a_scalar_product_is_that_of_four_lanes(int length) {
    float[] a = random(length + 3, length);
    float[] b = random(length + 3, ~length);
    double[] lanes = new double[4];
    int whole = length / 4 * 4;
    for (int i = 0; i < length; i++) {
      lanes[i < whole ? i % 4 : 0] += (double) a[i] * b[i];
    }
    assertThat(Double.doubleToRawLongBits(Floats.dot(a, b, length)))
        .isEqualTo(Double.doubleToRawLongBits((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 7, 8, 9, 16, 1023, 5003})
  void lanes_are_those_of_the_whole_wherever_a_block_begins(int length) {
    float[] a = random(length + 3, length);
    float[] b = random(length + 3, ~length);
    for (long start : new long[] {0, 1, 7, 8, 13, (1L << 40) + 5}) {
      double[] products = new double[Floats.LANES];
      double[] magnitudes = new double[Floats.LANES];
      double[] lanes = {1, 2, 3, 4, 5, 6, 7, 8};
      double[] others = lanes.clone();
      Floats.addProducts(lanes, a, b, length, start);
      Floats.addMagnitudes(others, a, length, start);
      for (int lane = 0; lane < Floats.LANES; lane++) {
        products[lane] = lane + 1;
        magnitudes[lane] = lane + 1;
      }
      for (int i = 0; i < length; i++) {
        products[(int) ((start + i) % 8)] += (double) a[i] * b[i];
        magnitudes[(int) ((start + i) % 8)] += Math.abs(a[i]);
      }
      assertThat(lanes).containsExactly(products);
      assertThat(others).containsExactly(magnitudes);
    }
  }
}
