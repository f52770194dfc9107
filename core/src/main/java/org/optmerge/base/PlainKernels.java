package org.optmerge.base;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * The kernels as plain loops, which the JIT compiler unrolls or vectorises as far as it can: what
 * every other implementation must equal to the bit.
 *
 * <p>Each loop is a method of its own: the JIT compiler then gives it all its attention.
 */
class PlainKernels implements Kernels {
  private static final int ABS = 0x7fff_ffff;
  private static final int INFINITY = 0x7f80_0000;
  private static final int QUIET = 0x0040_0000;

  /** So few squares can be added as floats without loss that matters. */
  static final int SQUARES = 1024;

  private static final ThreadLocal<Bits> BITS = ThreadLocal.withInitial(Bits::new);

  /** Every value of float16, made when first needed. */
  private static final class Halves {
    static final float[] VALUES = SmallFloat.F16.values();
  }

  @Override
  public void widenBf16(short[] patterns, float[] target, int at, int length) {
    for (int i = 0; i < length; i++) {
      target[at + i] = Float.intBitsToFloat(patterns[i] << 16);
    }
  }

  @Override
  public void widenF16(short[] patterns, float[] target, int at, int length) {
    float[] values = Halves.VALUES;
    for (int i = 0; i < length; i++) {
      target[at + i] = values[patterns[i] & 0xffff];
    }
  }

  @Override
  public void narrowBf16(float[] values, int from, int length, short[] patterns) {
    Bits bits = BITS.get();
    for (int done = 0; done < length; done += Bits.MOST) {
      int count = Math.min(Bits.MOST, length - done);
      bits.load(values, from + done, count);
      bits.roundToBf16(count, 0);
      bits.store(patterns, done, count);
    }
  }

  @Override
  public void narrow(SmallFloat format, float[] values, int from, int length, short[] patterns) {
    Bits bits = BITS.get();
    for (int done = 0; done < length; done += Bits.MOST) {
      int count = Math.min(Bits.MOST, length - done);
      bits.load(values, from + done, count);
      bits.narrow(format, count);
      bits.store(patterns, done, count);
    }
  }

  @Override
  public void roundBf16(float[] values, int from, int length) {
    Bits bits = BITS.get();
    for (int done = 0; done < length; done += Bits.MOST) {
      int count = Math.min(Bits.MOST, length - done);
      bits.load(values, from + done, count);
      bits.roundToBf16(count, 16);
      bits.store(values, from + done, count);
    }
  }

  @Override
  public void subtract(float[] values, float[] other, int length) {
    for (int i = 0; i < length; i++) {
      values[i] -= other[i];
    }
  }

  @Override
  public boolean allFinite(float[] values, int from, int length) {
    // A sum is finite only if every value is: one pass of additions, and a search only if it is
    // not.
    if (Float.isFinite(sum(values, from, from + length))) {
      return true;
    }
    for (int i = from; i < from + length; i++) {
      if (!Float.isFinite(values[i])) {
        return false;
      }
    }
    return true;
  }

  @Override
  public boolean allBelow(float[] values, int from, int length, float limit) {
    if (sumOfSquares(values, from, length) < (double) limit * limit / 2) {
      return true;
    }
    for (int i = from; i < from + length; i++) {
      if (!(Math.abs(values[i]) < limit)) {
        return false;
      }
    }
    return true;
  }

  /**
   * A sum in eight lanes, since an addition would else wait for the one before it. The lanes are
   * variables: as elements of an array the same loop takes two to five times as long.
   */
  private static float sum(float[] v, int from, int to) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    float e = 0;
    float f = 0;
    float g = 0;
    float h = 0;
    int i = from;
    for (; i + 7 < to; i += 8) {
      a += v[i];
      b += v[i + 1];
      c += v[i + 2];
      d += v[i + 3];
      e += v[i + 4];
      f += v[i + 5];
      g += v[i + 6];
      h += v[i + 7];
    }
    for (; i < to; i++) {
      a += v[i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  @Override
  public double sumOfSquares(float[] values, int from, int length) {
    double sum = 0;
    int end = from + length;
    for (int at = from; at < end; at += SQUARES) {
      sum += squares(values, at, Math.min(end, at + SQUARES));
    }
    return sum;
  }

  /** The sum of squares of up to {@link #SQUARES} entries. */
  private static float squares(float[] v, int from, int to) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    float e = 0;
    float f = 0;
    float g = 0;
    float h = 0;
    int i = from;
    for (; i + 7 < to; i += 8) {
      a += v[i] * v[i];
      b += v[i + 1] * v[i + 1];
      c += v[i + 2] * v[i + 2];
      d += v[i + 3] * v[i + 3];
      e += v[i + 4] * v[i + 4];
      f += v[i + 5] * v[i + 5];
      g += v[i + 6] * v[i + 6];
      h += v[i + 7] * v[i + 7];
    }
    for (; i < to; i++) {
      a += v[i] * v[i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  @Override
  public void addProducts(double[] lanes, float[] a, float[] b, int length, long start) {
    int i = 0;
    for (; i < length && ((start + i) & (LANES - 1)) != 0; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += (double) a[i] * b[i];
    }
    double s0 = lanes[0];
    double s1 = lanes[1];
    double s2 = lanes[2];
    double s3 = lanes[3];
    double s4 = lanes[4];
    double s5 = lanes[5];
    double s6 = lanes[6];
    double s7 = lanes[7];
    for (; i + LANES <= length; i += LANES) {
      s0 += (double) a[i] * b[i];
      s1 += (double) a[i + 1] * b[i + 1];
      s2 += (double) a[i + 2] * b[i + 2];
      s3 += (double) a[i + 3] * b[i + 3];
      s4 += (double) a[i + 4] * b[i + 4];
      s5 += (double) a[i + 5] * b[i + 5];
      s6 += (double) a[i + 6] * b[i + 6];
      s7 += (double) a[i + 7] * b[i + 7];
    }
    lanes[0] = s0;
    lanes[1] = s1;
    lanes[2] = s2;
    lanes[3] = s3;
    lanes[4] = s4;
    lanes[5] = s5;
    lanes[6] = s6;
    lanes[7] = s7;
    for (; i < length; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += (double) a[i] * b[i];
    }
  }

  @Override
  public void addMagnitudes(double[] lanes, float[] a, int length, long start) {
    int i = 0;
    for (; i < length && ((start + i) & (LANES - 1)) != 0; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += Math.abs(a[i]);
    }
    double s0 = lanes[0];
    double s1 = lanes[1];
    double s2 = lanes[2];
    double s3 = lanes[3];
    double s4 = lanes[4];
    double s5 = lanes[5];
    double s6 = lanes[6];
    double s7 = lanes[7];
    for (; i + LANES <= length; i += LANES) {
      s0 += Math.abs(a[i]);
      s1 += Math.abs(a[i + 1]);
      s2 += Math.abs(a[i + 2]);
      s3 += Math.abs(a[i + 3]);
      s4 += Math.abs(a[i + 4]);
      s5 += Math.abs(a[i + 5]);
      s6 += Math.abs(a[i + 6]);
      s7 += Math.abs(a[i + 7]);
    }
    lanes[0] = s0;
    lanes[1] = s1;
    lanes[2] = s2;
    lanes[3] = s3;
    lanes[4] = s4;
    lanes[5] = s5;
    lanes[6] = s6;
    lanes[7] = s7;
    for (; i < length; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += Math.abs(a[i]);
    }
  }

  @Override
  public int countMagnitude(float[] values, int from, int length, float magnitude) {
    int count = 0;
    for (int i = from; i < from + length; i++) {
      count += Math.abs(values[i]) == magnitude ? 1 : 0;
    }
    return count;
  }

  @Override
  public int findUpper(float[] values, int length, int upper, int[] indices) {
    return findUpper(values, 0, length, upper, indices, 0);
  }

  /** Looks from {@code from} to {@code to}; {@code found} were found before. */
  static int findUpper(float[] values, int from, int to, int upper, int[] indices, int found) {
    int count = found;
    for (int i = from; i < to; i++) {
      if ((Float.floatToRawIntBits(values[i]) & ABS) >>> 16 == upper) {
        indices[count++] = i;
      }
    }
    return count;
  }

  @Override
  public void uniformBits(long key, long first, long[] bits, int length) {
    long[] some = Draws.BITS.get();
    for (int done = 0; done < length; done += Draws.MOST) {
      int count = Math.min(Draws.MOST, length - done);
      Draws.fill(key, first + done, some, count);
      System.arraycopy(some, 0, bits, done, count);
    }
  }

  @Override
  public void keepRandom(
      long key, long first, long limit, float[] values, float factor, float[] target, int length) {
    long[] some = Draws.BITS.get();
    for (int done = 0; done < length; done += Draws.MOST) {
      int count = Math.min(Draws.MOST, length - done);
      Draws.fill(key, first + done, some, count);
      keepBelow(some, limit, values, done, count, factor, target);
    }
  }

  private static void keepBelow(
      long[] bits, long limit, float[] values, int from, int length, float factor, float[] target) {
    for (int i = 0; i < length; i++) {
      int keep = (int) ((bits[i] - limit) >> 63);
      target[from + i] =
          Float.intBitsToFloat(Float.floatToRawIntBits(values[from + i] * factor) & keep);
    }
  }

  /** Random numbers, some at a time: what differs between their counters is known beforehand. */
  private static final class Draws {
    static final int MOST = 2048;
    static final ThreadLocal<long[]> BITS = ThreadLocal.withInitial(() -> new long[MOST]);
    private static final long[] STEPS = new long[MOST];

    static {
      Arrays.setAll(STEPS, i -> i * CounterRandom.GOLDEN);
    }

    /** The loop has long integers alone, and no offset, so the JIT compiler vectorises it. */
    static void fill(long key, long first, long[] bits, int length) {
      long[] steps = STEPS;
      long begin = key + (first + 1) * CounterRandom.GOLDEN;
      for (int i = 0; i < length; i++) {
        bits[i] = CounterRandom.mix(begin + steps[i]) >>> 11;
      }
    }
  }

  @Override
  public void keepAbove(
      float[] values, int from, int to, float exceeded, float factor, float[] target) {
    for (int i = from; i < to; i++) {
      target[i] = values[i] * factor * BranchFree.positive(Math.abs(values[i]) - exceeded);
    }
  }

  @Override
  public void keepMarked(
      long[] words, int at, float[] values, int from, int length, float factor, float[] target) {
    for (int word = 0; word * Long.SIZE < length; word++) {
      int first = from + word * Long.SIZE;
      int end = Math.min(Long.SIZE, from + length - first);
      long packed = words[at + word];
      for (int bit = 0; bit < end; bit++) {
        int keep = -(int) ((packed >>> bit) & 1);
        target[first + bit] =
            Float.intBitsToFloat(Float.floatToRawIntBits(values[first + bit] * factor) & keep);
      }
    }
  }

  @Override
  public int balance(float[] values, int length) {
    int positive = 0;
    int negative = 0;
    for (int i = 0; i < length; i++) {
      positive += values[i] > 0 ? 1 : 0;
      negative += values[i] < 0 ? 1 : 0;
    }
    return positive - negative;
  }

  // Loops over whole blocks with one index: with an offset the JIT compiler of JDK 17 leaves them
  // as they are, five times as slow.

  @Override
  public void consensus(
      float[][] rows,
      float[] weights,
      boolean normalize,
      float lambda,
      float[] merged,
      int length) {
    Votes votes = VOTES.get().of(length);
    float[] signs = votes.signs;
    float[] divisor = votes.divisor;
    sum(rows, weights.length, signs, length);
    BranchFree.elect(signs, length);
    agree(rows, weights, votes, merged, length);
    if (normalize) {
      for (int i = 0; i < length; i++) {
        float none = 1 - BranchFree.positive(Math.abs(divisor[i]));
        merged[i] = merged[i] / (divisor[i] + none);
      }
    }
    for (int i = 0; i < length; i++) {
      merged[i] = merged[i] * signs[i] * lambda + 0f; // no negative zeros
    }
  }

  @Override
  public void election(
      float[][] rows, int count, float majority, boolean mean, float[] merged, int length) {
    Votes votes = VOTES.get().of(length);
    float[] signs = votes.signs;
    float[] counts = votes.divisor;
    sum(rows, count, signs, length);
    for (int i = 0; i < length; i++) {
      float sign = BranchFree.sign(signs[i]);
      signs[i] = sign + (1 - Math.abs(sign)) * majority;
    }
    float[] ones = new float[count];
    Arrays.fill(ones, 1f);
    agree(rows, ones, votes, merged, length);
    if (mean) {
      for (int i = 0; i < length; i++) {
        merged[i] = merged[i] / Math.max(counts[i], 1f);
      }
    }
    for (int i = 0; i < length; i++) {
      merged[i] = merged[i] * signs[i] + 0f; // no negative zeros
    }
  }

  private static void sum(float[][] rows, int count, float[] sums, int length) {
    Arrays.fill(sums, 0, length, 0f);
    for (int t = 0; t < count; t++) {
      add(rows[t], sums, length);
    }
  }

  private static void add(float[] row, float[] sums, int length) {
    for (int i = 0; i < length; i++) {
      sums[i] += row[i];
    }
  }

  /** Adds the entries of the elected sign, as magnitudes, and weights for them. */
  private static void agree(
      float[][] rows, float[] weights, Votes votes, float[] merged, int length) {
    Arrays.fill(merged, 0, length, 0f);
    Arrays.fill(votes.divisor, 0, length, 0f);
    for (int t = 0; t < weights.length; t++) {
      agree(votes.signs, rows[t], weights[t], merged, votes.divisor, length);
    }
  }

  private static void agree(
      float[] signs, float[] row, float weight, float[] merged, float[] divisor, int length) {
    for (int i = 0; i < length; i++) {
      float agreeing = Math.max(row[i] * signs[i], 0f);
      merged[i] += agreeing;
      divisor[i] += weight * BranchFree.positive(agreeing);
    }
  }

  private static final ThreadLocal<Votes> VOTES = ThreadLocal.withInitial(Votes::new);

  /** What an election needs for a block. */
  private static final class Votes {
    private float[] signs = new float[0];
    private float[] divisor = new float[0];

    Votes of(int length) {
      if (signs.length < length) {
        signs = new float[length];
        divisor = new float[length];
      }
      return this;
    }
  }

  /**
   * Floats as integers, a block at a time.
   *
   * <p>The JIT compiler of JDK 17 vectorises loops over integers but not {@code floatToRawIntBits};
   * copying a block through a buffer that is still in the cache costs less than it saves.
   */
  private static final class Bits {
    /** Elements of a block: all its arrays fit the nearest caches. */
    static final int MOST = 2048;

    private final int[] bits = new int[MOST];
    private final int[] magnitude = new int[MOST];
    private final int[] magic = new int[MOST];
    private final float[] sum = new float[MOST];
    private final float[] addend = new float[MOST];
    private final FloatBuffer asFloats;
    private final IntBuffer asInts;

    Bits() {
      ByteBuffer buffer = ByteBuffer.allocate(MOST * Integer.BYTES).order(ByteOrder.nativeOrder());
      asFloats = buffer.asFloatBuffer();
      asInts = buffer.asIntBuffer();
    }

    void load(float[] source, int from, int length) {
      asFloats.put(0, source, from, length);
      asInts.get(0, bits, 0, length);
    }

    void store(float[] target, int at, int length) {
      asInts.put(0, bits, 0, length);
      asFloats.get(0, target, at, length);
    }

    void store(short[] target, int at, int length) {
      int[] bits = this.bits;
      for (int i = 0; i < length; i++) {
        target[at + i] = (short) bits[i];
      }
    }

    /**
     * Rounds the upper halves of the bits by the lower halves.
     *
     * @param place where the lowest bit of the rounded halves goes: 0, or 16 to have a float again
     */
    void roundToBf16(int length, int place) {
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
     */
    void narrow(SmallFloat format, int length) {
      int[] bits = this.bits;
      int[] magnitude = this.magnitude;
      int[] magic = this.magic;
      float[] sum = this.sum;
      float[] addend = this.addend;
      int width = format.width();
      int mantissa = format.mantissa();
      int overflow = format.overflow();
      int nan = format.nan();
      int smallestNormal = format.smallestNormal();
      int smallestExponent = smallestNormal >> 23;
      int tooLarge = format.tooLarge();
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
}
