package org.optmerge.base;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels by the Vector API, several entries to an instruction. They give the bits of {@link
 * PlainKernels}, which does what is left over at the end of a block, and every block in which a
 * number is not finite, where the order of operands decides which NaN comes out.
 *
 * <p>Compiled by itself, with {@code --add-modules jdk.incubator.vector}; used where Java is
 * started with that. Only methods that are in JDK 17 and 25 alike are called. Multiplications and
 * additions stay apart, as a fused one rounds once where the plain loops round twice.
 */
final class VectorKernels extends PlainKernels {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(INTS.vectorBitSize() / 2));

  /** Eight lanes of sums, whatever the processor. */
  private static final VectorSpecies<Float> EIGHT = FloatVector.SPECIES_256;

  private static final VectorSpecies<Double> HALF_EIGHT = DoubleVector.SPECIES_256;

  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> AS_LONGS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(LONGS.vectorBitSize() / 2));
  private static final VectorSpecies<Integer> INTS_AS_LONGS =
      VectorSpecies.of(int.class, VectorShape.forBitSize(LONGS.vectorBitSize() / 2));

  /**
   * Whether 64-bit numbers are multiplied as vectors: AVX-512 can, what is narrower emulates it.
   */
  private static final boolean MULTIPLIES_LONGS = LONGS.vectorBitSize() >= 512;

  private static final long[] STEPS = steps(LONGS.length());

  private static final int WIDTH = FLOATS.length();
  private static final int ABS = 0x7fff_ffff;
  private static final int INFINITY = 0x7f80_0000;
  private static final int QUIET = 0x0040_0000;

  VectorKernels() {
    if (WIDTH < LANES) {
      throw new UnsupportedClassVersionError("vectors of 256 bits are the least, not " + FLOATS);
    }
  }

  @Override
  public void widenBf16(short[] patterns, float[] target, int at, int length) {
    int whole = FLOATS.loopBound(length);
    for (int i = 0; i < whole; i += WIDTH) {
      IntVector bits = widened(patterns, i);
      bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(target, at + i);
    }
    for (int i = whole; i < length; i++) {
      target[at + i] = Float.intBitsToFloat(patterns[i] << 16);
    }
  }

  private static IntVector widened(short[] patterns, int i) {
    return (IntVector)
        ShortVector.fromArray(SHORTS, patterns, i).convertShape(VectorOperators.S2I, INTS, 0);
  }

  private static void store(IntVector bits, short[] patterns, int i) {
    ((ShortVector) bits.convertShape(VectorOperators.I2S, SHORTS, 0)).intoArray(patterns, i);
  }

  @Override
  public void widenF16(short[] patterns, float[] target, int at, int length) {
    int whole = FLOATS.loopBound(length);
    for (int i = 0; i < whole; i += WIDTH) {
      IntVector bits = widened(patterns, i);
      IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
      IntVector magnitude = bits.and(0x7fff);
      // Subnormal or not, the value is what these bits mean as a float, times 2^112.
      IntVector value =
          magnitude
              .lanewise(VectorOperators.LSHL, 13)
              .reinterpretAsFloats()
              .mul(0x1p112f)
              .reinterpretAsInts();
      VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, 0x7c00);
      value = value.blend(value.or(INFINITY), special);
      value.or(sign).reinterpretAsFloats().intoArray(target, at + i);
    }
    if (whole < length) {
      super.widenF16(rest(patterns, whole, length), target, at + whole, length - whole);
    }
  }

  private static short[] rest(short[] patterns, int from, int to) {
    return Arrays.copyOfRange(patterns, from, to);
  }

  @Override
  public void narrowBf16(float[] values, int from, int length, short[] patterns) {
    int whole = FLOATS.loopBound(length);
    for (int i = 0; i < whole; i += WIDTH) {
      IntVector rounded = toBf16(FloatVector.fromArray(FLOATS, values, from + i));
      store(rounded.lanewise(VectorOperators.LSHR, 16), patterns, i);
    }
    if (whole < length) {
      short[] rest = new short[length - whole];
      super.narrowBf16(values, from + whole, rest.length, rest);
      System.arraycopy(rest, 0, patterns, whole, rest.length);
    }
  }

  /** Rounded in the upper halves; the lower ones are what they come to be. */
  private static IntVector toBf16(FloatVector values) {
    IntVector bits = values.reinterpretAsInts();
    IntVector rounded = bits.add(0x7fff).add(bits.lanewise(VectorOperators.LSHR, 16).and(1));
    VectorMask<Integer> nan = bits.and(ABS).compare(VectorOperators.GT, INFINITY);
    return rounded.blend(bits.or(QUIET), nan);
  }

  @Override
  public void roundBf16(float[] values, int from, int length) {
    int whole = FLOATS.loopBound(length);
    for (int i = from; i < from + whole; i += WIDTH) {
      toBf16(FloatVector.fromArray(FLOATS, values, i))
          .and(0xffff_0000)
          .reinterpretAsFloats()
          .intoArray(values, i);
    }
    if (whole < length) {
      super.roundBf16(values, from + whole, length - whole);
    }
  }

  @Override
  public void narrow(SmallFloat format, float[] values, int from, int length, short[] patterns) {
    int width = format.width();
    int mantissa = format.mantissa();
    int overflow = format.overflow();
    int nan = format.nan();
    int smallestNormal = format.smallestNormal();
    int smallestExponent = smallestNormal >> 23;
    int tooLarge = format.tooLarge();
    int raise = (23 - mantissa) << 23;
    int whole = FLOATS.loopBound(length);
    for (int i = 0; i < whole; i += WIDTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, values, from + i).reinterpretAsInts();
      IntVector absolute = bits.and(ABS);
      IntVector magnitude = absolute.min(tooLarge);
      IntVector magic = magnitude.max(smallestNormal).and(INFINITY).add(raise);
      IntVector steps =
          magnitude
              .reinterpretAsFloats()
              .add(magic.reinterpretAsFloats())
              .reinterpretAsInts()
              .sub(magic);
      IntVector exponent =
          magic.sub(raise).lanewise(VectorOperators.LSHR, 23).sub(smallestExponent);
      IntVector pattern =
          exponent.lanewise(VectorOperators.LSHL, mantissa).add(steps).min(overflow);
      pattern = pattern.blend(nan, absolute.compare(VectorOperators.GT, INFINITY));
      IntVector sign =
          bits.lanewise(VectorOperators.LSHR, 31).lanewise(VectorOperators.LSHL, width);
      store(pattern.or(sign), patterns, i);
    }
    if (whole < length) {
      short[] rest = new short[length - whole];
      super.narrow(format, values, from + whole, rest.length, rest);
      System.arraycopy(rest, 0, patterns, whole, rest.length);
    }
  }

  @Override
  public void subtract(float[] values, float[] other, int length) {
    int whole = FLOATS.loopBound(length);
    for (int i = 0; i < whole; i += WIDTH) {
      FloatVector.fromArray(FLOATS, values, i)
          .sub(FloatVector.fromArray(FLOATS, other, i))
          .intoArray(values, i);
    }
    for (int i = whole; i < length; i++) {
      values[i] -= other[i];
    }
  }

  @Override
  public boolean allFinite(float[] values, int from, int length) {
    int whole = FLOATS.loopBound(length);
    return largestBits(values, from, from + whole) < INFINITY
        && super.allFinite(values, from + whole, length - whole);
  }

  @Override
  public boolean allBelow(float[] values, int from, int length, float limit) {
    int whole = FLOATS.loopBound(length);
    return largestBits(values, from, from + whole) < Float.floatToRawIntBits(limit)
        && super.allBelow(values, from + whole, length - whole, limit);
  }

  /** The largest bits of a magnitude; those of infinity and NaN are above all others. */
  private static int largestBits(float[] values, int from, int to) {
    IntVector largest = IntVector.zero(INTS);
    for (int i = from; i < to; i += WIDTH) {
      largest = largest.max(FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts().and(ABS));
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  @Override
  public double sumOfSquares(float[] values, int from, int length) {
    double sum = 0;
    int end = from + length;
    int at = from;
    // Four blocks side by side: an addition need not wait for the one before it.
    for (; at + 4 * SQUARES <= end; at += 4 * SQUARES) {
      FloatVector a = FloatVector.zero(EIGHT);
      FloatVector b = FloatVector.zero(EIGHT);
      FloatVector c = FloatVector.zero(EIGHT);
      FloatVector d = FloatVector.zero(EIGHT);
      for (int i = at; i < at + SQUARES; i += LANES) {
        FloatVector v = FloatVector.fromArray(EIGHT, values, i);
        FloatVector w = FloatVector.fromArray(EIGHT, values, i + SQUARES);
        FloatVector x = FloatVector.fromArray(EIGHT, values, i + 2 * SQUARES);
        FloatVector y = FloatVector.fromArray(EIGHT, values, i + 3 * SQUARES);
        a = a.add(v.mul(v));
        b = b.add(w.mul(w));
        c = c.add(x.mul(x));
        d = d.add(y.mul(y));
      }
      sum += pairs(a);
      sum += pairs(b);
      sum += pairs(c);
      sum += pairs(d);
    }
    for (; at < end; at += SQUARES) {
      sum += super.sumOfSquares(values, at, Math.min(SQUARES, end - at));
    }
    return sum;
  }

  private static float pairs(FloatVector v) {
    float ab = v.lane(0) + v.lane(1);
    float cd = v.lane(2) + v.lane(3);
    float ef = v.lane(4) + v.lane(5);
    float gh = v.lane(6) + v.lane(7);
    return (ab + cd) + (ef + gh);
  }

  @Override
  public void addProducts(double[] lanes, float[] a, float[] b, int length, long start) {
    int head = Math.min(length, (int) (-start & (LANES - 1)));
    int end = head + (length - head) / LANES * LANES;
    // What comes before and after whole eights goes to its lanes one by one, in order.
    addProducts(lanes, a, b, 0, head, start);
    DoubleVector low = DoubleVector.fromArray(HALF_EIGHT, lanes, 0);
    DoubleVector high = DoubleVector.fromArray(HALF_EIGHT, lanes, LANES / 2);
    for (int i = head; i < end; i += LANES) {
      FloatVector x = FloatVector.fromArray(EIGHT, a, i);
      FloatVector y = FloatVector.fromArray(EIGHT, b, i);
      low = low.add(half(x, 0).mul(half(y, 0)));
      high = high.add(half(x, 1).mul(half(y, 1)));
    }
    low.intoArray(lanes, 0);
    high.intoArray(lanes, LANES / 2);
    addProducts(lanes, a, b, end, length, start);
  }

  private static DoubleVector half(FloatVector floats, int part) {
    return (DoubleVector) floats.convertShape(VectorOperators.F2D, HALF_EIGHT, part);
  }

  private static void addProducts(
      double[] lanes, float[] a, float[] b, int from, int to, long start) {
    for (int i = from; i < to; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += (double) a[i] * b[i];
    }
  }

  @Override
  public void addMagnitudes(double[] lanes, float[] a, int length, long start) {
    int head = Math.min(length, (int) (-start & (LANES - 1)));
    int end = head + (length - head) / LANES * LANES;
    addMagnitudes(lanes, a, 0, head, start);
    DoubleVector low = DoubleVector.fromArray(HALF_EIGHT, lanes, 0);
    DoubleVector high = DoubleVector.fromArray(HALF_EIGHT, lanes, LANES / 2);
    for (int i = head; i < end; i += LANES) {
      FloatVector x = FloatVector.fromArray(EIGHT, a, i).abs();
      low = low.add(half(x, 0));
      high = high.add(half(x, 1));
    }
    low.intoArray(lanes, 0);
    high.intoArray(lanes, LANES / 2);
    addMagnitudes(lanes, a, end, length, start);
  }

  private static void addMagnitudes(double[] lanes, float[] a, int from, int to, long start) {
    for (int i = from; i < to; i++) {
      lanes[(int) ((start + i) & (LANES - 1))] += Math.abs(a[i]);
    }
  }

  @Override
  public int countMagnitude(float[] values, int from, int length, float magnitude) {
    int whole = FLOATS.loopBound(length);
    int wanted = Float.floatToRawIntBits(magnitude);
    IntVector count = IntVector.zero(INTS);
    for (int i = from; i < from + whole; i += WIDTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts().and(ABS);
      count = count.blend(count.add(1), bits.compare(VectorOperators.EQ, wanted));
    }
    return count.reduceLanes(VectorOperators.ADD)
        + super.countMagnitude(values, from + whole, length - whole, magnitude);
  }

  private static long[] steps(int count) {
    long[] steps = new long[count];
    Arrays.setAll(steps, i -> i * CounterRandom.GOLDEN);
    return steps;
  }

  /** 53 random bits of each lane, see {@link CounterRandom}. */
  private static LongVector mixed(LongVector counters) {
    LongVector z = counters;
    z = z.lanewise(VectorOperators.XOR, z.lanewise(VectorOperators.LSHR, 30));
    z = z.mul(0xbf58476d1ce4e5b9L);
    z = z.lanewise(VectorOperators.XOR, z.lanewise(VectorOperators.LSHR, 27));
    z = z.mul(0x94d049bb133111ebL);
    z = z.lanewise(VectorOperators.XOR, z.lanewise(VectorOperators.LSHR, 31));
    return z.lanewise(VectorOperators.LSHR, 11);
  }

  @Override
  public int findUpper(float[] values, int length, int upper, int[] indices) {
    int whole = FLOATS.loopBound(length);
    int found = 0;
    for (int i = 0; i < whole; i += WIDTH) {
      boolean any =
          FloatVector.fromArray(FLOATS, values, i)
              .reinterpretAsInts()
              .and(ABS)
              .lanewise(VectorOperators.LSHR, 16)
              .compare(VectorOperators.EQ, upper)
              .anyTrue();
      if (any) {
        found = findUpper(values, i, i + WIDTH, upper, indices, found);
      }
    }
    return findUpper(values, whole, length, upper, indices, found);
  }

  @Override
  public void uniformBits(long key, long first, long[] bits, int length) {
    int whole = MULTIPLIES_LONGS ? LONGS.loopBound(length) : 0;
    LongVector steps = LongVector.fromArray(LONGS, STEPS, 0);
    for (int i = 0; i < whole; i += LONGS.length()) {
      mixed(steps.add(key + (first + i + 1) * CounterRandom.GOLDEN)).intoArray(bits, i);
    }
    for (int i = whole; i < length; i++) {
      bits[i] = CounterRandom.uniformBits(key, first + i);
    }
  }

  @Override
  public void keepRandom(
      long key, long first, long limit, float[] values, float factor, float[] target, int length) {
    int whole = MULTIPLIES_LONGS ? LONGS.loopBound(length) : 0;
    LongVector steps = LongVector.fromArray(LONGS, STEPS, 0);
    for (int i = 0; i < whole; i += LONGS.length()) {
      LongVector below =
          mixed(steps.add(key + (first + i + 1) * CounterRandom.GOLDEN))
              .sub(limit)
              .lanewise(VectorOperators.ASHR, Long.SIZE - 1);
      IntVector keep = (IntVector) below.convertShape(VectorOperators.L2I, INTS_AS_LONGS, 0);
      FloatVector.fromArray(AS_LONGS, values, i)
          .mul(factor)
          .reinterpretAsInts()
          .and(keep)
          .reinterpretAsFloats()
          .intoArray(target, i);
    }
    for (int i = whole; i < length; i++) {
      int keep = (int) ((CounterRandom.uniformBits(key, first + i) - limit) >> 63);
      target[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i] * factor) & keep);
    }
  }

  @Override
  public void keepAbove(
      float[] values, int from, int to, float exceeded, float factor, float[] target) {
    int end = from + FLOATS.loopBound(to - from);
    IntVector largest = IntVector.zero(INTS);
    for (int i = from; i < end; i += WIDTH) {
      FloatVector v = FloatVector.fromArray(FLOATS, values, i);
      FloatVector scaled = v.mul(factor);
      largest = largest.max(scaled.reinterpretAsInts().and(ABS));
      scaled
          .mul(0f)
          .blend(scaled, v.abs().compare(VectorOperators.GT, exceeded))
          .intoArray(target, i);
    }
    boolean finite = largest.reduceLanes(VectorOperators.MAX) < INFINITY && exceeded < 0x1p126f;
    super.keepAbove(values, finite ? end : from, to, exceeded, factor, target);
  }

  @Override
  public int balance(float[] values, int length) {
    int whole = FLOATS.loopBound(length);
    IntVector balance = IntVector.zero(INTS);
    for (int i = 0; i < whole; i += WIDTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
      // 1 or −1 by the sign's bit; it counts for neither zeros nor NaN.
      IntVector sign = bits.lanewise(VectorOperators.ASHR, Integer.SIZE - 1).or(1);
      IntVector magnitude = bits.and(ABS);
      balance = balance.blend(balance.add(sign), magnitude.compare(VectorOperators.GT, 0));
      balance = balance.blend(balance.sub(sign), magnitude.compare(VectorOperators.GT, INFINITY));
    }
    int sum = balance.reduceLanes(VectorOperators.ADD);
    for (int i = whole; i < length; i++) {
      sum += values[i] > 0 ? 1 : 0;
      sum -= values[i] < 0 ? 1 : 0;
    }
    return sum;
  }

  @Override
  public void consensus(
      float[][] rows,
      float[] weights,
      boolean normalize,
      float lambda,
      float[] merged,
      int length) {
    int whole = FLOATS.loopBound(length);
    IntVector largest = IntVector.zero(INTS);
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector ones = FloatVector.broadcast(FLOATS, 1f);
    for (int i = 0; i < whole; i += WIDTH) {
      FloatVector sum = zero;
      for (int t = 0; t < weights.length; t++) {
        sum = sum.add(FloatVector.fromArray(FLOATS, rows[t], i));
      }
      FloatVector sign = ones.blend(-1f, sum.compare(VectorOperators.LT, 0f));
      FloatVector total = zero;
      FloatVector divisor = zero;
      for (int t = 0; t < weights.length; t++) {
        FloatVector agreeing = FloatVector.fromArray(FLOATS, rows[t], i).mul(sign);
        VectorMask<Float> counts = agreeing.compare(VectorOperators.GT, 0f);
        total = total.blend(total.add(agreeing), counts);
        divisor = divisor.blend(divisor.add(weights[t]), counts);
      }
      if (normalize) {
        total = total.div(divisor.blend(1f, divisor.compare(VectorOperators.EQ, 0f)));
      }
      largest = largest.max(sum.reinterpretAsInts().and(ABS));
      largest = largest.max(total.reinterpretAsInts().and(ABS));
      total.mul(sign).mul(lambda).add(0f).intoArray(merged, i);
    }
    if (largest.reduceLanes(VectorOperators.MAX) >= INFINITY) {
      super.consensus(rows, weights, normalize, lambda, merged, length);
    } else if (whole < length) {
      float[] rest = new float[length - whole];
      super.consensus(
          rest(rows, weights.length, whole, length), weights, normalize, lambda, rest, rest.length);
      System.arraycopy(rest, 0, merged, whole, rest.length);
    }
  }

  private static float[][] rest(float[][] rows, int count, int from, int to) {
    float[][] rest = new float[count][];
    Arrays.setAll(rest, t -> Arrays.copyOfRange(rows[t], from, to));
    return rest;
  }

  @Override
  public void election(
      float[][] rows, int count, float majority, boolean mean, float[] merged, int length) {
    int whole = FLOATS.loopBound(length);
    IntVector largest = IntVector.zero(INTS);
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector ones = FloatVector.broadcast(FLOATS, 1f);
    for (int i = 0; i < whole; i += WIDTH) {
      FloatVector sum = zero;
      for (int t = 0; t < count; t++) {
        sum = sum.add(FloatVector.fromArray(FLOATS, rows[t], i));
      }
      FloatVector sign =
          ones.blend(-1f, sum.compare(VectorOperators.LT, 0f))
              .blend(majority, sum.compare(VectorOperators.EQ, 0f));
      FloatVector total = zero;
      FloatVector counted = zero;
      for (int t = 0; t < count; t++) {
        FloatVector agreeing = FloatVector.fromArray(FLOATS, rows[t], i).mul(sign);
        VectorMask<Float> counts = agreeing.compare(VectorOperators.GT, 0f);
        total = total.blend(total.add(agreeing), counts);
        counted = counted.blend(counted.add(1f), counts);
      }
      largest = largest.max(sum.reinterpretAsInts().and(ABS));
      largest = largest.max(total.reinterpretAsInts().and(ABS));
      if (mean) {
        total = total.div(counted.max(1f));
      }
      total.mul(sign).add(0f).intoArray(merged, i);
    }
    if (largest.reduceLanes(VectorOperators.MAX) >= INFINITY) {
      super.election(rows, count, majority, mean, merged, length);
    } else if (whole < length) {
      float[] rest = new float[length - whole];
      super.election(rest(rows, count, whole, length), count, majority, mean, rest, rest.length);
      System.arraycopy(rest, 0, merged, whole, rest.length);
    }
  }
}
