package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RankMaskTest {
  /** Rows as task vectors have them, and as they might. */
  private enum Row {
    ZEROS {
      @Override
      float entry(Random random) {
        return random.nextBoolean() ? 0f : -0f;
      }
    },
    BFLOAT16 {
      @Override
      float entry(Random random) {
        return Float.intBitsToFloat(random.nextInt(0x4000) << 16);
      }
    },
    DIFFERENCES_OF_BFLOAT16 {
      @Override
      float entry(Random random) {
        float base = BFLOAT16.entry(random) % 0.1f;
        return (float) (Math.rint(base + random.nextGaussian() * 0.01) * 0x1p-12) - base;
      }
    },
    FLOAT32 {
      @Override
      float entry(Random random) {
        return (float) random.nextGaussian();
      }
    },
    A_FEW_LOWER_BITS {
      @Override
      float entry(Random random) {
        return Float.intBitsToFloat(0x3c000000 + random.nextInt(3));
      }
    },
    FAR_APART {
      @Override
      float entry(Random random) {
        return Float.intBitsToFloat(random.nextInt() & 0xbfffffff);
      }
    },
    SUBNORMAL {
      @Override
      float entry(Random random) {
        return random.nextInt(3) * Float.MIN_VALUE;
      }
    };

    abstract float entry(Random random);
  }

  @ParameterizedTest
  @EnumSource
  void ranks_are_those_of_a_stable_sort_by_magnitude(Row row) {
    Random random = new Random(row.ordinal());
    for (int length : new int[] {1, 2, 3, 31, 896, 5000}) {
      RankMask.Ranks ranks = new RankMask.Ranks(length);
      // One after the other, as nothing of a row may be left for the next.
      for (int round = 0; round < 3; round++) {
        float[] values = new float[length + 2];
        for (int i = 0; i < values.length; i++) {
          values[i] = row.entry(random);
        }
        int[] expected = new int[length];
        int[] order =
            IntStream.range(0, length)
                .boxed()
                .sorted(Comparator.comparing(i -> Math.abs(values[2 + i])))
                .mapToInt(i -> i)
                .toArray();
        for (int rank = 0; rank < length; rank++) {
          expected[order[rank]] = rank;
        }
        assertThat(ranks.of(values, 2)).containsExactly(expected);
      }
    }
  }
}
