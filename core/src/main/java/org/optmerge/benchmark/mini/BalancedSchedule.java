package org.optmerge.benchmark.mini;

import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;

/**
 * The kind of question that comes first about each image. Each run of consecutive indices as long
 * as the schedule has each kind as often as it is listed, in a random order; and occurrences of a
 * kind are numbered, so that wanted answers can go round. A constant answer so scores no more than
 * it must, in every split of every size.
 *
 * @param <K> the kinds
 */
final class BalancedSchedule<K extends Enum<K>> {
  /** A kind of question, and the how manieth of its kind it is. */
  record Turn<K>(K kind, int occurrence) {
    /** A wanted one of so many answers, all equally often. */
    int of(int answers) {
      return Math.floorMod(occurrence, answers);
    }
  }

  private final List<K> slots;

  private BalancedSchedule(List<K> slots) {
    this.slots = slots;
  }

  /** A schedule of kinds and how often each comes in one round, in order. */
  static <K extends Enum<K>> BalancedSchedule<K> of(Class<K> kinds, int... shares) {
    K[] all = kinds.getEnumConstants();
    if (all.length != shares.length) {
      throw new IllegalArgumentException(
          "%d shares of %d kinds".formatted(shares.length, all.length));
    }
    return new BalancedSchedule<>(
        IntStream.range(0, shares.length)
            .boxed()
            .flatMap(i -> Collections.nCopies(shares[i], all[i]).stream())
            .toList());
  }

  /** The first question about the image of an index. */
  Turn<K> at(long seed, String stream, int index) {
    int round = index / slots.size();
    Dice dice = new Dice(CounterRandom.of(seed, stream + "/round " + round));
    List<Integer> order = dice.shuffled(IntStream.range(0, slots.size()).boxed().toList());
    int slot = order.get(index % slots.size());
    K kind = slots.get(slot);
    // Slots of a kind stand together.
    int share = Collections.frequency(slots, kind);
    return new Turn<>(kind, round * share + slot - slots.indexOf(kind));
  }

  /** A question further on about the same image. */
  Turn<K> any(Dice dice) {
    return new Turn<>(dice.pick(slots), dice.between(0, 1 << 20));
  }
}
