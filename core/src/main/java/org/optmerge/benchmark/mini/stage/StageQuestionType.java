package org.optmerge.benchmark.mini.stage;

import static org.optmerge.benchmark.mini.stage.StageModality.AUDIO;
import static org.optmerge.benchmark.mini.stage.StageModality.VIDEO;
import static org.optmerge.benchmark.mini.stage.StageModality.VISION;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The kinds of questions about a scene. Those of one modality are for training; those of several
 * are only for testing, in the manner of MUSIC-AVQA (closed answers: location, counting,
 * comparative, existential, temporal) and of AVQA (lettered options).
 *
 * <p>Answers are balanced: given any one modality alone, the best guess of a question of several is
 * right no more often than {@link StageCeilings} says.
 *
 * @see <a href="https://arxiv.org/abs/2203.14072">Li et al., MUSIC-AVQA, CVPR 2022</a>
 * @see <a href="https://dl.acm.org/doi/10.1145/3503161.3548291">Yang et al., AVQA, MM 2022</a>
 */
public enum StageQuestionType {
  /** What color is the drum? */
  COLOUR("Attribute", 0, VISION),
  /** Where is the drum? */
  PLACE("Location", 0, VISION),
  /** Which instrument is red? */
  OF_COLOUR("Attribute", 0, VISION),
  /** Which instrument is on the left? */
  AT_PLACE("Location", 0, VISION),
  /** What color is the instrument on the left? */
  COLOUR_AT_PLACE("Attribute", 0, VISION),
  /** Where is the red instrument? */
  PLACE_OF_COLOUR("Location", 0, VISION),
  /** Look at the drum. What color is it? */
  COLOUR_OF_IT("Attribute", 0, VISION),
  /** Look at the drum. Where is it? */
  PLACE_OF_IT("Location", 0, VISION),
  /** What color is the drum? A red, B blue, C green. */
  COLOUR_CHOICE("Choice", 0, VISION),

  /** Which instrument is sounding? */
  SOUNDING("Attribute", 1, AUDIO),
  /** Which instrument sounds first, or last? */
  FIRST("Temporal", 2, AUDIO),
  /** Which instrument sounds more often? */
  MORE("Comparative", 2, AUDIO),
  /** How many times does the drum sound? */
  TIMES("Counting", 0, AUDIO),
  /** Is the drum sounding? */
  IS_SOUNDING("Existential", 0, AUDIO),
  /** Listen to the drum. How many times does it sound? */
  TIMES_OF_IT("Counting", 0, AUDIO),
  /** Which instrument is sounding? A drum, B piano, C bell. */
  SOUNDING_CHOICE("Choice", 1, AUDIO),

  /** Which direction does the drum move? */
  DIRECTION("Attribute", 0, VIDEO),
  /** Which instrument moves up? */
  MOVES("Attribute", 0, VIDEO),
  /** Watch the drum. Which direction does it move? */
  DIRECTION_OF_IT("Attribute", 0, VIDEO),
  /** Which direction does the drum move? A up, B down, C leftward. */
  DIRECTION_CHOICE("Choice", 0, VIDEO),

  /** What color is the sounding instrument? */
  SOUNDING_COLOUR("Attribute", 1, VISION, AUDIO),
  /** Where is the sounding instrument? */
  SOUNDING_PLACE("Location", 1, VISION, AUDIO),
  /** What color is the instrument that sounds first, or last? */
  FIRST_COLOUR("Temporal", 2, VISION, AUDIO),
  /** What color is the instrument that sounds more often? */
  MORE_COLOUR("Comparative", 2, VISION, AUDIO),
  /** Where is the instrument that sounds more often? */
  MORE_PLACE("Comparative", 2, VISION, AUDIO),
  /** Is the red instrument sounding? */
  IS_COLOUR_SOUNDING("Existential", 1, VISION, AUDIO),
  /** How many times does the red instrument sound? */
  COLOUR_TIMES("Counting", 2, VISION, AUDIO),

  /** Which direction does the sounding instrument move? */
  SOUNDING_DIRECTION("Attribute", 1, AUDIO, VIDEO),
  /** Which direction does the instrument that sounds first, or last, move? */
  FIRST_DIRECTION("Temporal", 2, AUDIO, VIDEO),
  /** Which direction does the instrument that sounds more often move? */
  MORE_DIRECTION("Comparative", 2, AUDIO, VIDEO),
  /** Which direction does the sounding instrument move? A up, B down, C leftward. */
  SOUNDING_DIRECTION_CHOICE("Choice", 1, AUDIO, VIDEO),

  /** What color is the instrument that moves up? */
  MOVING_COLOUR("Attribute", 0, VISION, VIDEO),
  /** Where is the instrument that moves up? */
  MOVING_PLACE("Location", 0, VISION, VIDEO),
  /** Which direction does the red instrument move? */
  COLOUR_DIRECTION("Attribute", 0, VISION, VIDEO),

  /** Is it the red instrument that sounds and moves up? */
  IS_COLOUR_SOUNDING_MOVING("Existential", 1, VISION, AUDIO, VIDEO);

  /** All of them, in order. */
  public static final List<StageQuestionType> ALL = List.of(values());

  /** Types that no model is trained on, not even the language model with words. */
  private static final Set<StageQuestionType> HELD_OUT = EnumSet.of(MORE_PLACE, MORE_DIRECTION);

  /**
   * Types that the language model did not learn to answer from words: those that find an instrument
   * by what is said of it, and those with lettered options or an order. Nothing is trained on these
   * with inputs, and they are no part of a mean.
   */
  private static final Set<StageQuestionType> BEYOND_REACH =
      EnumSet.of(
          OF_COLOUR,
          AT_PLACE,
          COLOUR_AT_PLACE,
          COLOUR_CHOICE,
          MOVES,
          DIRECTION_CHOICE,
          FIRST_COLOUR,
          IS_COLOUR_SOUNDING,
          COLOUR_TIMES,
          FIRST_DIRECTION,
          SOUNDING_DIRECTION_CHOICE,
          MOVING_COLOUR,
          MOVING_PLACE,
          COLOUR_DIRECTION,
          IS_COLOUR_SOUNDING_MOVING);

  private final String aspect;
  private final int sounding;
  private final Set<StageModality> modalities;

  StageQuestionType(String aspect, int sounding, StageModality first, StageModality... more) {
    this.aspect = aspect;
    this.sounding = sounding;
    this.modalities = EnumSet.of(first, more);
  }

  /** What is asked for, in the words of the audio-visual data sets, such as {@code Temporal}. */
  public String aspect() {
    return aspect;
  }

  /** How many instruments must sound for it to be asked; 0 if any number may. */
  public int sounding() {
    return sounding;
  }

  /** What is needed to answer it. */
  public Set<StageModality> modalities() {
    return EnumSet.copyOf(modalities);
  }

  /** True if it needs more than one modality: no model is trained on these with real inputs. */
  public boolean isCrossModal() {
    return modalities.size() > 1;
  }

  /** True if no model is trained on it, not even the language model with words. */
  public boolean isHeldOut() {
    return HELD_OUT.contains(this);
  }

  /** False if the language model of the miniature cannot answer it even when told all in words. */
  public boolean isWithinReach() {
    return !BEYOND_REACH.contains(this);
  }

  /** As files have it, such as {@code sounding-colour}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The types within reach that need just these modalities. */
  public static List<StageQuestionType> of(Set<StageModality> modalities) {
    return ALL.stream()
        .filter(type -> type.isWithinReach() && type.modalities.equals(modalities))
        .toList();
  }

  /**
   * Asks a question of this type.
   *
   * @param choose gives a number below its argument, each as likely as the others; asked a number
   *     of times that the earlier numbers decide
   * @throws IllegalArgumentException if another number of instruments sounds in the scene
   */
  public SceneQuestion ask(StageScene scene, IntUnaryOperator choose) {
    if (sounding > 0 && scene.sounding().size() != sounding) {
      throw new IllegalArgumentException(
          "'%s' is asked of scenes with %d sounding instruments, not %d"
              .formatted(key(), sounding, scene.sounding().size()));
    }
    Asked asked = new Asked(scene, choose);
    return switch (this) {
      case COLOUR -> asked.color("what color is the %s ?");
      case PLACE -> asked.place("where is the %s ?");
      case OF_COLOUR -> question("which instrument is %s ?", asked.hue(), asked.name());
      case AT_PLACE -> question("which instrument is on the %s ?", asked.spot(), asked.name());
      case COLOUR_AT_PLACE ->
          question("what color is the instrument on the %s ?", asked.spot(), asked.hue());
      case PLACE_OF_COLOUR -> question("where is the %s instrument ?", asked.hue(), asked.spot());
      case COLOUR_OF_IT -> asked.color("look at the %s . what color is it ?");
      case PLACE_OF_IT -> asked.place("look at the %s . where is it ?");
      case COLOUR_CHOICE ->
          choice(
              "what color is the %s ?".formatted(asked.name()),
              asked.hue(),
              scene.players().stream().map(player -> player.color().word()).toList(),
              choose);
      case SOUNDING -> question("which instrument is sounding ?", "", asked.heard(0));
      case FIRST -> {
        int which = choose.applyAsInt(2);
        yield question("which instrument sounds %s ?", order(which), asked.heard(which));
      }
      case MORE -> question("which instrument sounds more often ?", "", asked.loudest().word());
      case TIMES -> asked.times("how many times does the %s sound ?");
      case IS_SOUNDING -> {
        Instrument one = asked.balancedOfAll();
        yield question("is the %s sounding ?", one.word(), yes(scene.times(one) > 0));
      }
      case TIMES_OF_IT -> asked.times("listen to the %s . how many times does it sound ?");
      case SOUNDING_CHOICE ->
          choice(
              "which instrument is sounding ?",
              asked.heard(0),
              asked.candidates().stream().map(Instrument::word).toList(),
              choose);
      case DIRECTION -> asked.direction("which direction does the %s move ?");
      case MOVES -> question("which instrument moves %s ?", asked.course(), asked.name());
      case DIRECTION_OF_IT -> asked.direction("watch the %s . which direction does it move ?");
      case DIRECTION_CHOICE ->
          choice(
              "which direction does the %s move ?".formatted(asked.name()),
              asked.course(),
              asked.courses(),
              choose);
      case SOUNDING_COLOUR ->
          question("what color is the sounding instrument ?", "", asked.sounding(0).color().word());
      case SOUNDING_PLACE ->
          question("where is the sounding instrument ?", "", asked.sounding(0).place().word());
      case FIRST_COLOUR -> {
        int which = choose.applyAsInt(2);
        yield question(
            "what color is the instrument that sounds %s ?",
            order(which), asked.sounding(which).color().word());
      }
      case MORE_COLOUR ->
          question(
              "what color is the instrument that sounds more often ?",
              "",
              scene.player(asked.loudest()).color().word());
      case MORE_PLACE ->
          question(
              "where is the instrument that sounds more often ?",
              "",
              scene.player(asked.loudest()).place().word());
      case MORE_DIRECTION ->
          question(
              "which direction does the instrument that sounds more often move ?",
              "",
              scene.player(asked.loudest()).direction().word());
      case IS_COLOUR_SOUNDING -> {
        Player one = asked.balanced();
        yield question(
            "is the %s instrument sounding ?",
            one.color().word(), yes(scene.times(one.instrument()) > 0));
      }
      case COLOUR_TIMES ->
          question(
              "how many times does the %s instrument sound ?",
              asked.hue(), String.valueOf(scene.times(asked.player().instrument())));
      case SOUNDING_DIRECTION ->
          question(
              "which direction does the sounding instrument move ?",
              "",
              asked.sounding(0).direction().word());
      case FIRST_DIRECTION -> {
        int which = choose.applyAsInt(2);
        yield question(
            "which direction does the instrument that sounds %s move ?",
            order(which), asked.sounding(which).direction().word());
      }
      case SOUNDING_DIRECTION_CHOICE ->
          choice(
              "which direction does the sounding instrument move ?",
              asked.sounding(0).direction().word(),
              asked.courses(),
              choose);
      case MOVING_COLOUR ->
          question("what color is the instrument that moves %s ?", asked.course(), asked.hue());
      case MOVING_PLACE ->
          question("where is the instrument that moves %s ?", asked.course(), asked.spot());
      case COLOUR_DIRECTION ->
          question("which direction does the %s instrument move ?", asked.hue(), asked.course());
      case IS_COLOUR_SOUNDING_MOVING -> asked.conjunction();
    };
  }

  private static String order(int which) {
    return which == 0 ? "first" : "last";
  }

  private static String yes(boolean so) {
    return so ? "yes" : "no";
  }

  private SceneQuestion question(String form, String what, String answer) {
    return new SceneQuestion(this, form.formatted(what), answer);
  }

  /** The options in an order drawn at random, with letters. */
  private SceneQuestion choice(
      String text, String right, List<String> options, IntUnaryOperator choose) {
    List<String> order = permuted(options, choose);
    StringBuilder asked = new StringBuilder(text);
    String answer = "";
    for (int i = 0; i < order.size(); i++) {
      String letter = String.valueOf((char) ('A' + i));
      asked.append(' ').append(letter).append(' ').append(order.get(i));
      answer = order.get(i).equals(right) ? letter : answer;
    }
    return new SceneQuestion(this, asked.toString(), answer);
  }

  private static List<String> permuted(List<String> all, IntUnaryOperator choose) {
    String[] order = all.toArray(String[]::new);
    for (int i = order.length - 1; i > 0; i--) {
      int j = choose.applyAsInt(i + 1);
      String swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return Arrays.asList(order);
  }

  /** A scene that is asked about, and the player who is picked when one is first needed. */
  private final class Asked {
    private final StageScene scene;
    private final IntUnaryOperator choose;
    private @Nullable Player picked;

    Asked(StageScene scene, IntUnaryOperator choose) {
      this.scene = scene;
      this.choose = choose;
    }

    Player player() {
      Player player = picked;
      if (player == null) {
        player = scene.players().get(choose.applyAsInt(StageScene.PLAYERS));
        picked = player;
      }
      return player;
    }

    String name() {
      return player().instrument().word();
    }

    String hue() {
      return player().color().word();
    }

    String spot() {
      return player().place().word();
    }

    String course() {
      return player().direction().word();
    }

    List<String> courses() {
      return scene.players().stream().map(player -> player.direction().word()).toList();
    }

    SceneQuestion color(String form) {
      return question(form, name(), hue());
    }

    SceneQuestion place(String form) {
      return question(form, name(), spot());
    }

    SceneQuestion direction(String form) {
      return question(form, name(), course());
    }

    /** Any instrument may be asked about, on the stage or not: half of the time one that sounds. */
    SceneQuestion times(String form) {
      Instrument one = balancedOfAll();
      return question(form, one.word(), String.valueOf(scene.times(one)));
    }

    String heard(int which) {
      return scene.sounding().get(which).word();
    }

    Player sounding(int which) {
      return scene.player(scene.sounding().get(which));
    }

    Instrument loudest() {
      List<Instrument> heard = scene.sounding();
      return scene.times(heard.get(0)) > scene.times(heard.get(1)) ? heard.get(0) : heard.get(1);
    }

    /** A player, who sounds half of the time. */
    Player balanced() {
      boolean sounds = choose.applyAsInt(2) == 0;
      List<Player> those =
          scene.players().stream()
              .filter(player -> scene.times(player.instrument()) > 0 == sounds)
              .toList();
      return those.get(choose.applyAsInt(those.size()));
    }

    /** An instrument, which sounds half of the time. */
    Instrument balancedOfAll() {
      boolean sounds = choose.applyAsInt(2) == 0;
      List<Instrument> those =
          Instrument.ALL.stream().filter(one -> scene.times(one) > 0 == sounds).toList();
      return those.get(choose.applyAsInt(those.size()));
    }

    /** The sounding instrument and two others. */
    List<Instrument> candidates() {
      Instrument right = scene.sounding().get(0);
      List<Instrument> others = Instrument.ALL.stream().filter(one -> one != right).toList();
      int first = choose.applyAsInt(others.size());
      int second = choose.applyAsInt(others.size() - 1);
      return List.of(right, others.get(first), others.get(second < first ? second : second + 1));
    }

    /**
     * Half of the time all is true of the sounding instrument. Else it is of another colour, moves
     * elsewhere, or colour and direction are those of one that is silent, equally often.
     */
    SceneQuestion conjunction() {
      Player right = sounding(0);
      List<Player> others = scene.players().stream().filter(one -> one != right).toList();
      Player colored = right;
      Player moving = right;
      boolean so = choose.applyAsInt(2) == 0;
      if (!so) {
        Player other = others.get(choose.applyAsInt(others.size()));
        int wrong = choose.applyAsInt(3);
        colored = wrong == 1 ? right : other;
        moving = wrong == 0 ? right : other;
      }
      return new SceneQuestion(
          StageQuestionType.this,
          "is it the %s instrument that sounds and moves %s ?"
              .formatted(colored.color().word(), moving.direction().word()),
          yes(so));
    }
  }
}
