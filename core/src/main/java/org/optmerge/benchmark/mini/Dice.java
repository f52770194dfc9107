package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;

/** The random numbers of one image, one after the other; the same on every JDK. */
public final class Dice {
  private final CounterRandom random;
  private long thrown;

  /** Begins at entry 0. */
  public Dice(CounterRandom random) {
    this.random = random;
  }

  /** 64 random bits. */
  public long bits() {
    return random.bits(thrown++);
  }

  /** 0 to {@code bound - 1}. */
  public int below(int bound) {
    return random.integer(thrown++, bound);
  }

  /** {@code low} to {@code high}, both included. */
  public int between(int low, int high) {
    return low + below(high - low + 1);
  }

  /** A number in [0, 1). */
  public double uniform() {
    return random.uniform(thrown++);
  }

  /** True with a probability. */
  public boolean chance(double probability) {
    return uniform() < probability;
  }

  /** One of a list, each as likely as the others. */
  public <T> T pick(List<T> from) {
    return from.get(below(from.size()));
  }

  /** The same in an order drawn at random. */
  public <T> List<T> shuffled(Collection<? extends T> all) {
    List<T> list = new ArrayList<>(all);
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, below(i + 1));
    }
    return list;
  }

  /**
   * Pixels with noise of −8 to 8 on every channel, four numbers of 16 bits a throw.
   *
   * @param alike channels that follow each other and have the same noise: 1, or 3 for grey
   */
  public byte[] noisy(byte[] rgb, int alike) {
    byte[] noisy = new byte[rgb.length];
    long bits = 0;
    for (int i = 0, draws = 0; i < noisy.length; i += alike, draws++) {
      bits = draws % 4 == 0 ? bits() : bits >>> 16;
      int noise = (int) ((bits & 0xffff) * 17 >>> 16) - 8;
      for (int j = i; j < i + alike; j++) {
        noisy[j] = (byte) clip((rgb[j] & 0xff) + noise);
      }
    }
    return noisy;
  }

  /** One channel of a color in a shade of its own. */
  public int shade(Color color, int channel) {
    return clip(color.channel(channel) + between(-18, 18));
  }

  private static int clip(int level) {
    return Math.max(0, Math.min(255, level));
  }

  /** Whole numbers of at least {@code least} with a given sum, every way of it equally likely. */
  List<Integer> composition(int sum, int parts, int least) {
    int spare = sum - parts * least;
    List<Integer> places = IntStream.range(0, spare + parts - 1).boxed().toList();
    // Bars among stars: what lies between two bars is a part.
    List<Integer> bars = new ArrayList<>(shuffled(places).subList(0, parts - 1));
    Collections.sort(bars);
    bars.add(spare + parts - 1);
    List<Integer> result = new ArrayList<>();
    int last = -1;
    for (int bar : bars) {
      result.add(bar - last - 1 + least);
      last = bar;
    }
    return result;
  }
}
