package org.optmerge.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every implementation gives the bits of the plain loops, and the plain sums those of their
 * definitions: the order of additions decides the last bits, on which merged weights, statistics
 * and recorded tables depend.
 */
class KernelsTest {
  /** Shorter and longer than any vector, and with every kind of rest. */
  private static final int[] LENGTHS = {0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 1023, 1025, 4096, 8195};

  private static final Kernels PLAIN = Kernels.all().get(0);

  static List<Kernels> all() {
    return Kernels.all();
  }

  /** Floats of every kind: any bits at all, and numbers of sizes that weights have. */
  private static float[] floats(int length, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] =
          random.nextBoolean()
              ? Float.intBitsToFloat(random.nextInt())
              : (float) (random.nextGaussian() * Math.pow(10, random.nextInt(9) - 6));
    }
    return values;
  }

  private static float[] finite(int length, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      // Of very different sizes, so that another order gives other bits.
      values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(9) - 4));
    }
    return values;
  }

  private static short[] everyPattern() {
    short[] patterns = new short[1 << 16];
    for (int pattern = 0; pattern < patterns.length; pattern++) {
      patterns[pattern] = (short) pattern;
    }
    return patterns;
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
    return bits;
  }

  @Test
  void the_vectors_are_found_where_their_module_is() {
    boolean there =
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
            && Kernels.class.getResource("VectorKernels.class") != null;
    assertThat(Kernels.all()).hasSizeBetween(1, there ? 2 : 1);
    assertThat(PLAIN).isExactlyInstanceOf(PlainKernels.class);
  }

  @ParameterizedTest
  @MethodSource("all")
  void patterns_are_widened_to_the_same_bits(Kernels kernels) {
    short[] patterns = everyPattern();
    for (int length : new int[] {patterns.length, patterns.length - 5, 3}) {
      float[] expected = new float[length + 2];
      float[] found = new float[length + 2];
      PLAIN.widenBf16(patterns, expected, 2, length);
      kernels.widenBf16(patterns, found, 2, length);
      assertThat(bits(found)).isEqualTo(bits(expected));
      PLAIN.widenF16(patterns, expected, 2, length);
      kernels.widenF16(patterns, found, 2, length);
      assertThat(bits(found)).isEqualTo(bits(expected));
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void floats_are_narrowed_to_the_same_patterns(Kernels kernels) {
    List<SmallFloat> formats = List.of(SmallFloat.F16, SmallFloat.F8_E5M2, SmallFloat.F8_E4M3);
    for (int length : LENGTHS) {
      float[] values = floats(length + 3, length);
      short[] expected = new short[length];
      short[] found = new short[length];
      for (SmallFloat format : formats) {
        PLAIN.narrow(format, values, 3, length, expected);
        kernels.narrow(format, values, 3, length, found);
        assertThat(found).isEqualTo(expected);
      }
      PLAIN.narrowBf16(values, 3, length, expected);
      kernels.narrowBf16(values, 3, length, found);
      assertThat(found).isEqualTo(expected);
      float[] rounded = values.clone();
      float[] here = values.clone();
      PLAIN.roundBf16(rounded, 3, length);
      kernels.roundBf16(here, 3, length);
      assertThat(bits(here)).isEqualTo(bits(rounded));
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void halfway_cases_are_rounded_alike(Kernels kernels) {
    // Every float whose lower bits are about a half, at every upper half.
    int[] lower = {0x7fff, 0x8000, 0x8001, 0x1000, 0x0fff, 0xffff};
    float[] values = new float[lower.length << 16];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat((i / lower.length << 16) | lower[i % lower.length]);
    }
    short[] expected = new short[values.length];
    short[] found = new short[values.length];
    PLAIN.narrowBf16(values, 0, values.length, expected);
    kernels.narrowBf16(values, 0, values.length, found);
    assertThat(found).isEqualTo(expected);
    PLAIN.narrow(SmallFloat.F16, values, 0, values.length, expected);
    kernels.narrow(SmallFloat.F16, values, 0, values.length, found);
    assertThat(found).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("all")
  void differences_are_the_same(Kernels kernels) {
    for (int length : LENGTHS) {
      float[] expected = finite(length + 1, 1);
      float[] found = expected.clone();
      PLAIN.subtract(expected, finite(length, 2), length);
      kernels.subtract(found, finite(length, 2), length);
      assertThat(bits(found)).isEqualTo(bits(expected));
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void one_value_that_is_not_finite_or_too_large_is_seen_wherever_it_is(Kernels kernels) {
    float[] bad = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    for (int length : new int[] {1, 8, 33, 1025}) {
      for (int at = 0; at < length; at++) {
        float[] values = new float[length + 4];
        Arrays.fill(values, Float.MAX_VALUE / 2);
        assertThat(kernels.allFinite(values, 2, length)).isTrue();
        values[2 + at] = bad[at % bad.length];
        assertThat(kernels.allFinite(values, 2, length)).isFalse();
        Arrays.fill(values, Math.nextDown(256f));
        assertThat(kernels.allBelow(values, 2, length, 256)).isTrue();
        values[2 + at] = at % 2 == 0 ? -256 : bad[at % bad.length];
        assertThat(kernels.allBelow(values, 2, length, 256)).isFalse();
        values[2 + at] = 0;
        values[1] = Float.NaN;
        values[2 + length] = Float.NaN;
        assertThat(kernels.allBelow(values, 2, length, 256)).isTrue();
        assertThat(kernels.allFinite(values, 2, length)).isTrue();
      }
    }
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

  static Stream<Case> cases() {
    return all().stream()
        .flatMap(kernels -> Arrays.stream(LENGTHS).mapToObj(length -> new Case(kernels, length)));
  }

  record Case(Kernels kernels, int length) {}

  @ParameterizedTest
  @MethodSource("cases")
  void a_sum_of_squares_is_one_of_blocks_of_a_thousand(Case arguments) {
    int length = arguments.length();
    float[] values = finite(length + 3, length);
    float[] squares = new float[values.length];
    for (int i = 0; i < squares.length; i++) {
      squares[i] = values[i] * values[i];
    }
    double expected = 0;
    for (int from = 2; from < length + 2; from += 1024) {
      expected += inLanes(squares, from, Math.min(length + 2, from + 1024));
    }
    assertThat(Double.doubleToRawLongBits(arguments.kernels().sumOfSquares(values, 2, length)))
        .isEqualTo(Double.doubleToRawLongBits(expected));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lanes_are_those_of_the_whole_wherever_a_block_begins(Case arguments) {
    int length = arguments.length();
    float[] a = finite(length + 3, length);
    float[] b = finite(length + 3, ~length);
    for (long start : new long[] {0, 1, 7, 8, 13, (1L << 40) + 5}) {
      double[] products = {1, 2, 3, 4, 5, 6, 7, 8};
      double[] magnitudes = products.clone();
      double[] lanes = products.clone();
      double[] others = products.clone();
      arguments.kernels().addProducts(lanes, a, b, length, start);
      arguments.kernels().addMagnitudes(others, a, length, start);
      for (int i = 0; i < length; i++) {
        products[(int) ((start + i) % 8)] += (double) a[i] * b[i];
        magnitudes[(int) ((start + i) % 8)] += Math.abs(a[i]);
      }
      assertThat(lanes).containsExactly(products);
      assertThat(others).containsExactly(magnitudes);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void entries_of_one_magnitude_are_counted(Kernels kernels) {
    Random random = new Random(5);
    for (int length : LENGTHS) {
      float[] values = new float[length + 2];
      int expected = 0;
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextInt(5) - 2;
        expected += i >= 1 && i <= length && Math.abs(values[i]) == 2 ? 1 : 0;
      }
      assertThat(kernels.countMagnitude(values, 1, length, 2)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1e-300, 0.1, 0.9, 1})
  void random_numbers_are_those_of_each_entry(double probability) {
    long limit = CounterRandom.limit(probability);
    long key = 0x1234_5678_9abc_def0L;
    for (Kernels kernels : Kernels.all()) {
      for (int length : LENGTHS) {
        float[] values = finite(length + 1, length);
        float[] kept = new float[length];
        long[] bits = new long[length];
        kernels.keepRandom(key, 77, limit, values, 1.25f, kept, length);
        kernels.uniformBits(key, 77, bits, length);
        for (int i = 0; i < length; i++) {
          assertThat(bits[i]).isEqualTo(CounterRandom.uniformBits(key, 77 + i));
          assertThat(kept[i]).isEqualTo(bits[i] < limit ? values[i] * 1.25f : 0f);
        }
      }
    }
  }

  /** The same numbers; which NaN comes of two is up to the processor. */
  private static void same(float[] found, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(Float.floatToIntBits(found[i]))
          .as("entry %d: %s, expected %s", i, found[i], expected[i])
          .isEqualTo(Float.floatToIntBits(expected[i]));
    }
  }

  /** Numbers as task vectors have them: many zeros of both signs, equal ones, subnormal ones. */
  private static float[] changes(int length, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] =
          switch (random.nextInt(6)) {
            case 0 -> 0f;
            case 1 -> -0f;
            case 2 -> Float.MIN_VALUE * (random.nextInt(9) - 4);
            case 3 -> 0.25f * (random.nextInt(5) - 2);
            default -> (float) random.nextGaussian();
          };
    }
    return values;
  }

  private static List<float[]> kinds(int length, long seed) {
    return List.of(changes(length, seed), floats(length, seed), finite(length, seed));
  }

  @ParameterizedTest
  @MethodSource("all")
  void entries_above_a_threshold_are_the_same(Kernels kernels) {
    float[] thresholds = {
      0f,
      -Float.MIN_VALUE,
      Float.MIN_VALUE,
      0.25f,
      Math.nextDown(0.25f),
      1e30f,
      Float.MAX_VALUE,
      Float.POSITIVE_INFINITY,
      Float.NaN
    };
    for (int length : LENGTHS) {
      for (float[] values : kinds(length + 3, length)) {
        for (float threshold : thresholds) {
          for (float factor : new float[] {1f, -0.3f, 0f, 1e30f}) {
            float[] expected = new float[length + 3];
            float[] found = new float[length + 3];
            PLAIN.keepAbove(values, 2, length + 2, threshold, factor, expected);
            kernels.keepAbove(values, 2, length + 2, threshold, factor, found);
            same(found, expected);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void marked_entries_are_the_same(Kernels kernels) {
    for (int length : LENGTHS) {
      long[] words = new Random(length).longs(3 + length / 64).toArray();
      for (float[] values : kinds(length + 3, length)) {
        float[] expected = new float[length + 3];
        float[] found = new float[length + 3];
        PLAIN.keepMarked(words, 1, values, 2, length, -0.7f, expected);
        kernels.keepMarked(words, 1, values, 2, length, -0.7f, found);
        same(found, expected);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void random_bits_are_those_of_single_entries(Kernels kernels) {
    for (int length : LENGTHS) {
      long[] bits = new long[length];
      kernels.uniformBits(-77, (1L << 40) - 3, bits, length);
      for (int i = 0; i < length; i++) {
        assertThat(bits[i]).isEqualTo(CounterRandom.uniformBits(-77, (1L << 40) - 3 + i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void entries_of_some_upper_bits_are_found(Kernels kernels) {
    for (int length : LENGTHS) {
      for (float[] values : kinds(length, length)) {
        for (float sought : new float[] {0, 0.25f, -1f, Float.NaN, Float.NEGATIVE_INFINITY}) {
          int upper = (Float.floatToRawIntBits(sought) & 0x7fffffff) >>> 16;
          int[] expected =
              IntStream.range(0, length)
                  .filter(i -> (Float.floatToRawIntBits(values[i]) & 0x7fffffff) >>> 16 == upper)
                  .toArray();
          int[] found = new int[length];
          int count = kernels.findUpper(values, length, upper, found);
          assertThat(Arrays.copyOf(found, count)).isEqualTo(expected);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void signs_are_counted_alike(Kernels kernels) {
    for (int length : LENGTHS) {
      for (float[] values : kinds(length, length)) {
        int expected = 0;
        for (float value : values) {
          expected += value > 0 ? 1 : value < 0 ? -1 : 0;
        }
        assertThat(kernels.balance(values, length)).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void elections_have_the_same_outcome(Kernels kernels) {
    for (int length : LENGTHS) {
      for (int kind = 0; kind < 3; kind++) {
        float[][] rows = new float[4][];
        for (int t = 0; t < rows.length; t++) {
          rows[t] = kinds(length, length + 100L * t).get(kind);
        }
        // Rows that cancel: a sum of zero is where the majority decides.
        for (int i = 0; i < length; i += 3) {
          rows[1][i] = -rows[0][i];
          rows[2][i] = 0;
          rows[3][i] = -0f;
        }
        for (boolean divided : new boolean[] {true, false}) {
          for (float majority : new float[] {-1, 0, 1}) {
            float[] expected = new float[length];
            float[] found = new float[length];
            PLAIN.election(rows, rows.length, majority, divided, expected, length);
            kernels.election(rows, rows.length, majority, divided, found, length);
            same(found, expected);
          }
          for (float[] weights : new float[][] {{0.4f, 0.3f, -0.2f, 0}, {1, -1, 0.5f, 1}}) {
            float[] expected = new float[length];
            float[] found = new float[length];
            PLAIN.consensus(rows, weights, divided, 1.5f, expected, length);
            kernels.consensus(rows, weights, divided, 1.5f, found, length);
            same(found, expected);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void an_election_is_what_it_says(boolean mean) {
    float[][] rows = {{3, -1, 1, 0, -2}, {1, -2, -1, -0f, 1}, {-2, 4, 0, 0, 1}};
    float[] merged = new float[5];
    PLAIN.election(rows, 3, -1, mean, merged, 5);
    // Sums 2, 1, 0, 0, 0: where it is zero the majority, here −, decides.
    assertThat(merged).containsExactly(mean ? 2 : 4, 4, -1, 0, -2);
    PLAIN.consensus(rows, new float[] {2, 3, 4}, mean, 10, merged, 5);
    assertThat(merged)
        .containsExactly(
            mean ? 40f / 5 : 40, mean ? 40f / 4 : 40, mean ? 5 : 10, 0, mean ? 20f / 7 : 20);
  }
}
