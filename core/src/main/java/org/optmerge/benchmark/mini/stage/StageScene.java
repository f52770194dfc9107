package org.optmerge.benchmark.mini.stage;

import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apiguardian.api.API;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.Color;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.MiniSplit;

/**
 * Three instruments on a stage. The picture shows their colours and places, the sound which of them
 * are played and how often, the film where each moves; the name of the instrument is the only link
 * between the three.
 *
 * <p>A scene is a function of (seed, split, index), as the other images of the miniature are, and
 * so is everything that is drawn of it through {@link #dice}.
 *
 * @param seed of the benchmark
 * @param split what it is for
 * @param index counted from 0
 * @param players three, from left to right in the picture
 * @param notes which instrument sounds in each slot of the sound, from the first; one to four
 *     notes, those of an instrument one after another
 */
@API(status = API.Status.EXPERIMENTAL)
public record StageScene(
    long seed, MiniSplit split, int index, List<Player> players, List<Instrument> notes) {
  /** Instruments of a scene. */
  public static final int PLAYERS = 3;

  /** The six colors of instruments: those of the miniature that are told apart most easily. */
  public static final List<Color> COLORS =
      List.of(Color.RED, Color.GREEN, Color.BLUE, Color.YELLOW, Color.PURPLE, Color.ORANGE);

  /** Most notes of a sound. */
  public static final int SLOTS = 4;

  /**
   * The notes of the first and the second of two sounding instruments: never equally often, and the
   * first as often more as less.
   */
  static final List<List<Integer>> PAIRS =
      List.of(List.of(1, 2), List.of(2, 1), List.of(1, 3), List.of(3, 1));

  /** Copies the lists. */
  public StageScene {
    players = List.copyOf(players);
    notes = List.copyOf(notes);
    if (players.size() != PLAYERS || notes.isEmpty() || notes.size() > SLOTS) {
      throw new IllegalArgumentException(
          "a scene has %d instruments and 1 to %d notes, not %d and %d"
              .formatted(PLAYERS, SLOTS, players.size(), notes.size()));
    }
  }

  /**
   * Draws a scene: everything uniform and independent, but that nothing occurs twice. Half of the
   * scenes have one sounding instrument with one to four notes, the others two, one after the
   * other.
   *
   * @param index not negative; any number of scenes may be drawn
   */
  public static StageScene draw(long seed, MiniSplit split, int index) {
    return draw(seed, split, index, dice(seed, split, index, "scene").chance(.5) ? 1 : 2);
  }

  /**
   * The same with a given number of sounding instruments.
   *
   * @param sounding 1 or 2
   */
  public static StageScene draw(long seed, MiniSplit split, int index, int sounding) {
    if (index < 0 || sounding < 1 || sounding > 2) {
      throw new IllegalArgumentException(
          "scenes are counted from 0 and one or two instruments sound, not %d and %d"
              .formatted(index, sounding));
    }
    Dice dice = dice(seed, split, index, "scene");
    dice.bits(); // the one that decides how many sound
    List<Instrument> instruments = dice.shuffled(Instrument.ALL).subList(0, PLAYERS);
    List<Color> colors = dice.shuffled(COLORS);
    List<Place> filmed = dice.shuffled(Place.ALL);
    List<Direction> directions = dice.shuffled(Direction.ALL);
    List<Instrument> heard = dice.shuffled(instruments);
    List<Integer> times = sounding == 1 ? List.of(dice.between(1, SLOTS)) : dice.pick(PAIRS);
    return new StageScene(
        seed, split, index, players(instruments, colors, filmed, directions), notes(heard, times));
  }

  /** The players from left to right. */
  static List<Player> players(
      List<Instrument> instruments,
      List<Color> colors,
      List<Place> filmed,
      List<Direction> directions) {
    return IntStream.range(0, PLAYERS)
        .mapToObj(
            i ->
                new Player(
                    instruments.get(i),
                    colors.get(i),
                    Place.ALL.get(i),
                    filmed.get(i),
                    directions.get(i)))
        .toList();
  }

  /** The notes of instruments that are played so many times each. */
  static List<Instrument> notes(List<Instrument> heard, List<Integer> times) {
    return IntStream.range(0, times.size())
        .boxed()
        .flatMap(i -> Collections.nCopies(times.get(i), heard.get(i)).stream())
        .toList();
  }

  /**
   * Random numbers for drawing this scene, a row of its own for each purpose.
   *
   * @param purpose such as {@code "picture"}
   */
  public Dice dice(String purpose) {
    return dice(seed, split, index, purpose);
  }

  private static Dice dice(long seed, MiniSplit split, int index, String purpose) {
    return new Dice(
        CounterRandom.of(seed, "stage/%s/%d/%s".formatted(split.key(), index, purpose)));
  }

  /** The sounding instruments in the order in which they begin. */
  public List<Instrument> sounding() {
    return notes.stream().distinct().toList();
  }

  /** The number of notes of an instrument, 0 to 4. */
  public int times(Instrument instrument) {
    return (int) notes.stream().filter(note -> note == instrument).count();
  }

  /**
   * The player of an instrument.
   *
   * @throws IllegalArgumentException if it is not on the stage
   */
  public Player player(Instrument instrument) {
    return players.stream()
        .filter(player -> player.instrument() == instrument)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException("no %s in %s".formatted(instrument.word(), players)));
  }

  /**
   * The content of a modality in words. Instruments are in an order drawn at random, which says
   * nothing of their places; so are the words of each.
   */
  public String told(StageModality modality, Dice dice) {
    return told(modality, dice, false);
  }

  /**
   * The same.
   *
   * @param named whether the name of each comes before what is said of it
   */
  String told(StageModality modality, Dice dice, boolean named) {
    if (modality == StageModality.AUDIO) {
      return IntStream.range(0, SLOTS)
          .mapToObj(slot -> slot < notes.size() ? notes.get(slot).word() : ModalityModel.REST)
          .collect(Collectors.joining(" "));
    }
    return dice.shuffled(players).stream()
        .map(player -> player.told(modality, dice, named))
        .collect(Collectors.joining(" "));
  }
}
