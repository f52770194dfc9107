package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.optmerge.method.CounterRandom;

/**
 * Which kind of question comes first about an image. Each run of consecutive indices as long as the
 * schedule has each kind as often as it is listed, in a random order; and occurrences of a kind are
 * numbered, so that wanted answers can go round. A constant answer so scores no more than it must,
 * in every split of every size.
 *
 * @param <K> the kinds
 */
final class Schedule<K extends Enum<K>> {
  /** A kind of question, and the how manieth of its kind it is. */
  record Turn<K>(K kind, int occurrence) {
    /** A wanted one of so many answers, all equally often. */
    int of(int answers) {
      return Math.floorMod(occurrence, answers);
    }
  }

  private final List<K> slots;
  private final List<Integer> ranks;
  private final Map<K, Integer> shares;

  private Schedule(List<K> slots, Map<K, Integer> shares) {
    this.slots = slots;
    this.shares = Map.copyOf(shares);
    List<Integer> rank = new ArrayList<>();
    for (int i = 0; i < slots.size(); i++) {
      K kind = slots.get(i);
      rank.add((int) slots.subList(0, i).stream().filter(kind::equals).count());
    }
    this.ranks = List.copyOf(rank);
  }

  /** A schedule of kinds and how often each comes in one round. */
  static <K extends Enum<K>> Schedule<K> of(Map<K, Integer> shares) {
    List<K> slots =
        shares.keySet().stream()
            .sorted()
            .flatMap(kind -> IntStream.range(0, shares.get(kind)).mapToObj(i -> kind))
            .toList();
    return new Schedule<>(slots, shares);
  }

  /** The first question about the image of an index. */
  Turn<K> at(long seed, String stream, int index) {
    int round = index / slots.size();
    Dice dice = new Dice(CounterRandom.of(seed, stream + "/round " + round));
    List<Integer> order = dice.shuffled(IntStream.range(0, slots.size()).boxed().toList());
    int slot = order.get(index % slots.size());
    K kind = slots.get(slot);
    return new Turn<>(kind, round * shares.get(kind) + ranks.get(slot));
  }

  /** A question further on about the same image. */
  Turn<K> any(Dice dice) {
    return new Turn<>(dice.pick(slots), dice.between(0, 1 << 20));
  }
}
