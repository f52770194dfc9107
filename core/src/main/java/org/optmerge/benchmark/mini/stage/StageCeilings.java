package org.optmerge.benchmark.mini.stage;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import org.optmerge.benchmark.mini.Color;
import org.optmerge.benchmark.mini.MiniSplit;

/**
 * The ceilings of guessing: for a question type and a set of modalities, the share of right answers
 * of a guesser who knows the question, what these modalities show, and the generator. Exact, by
 * enumeration of everything that {@link StageScene#draw} and {@link StageQuestionType#ask} can
 * draw.
 */
public final class StageCeilings {
  private StageCeilings() {}

  /**
   * The ceilings of a type for every set of modalities that does not answer it by itself, the empty
   * set first.
   */
  public static Map<Set<StageModality>, Double> of(StageQuestionType type) {
    List<Set<StageModality>> sets = new ArrayList<>();
    for (int bits = 0; bits < 1 << StageModality.ALL.size(); bits++) {
      int members = bits;
      Set<StageModality> set = new TreeSet<>(StageModality.ALL);
      set.removeIf(modality -> (members >> modality.ordinal() & 1) == 0);
      if (type.modalities().containsAll(set)) {
        sets.add(set);
      }
    }
    sets.sort(Comparator.comparingInt(Set::size));
    // What is seen, to how likely each answer is.
    Map<Set<StageModality>, Map<String, Map<String, Double>>> seen = new LinkedHashMap<>();
    sets.forEach(set -> seen.put(set, new HashMap<>()));
    Draws scenes = new Draws();
    do {
      StageScene scene = scene(type, scenes);
      Map<Set<StageModality>, String> views = new HashMap<>();
      sets.forEach(set -> views.put(set, view(scene, set)));
      Draws asking = new Draws();
      do {
        SceneQuestion question = type.ask(scene, asking);
        double probability = scenes.probability() * asking.probability();
        seen.forEach(
            (set, answers) ->
                answers
                    .computeIfAbsent(views.get(set) + question.text(), key -> new HashMap<>())
                    .merge(question.answer(), probability, Double::sum));
      } while (asking.next());
    } while (scenes.next());
    Map<Set<StageModality>, Double> ceilings = new LinkedHashMap<>();
    seen.forEach(
        (set, answers) ->
            ceilings.put(
                set,
                answers.values().stream()
                    .mapToDouble(
                        each -> each.values().stream().mapToDouble(it -> it).max().orElse(0))
                    .sum()));
    return ceilings;
  }

  /** The best that any one modality alone can do. */
  public static double single(StageQuestionType type) {
    return of(type).entrySet().stream()
        .filter(ceiling -> ceiling.getKey().size() == 1)
        .mapToDouble(Map.Entry::getValue)
        .max()
        .orElse(0);
  }

  /**
   * A scene as {@link StageScene#draw} draws it, but that what the type does not ask for is always
   * the same: it is independent of the rest. Questions of several modalities neither name an
   * instrument nor depend on which three there are, only on which is which; those of one sounding
   * instrument do not depend on how often it does.
   */
  private static StageScene scene(StageQuestionType type, Draws draws) {
    Set<StageModality> asked = type.modalities();
    List<Instrument> instruments =
        draws.some(
            type.isCrossModal() ? Instrument.ALL.subList(0, StageScene.PLAYERS) : Instrument.ALL,
            StageScene.PLAYERS);
    boolean seen = asked.contains(StageModality.VISION);
    boolean filmed = asked.contains(StageModality.VIDEO);
    List<Color> colors =
        seen ? draws.some(StageScene.COLORS, StageScene.PLAYERS) : StageScene.COLORS;
    List<Direction> directions =
        filmed ? draws.some(Direction.ALL, StageScene.PLAYERS) : Direction.ALL;
    List<Player> players = StageScene.players(instruments, colors, Place.ALL, directions);
    List<Instrument> notes = instruments.subList(0, 1);
    if (asked.contains(StageModality.AUDIO)) {
      int sounding = type.sounding() == 0 ? 1 + draws.applyAsInt(2) : type.sounding();
      List<Instrument> heard = draws.some(instruments, sounding);
      notes =
          StageScene.notes(
              heard,
              sounding == 1
                  ? List.of(type.isCrossModal() ? 1 : 1 + draws.applyAsInt(StageScene.SLOTS))
                  : StageScene.PAIRS.get(draws.applyAsInt(StageScene.PAIRS.size())));
    }
    return new StageScene(0, MiniSplit.TEST, 0, players, notes);
  }

  private static String view(StageScene scene, Set<StageModality> modalities) {
    StringBuilder view = new StringBuilder();
    Consumer<String> see = what -> view.append(what).append(' ');
    for (StageModality modality : modalities) {
      switch (modality) {
        case VISION ->
            scene
                .players()
                .forEach(player -> see.accept(player.instrument().word() + player.color().word()));
        case AUDIO -> scene.notes().forEach(note -> see.accept(note.word()));
        case VIDEO ->
            // Its order is not that of the picture.
            see.accept(
                scene.players().stream()
                    .map(player -> player.instrument().word() + player.direction().word())
                    .sorted()
                    .collect(Collectors.joining(" ")));
      }
    }
    return view.toString();
  }

  /** All ways in which something can be drawn, one after another: the digits of a counter. */
  private static final class Draws implements IntUnaryOperator {
    private final List<Integer> digits = new ArrayList<>();
    private final List<Integer> bounds = new ArrayList<>();
    private int at;

    @Override
    public int applyAsInt(int bound) {
      if (at == digits.size()) {
        digits.add(0);
        bounds.add(bound);
      }
      return digits.get(at++);
    }

    /** Some different ones of a list, in order. */
    <T> List<T> some(List<T> all, int count) {
      List<T> left = new ArrayList<>(all);
      List<T> some = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        some.add(left.remove(applyAsInt(left.size())));
      }
      return some;
    }

    /** Of what was drawn since the last {@link #next}. */
    double probability() {
      double ways = 1;
      for (int bound : bounds) {
        ways *= bound;
      }
      return 1 / ways;
    }

    /** Goes on to the next way; false after the last. */
    boolean next() {
      at = 0;
      for (int i = digits.size() - 1; i >= 0; i--) {
        if (digits.get(i) + 1 < bounds.get(i)) {
          digits.set(i, digits.get(i) + 1);
          return true;
        }
        digits.remove(i);
        bounds.remove(i);
      }
      return false;
    }
  }
}
