package org.optmerge.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The order of additions decides the last bits, and merged weights, statistics and recorded tables
 * depend on them: the sum is compared with its definition, written down as plainly as can be.
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
}
