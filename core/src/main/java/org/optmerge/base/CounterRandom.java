package org.optmerge.base;

import java.nio.charset.StandardCharsets;
import org.apiguardian.api.API;

/**
 * Random numbers that are a function of (seed, expert, parameter, entry): any thread may ask for
 * any of them in any order, and blocks may be cut anywhere.
 *
 * <p>Entry i is the i-th output of SplitMix64 started at a key made of the other three.
 *
 * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele, Lea, Flood, Fast splittable
 *     pseudorandom number generators, OOPSLA 2014</a>
 * @see <a href="https://doi.org/10.1145/2063384.2063405">Salmon et al., Parallel random numbers: as
 *     easy as 1, 2, 3, SC 2011, on counters in place of state</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public final class CounterRandom {
  static final long GOLDEN = 0x9e3779b97f4a7c15L;
  private static final double UNIT = 0x1p-53;

  private final long key;

  /**
   * The numbers of one task vector of one parameter.
   *
   * @param seed the run's seed
   * @param expert which task vector, counted from 0
   * @param parameter the name in the checkpoint
   */
  public CounterRandom(long seed, int expert, String parameter) {
    this.key = mix(mix(mix(seed + GOLDEN) ^ hash(parameter)) + (expert + 1) * GOLDEN);
  }

  /**
   * Numbers for any other use: an endless row of them for each name.
   *
   * @param seed the run's seed
   * @param name what they are for, such as {@code "order of the examples, epoch 3"}
   */
  public static CounterRandom of(long seed, String name) {
    return new CounterRandom(seed, 0, name);
  }

  /** 64 random bits for an entry. */
  public long bits(long index) {
    return mix(key + (index + 1) * GOLDEN);
  }

  /** A number in [0, 1) for an entry. */
  public double uniform(long index) {
    return (bits(index) >>> 11) * UNIT;
  }

  /**
   * A whole number in [0, {@code bound}) for an entry, each as likely as the others but for a part
   * in 2^32.
   *
   * @param bound positive
   */
  public int integer(long index, int bound) {
    return (int) (((bits(index) >>> 32) * bound) >>> 32);
  }

  /** A number of the standard normal distribution for an entry; the same on every JDK. */
  public double gaussian(long index) {
    // Box and Muller; 1 - u is never zero. Two uniform numbers from one entry's bits, remixed.
    long bits = bits(index);
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - (bits >>> 11) * UNIT));
    return radius * StrictMath.cos(2 * Math.PI * (mix(bits) >>> 11) * UNIT);
  }

  /** All ones with a probability of {@code limit / 2^53}, else zero; without a branch. */
  public int keepBits(long index, long limit) {
    return (int) ((uniformBits(key, index) - limit) >> 63);
  }

  /** 53 random bits for an entry: below {@link #limit} of p with probability p. */
  static long uniformBits(long key, long index) {
    return mix(key + (index + 1) * GOLDEN) >>> 11;
  }

  /**
   * 53 random bits for each of some entries: below {@link #limit} of p with probability p.
   *
   * @param first the entry of {@code bits[0]}
   */
  public void uniformBits(long first, long[] bits, int length) {
    Kernels.best().uniformBits(key, first, bits, length);
  }

  /**
   * Keeps each entry with the probability that {@code limit} stands for: writes it times a factor,
   * and zeros for the others.
   *
   * @param first the entry that {@code values[0]} is
   */
  public void keep(
      long first, long limit, float[] values, float factor, float[] target, int length) {
    Kernels.best().keepRandom(key, first, limit, values, factor, target, length);
  }

  /** The number below which random bits of an entry lie with a probability. */
  public static long limit(double probability) {
    return (long) Math.ceil(probability * 0x1p53);
  }

  /** Variant 13 of Stafford's finalisers, as in SplitMix64. */
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** FNV-1a, 64 bits. */
  private static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }
}
