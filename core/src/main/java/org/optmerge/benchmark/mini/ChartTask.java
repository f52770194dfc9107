package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.optmerge.benchmark.mini.BalancedSchedule.Turn;
import org.optmerge.benchmark.mini.Chart.Entry;

/** Values of bars, points and slices, and how they compare. */
final class ChartTask extends TaskDrawing<ChartTask.Kind> {
  enum Kind {
    VALUE,
    HIGHEST,
    LOWEST,
    VALUE_OF_HIGHEST,
    VALUE_OF_LOWEST,
    DIFFERENCE,
    COUNT
  }

  ChartTask() {
    super(Kind.class, 9, 2, 2, 1, 1, 3, 2);
  }

  @Override
  void draw(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    Chart chart = chart(dice, dice.pick(Chart.Kind.ALL), first);
    chart.draw(sketch);
    question(chart, first.kind()).ifPresent(sketch::ask);
    sketch.askFurther(other -> another(other, chart));
  }

  /** A question about any entries of a chart. */
  Optional<ImageQuestion> another(Dice dice, Chart chart) {
    return question(
        new Chart(chart.kind(), dice.shuffled(chart.entries())), schedule().any(dice).kind());
  }

  /** A chart in which the first entry has what the question asks for. */
  private static Chart chart(Dice dice, Chart.Kind kind, Turn<Kind> turn) {
    int number = turn.kind() == Kind.COUNT ? 3 + turn.of(3) : dice.between(3, 5);
    List<Integer> units =
        kind == Chart.Kind.SLICE ? slices(dice, number, turn) : heights(dice, number, turn);
    List<Color> colors = dice.shuffled(Color.ALL);
    if (turn.kind() == Kind.HIGHEST || turn.kind() == Kind.LOWEST) {
      Collections.swap(colors, 0, colors.indexOf(Color.ALL.get(turn.of(8))));
    }
    return new Chart(
        kind,
        IntStream.range(0, number).mapToObj(i -> new Entry(colors.get(i), units.get(i))).toList());
  }

  /** Heights of bars and points, 1 to 20. */
  private static List<Integer> heights(Dice dice, int number, Turn<Kind> turn) {
    int first =
        switch (turn.kind()) {
          case VALUE -> 1 + turn.of(20);
          case VALUE_OF_HIGHEST -> 6 + turn.of(15);
          case VALUE_OF_LOWEST -> 1 + turn.of(15);
          case HIGHEST -> dice.between(6, 20);
          case LOWEST -> dice.between(1, 15);
          case DIFFERENCE, COUNT -> dice.between(1, 20);
        };
    int least = isLowest(turn.kind()) ? first + 1 : 1;
    int most = isHighest(turn.kind()) ? first - 1 : 20;
    List<Integer> heights = new ArrayList<>(List.of(first));
    while (heights.size() < number) {
      heights.add(dice.between(least, most));
    }
    if (turn.kind() == Kind.DIFFERENCE) {
      int difference = turn.of(16);
      int low = dice.between(1, 20 - difference);
      heights.set(0, low);
      heights.set(1, low + difference);
      Collections.swap(heights, 0, dice.below(2));
    }
    return heights;
  }

  /** Twentieths of a pie, two or more each. */
  private static List<Integer> slices(Dice dice, int number, Turn<Kind> turn) {
    // The highest of all exceeds an even share and leaves two for each other; the lowest, and one
    // more for each other, are no more than the whole.
    int highest = number == 3 ? 8 : number == 4 ? 6 : 5;
    int mostOfAll = 20 - 2 * (number - 1);
    int lowest = (20 - (number - 1)) / number;
    return switch (turn.kind()) {
      case VALUE -> {
        int part = 2 + turn.of(9);
        yield prepended(part, dice.composition(20 - part, number - 1, 2));
      }
      case HIGHEST, VALUE_OF_HIGHEST -> {
        int part =
            turn.kind() == Kind.HIGHEST
                ? dice.between(highest, mostOfAll)
                : highest + turn.of(mostOfAll - highest + 1);
        yield prepended(part, below(dice, part, 20 - part, number - 1));
      }
      case LOWEST, VALUE_OF_LOWEST -> {
        int part = turn.kind() == Kind.LOWEST ? dice.between(2, lowest) : 2 + turn.of(lowest - 1);
        yield prepended(part, dice.composition(20 - part, number - 1, part + 1));
      }
      case DIFFERENCE -> {
        int difference = turn.of(6);
        int others = 2 * (number - 2);
        int low = dice.between(2, (20 - others - difference) / 2);
        List<Integer> two = dice.shuffled(List.of(low, low + difference));
        List<Integer> parts = new ArrayList<>(two);
        parts.addAll(dice.composition(20 - 2 * low - difference, number - 2, 2));
        yield parts;
      }
      case COUNT -> dice.composition(20, number, 2);
    };
  }

  /** Parts that are smaller than a bound: the first random ones, or even ones. */
  private static List<Integer> below(Dice dice, int bound, int sum, int parts) {
    for (int tries = 0; tries < 20; tries++) {
      List<Integer> composition = dice.composition(sum, parts, 2);
      if (Collections.max(composition) < bound) {
        return composition;
      }
    }
    return IntStream.range(0, parts)
        .map(i -> sum * (i + 1) / parts - sum * i / parts)
        .boxed()
        .toList();
  }

  private static List<Integer> prepended(int first, List<Integer> others) {
    List<Integer> all = new ArrayList<>(List.of(first));
    all.addAll(others);
    return all;
  }

  private static boolean isHighest(Kind kind) {
    return kind == Kind.HIGHEST || kind == Kind.VALUE_OF_HIGHEST;
  }

  private static boolean isLowest(Kind kind) {
    return kind == Kind.LOWEST || kind == Kind.VALUE_OF_LOWEST;
  }

  /** A question about the first entry, or the first two, or all; none where two values tie. */
  private static Optional<ImageQuestion> question(Chart chart, Kind kind) {
    String mark = chart.kind().word();
    return switch (kind) {
      case VALUE -> Optional.of(value(chart, chart.entries().get(0).color().word(), 0, false));
      case DIFFERENCE -> Optional.of(difference(chart));
      case COUNT ->
          Optional.of(
              ImageQuestion.of(
                  "count",
                  false,
                  "how many %ss are there ?".formatted(mark),
                  String.valueOf(chart.entries().size()),
                  "number %ss".formatted(mark)));
      case HIGHEST, LOWEST, VALUE_OF_HIGHEST, VALUE_OF_LOWEST -> {
        String word = isHighest(kind) ? "highest" : "lowest";
        yield extreme(chart, isHighest(kind))
            .map(
                place ->
                    kind == Kind.HIGHEST || kind == Kind.LOWEST
                        ? ImageQuestion.of(
                            word,
                            true,
                            "which %s is the %s ?".formatted(mark, word),
                            chart.entries().get(place).color().word(),
                            mark + " " + word)
                        : value(chart, word, place, true));
      }
    };
  }

  private static ImageQuestion value(Chart chart, String which, int place, boolean extreme) {
    String mark = chart.kind().word();
    return ImageQuestion.of(
        extreme ? "value-of-" + which : "value",
        extreme,
        "what is the value of the %s %s ?".formatted(which, mark),
        String.valueOf(chart.value(chart.entries().get(place))),
        "%s %s value".formatted(mark, which));
  }

  private static ImageQuestion difference(Chart chart) {
    Entry one = chart.entries().get(0);
    Entry two = chart.entries().get(1);
    String colors = "%s and %s".formatted(one.color().word(), two.color().word());
    return ImageQuestion.of(
        "difference",
        true,
        "what is the difference between %s ?".formatted(colors),
        String.valueOf(Math.abs(chart.value(one) - chart.value(two))),
        "difference %s %s".formatted(one.color().word(), two.color().word()));
  }

  /** The place of the largest or smallest value, if there is only one. */
  static Optional<Integer> extreme(Chart chart, boolean highest) {
    List<Entry> entries = chart.entries();
    Comparator<Integer> order = Comparator.comparingInt(place -> entries.get(place).units());
    List<Integer> places =
        IntStream.range(0, entries.size())
            .boxed()
            .sorted(highest ? order.reversed() : order)
            .toList();
    return entries.get(places.get(0)).units() == entries.get(places.get(1)).units()
        ? Optional.empty()
        : Optional.of(places.get(0));
  }
}
