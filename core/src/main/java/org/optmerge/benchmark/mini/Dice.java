package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
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

  /** Whole numbers of at least {@code least} with a given sum, every way of it equally likely. */
  List<Integer> composition(int sum, int parts, int least) {
    int spare = sum - parts * least;
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < spare + parts - 1; i++) {
      places.add(i);
    }
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
