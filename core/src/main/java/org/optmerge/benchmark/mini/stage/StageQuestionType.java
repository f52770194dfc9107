package org.optmerge.benchmark.mini.stage;

import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.ANY;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.ANY_BESIDE_TWO;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.BALANCED;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.BALANCED_PLAYER;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.CLAIM;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.CLAIM_OF_TWO;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.FIRST_OR_LAST;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.MORE_OFTEN;
import static org.optmerge.benchmark.mini.stage.StageQuestionType.Subject.ONLY;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apiguardian.api.API;

/**
 * The kinds of questions about a scene, each with the statement of the same fact. Those of one
 * modality are for training; those of several are only for testing, in the manner of MUSIC-AVQA
 * (closed answers: location, counting, comparative, existential, temporal) and of AVQA (lettered
 * options).
 *
 * <p>Answers are balanced: given any one modality alone, the best guess of a question of several is
 * right no more often than {@link StageCeilings} says.
 *
 * @see <a href="https://arxiv.org/abs/2203.14072">Li et al., MUSIC-AVQA, CVPR 2022</a>
 * @see <a href="https://dl.acm.org/doi/10.1145/3503161.3548291">Yang et al., AVQA, MM 2022</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public enum StageQuestionType {
  COLOUR("Attribute", ANY, "what color is the {name} ? {color}", "hue {name}"),
  PLACE("Location", ANY, "where is the {name} ? {place}", "spot {name}"),
  OF_COLOUR("Attribute", ANY, "which instrument is {color} ? {name}", "who {color}"),
  AT_PLACE("Location", ANY, "which instrument is on the {place} ? {name}", "who {place}"),
  COLOUR_AT_PLACE(
      "Attribute", ANY, "what color is the instrument on the {place} ? {color}", "hue {place}"),
  PLACE_OF_COLOUR("Location", ANY, "where is the {color} instrument ? {place}", "spot {color}"),
  COLOUR_OF_IT("Attribute", ANY, "look at the {name} . what color is it ? {color}", "hue {name}"),
  PLACE_OF_IT("Location", ANY, "look at the {name} . where is it ? {place}", "spot {name}"),
  COLOUR_CHOICE("Choice", ANY, "what color is the {name} ? {color}", "hue {name}"),
  SOUNDING("Attribute", ONLY, "which instrument is sounding ? {name}", "who playing"),
  FIRST("Temporal", FIRST_OR_LAST, "which instrument sounds {order} ? {name}", "who {order}"),
  MORE("Comparative", MORE_OFTEN, "which instrument sounds more often ? {name}", "who most"),
  TIMES("Counting", BALANCED, "how many times does the {name} sound ? {times}", "count {name}"),
  IS_SOUNDING("Existential", BALANCED, "is the {name} sounding ? {sounds}", "playing {name}"),
  TIMES_OF_IT(
      "Counting",
      BALANCED,
      "listen to the {name} . how many times does it sound ? {times}",
      "count {name}"),
  SOUNDING_CHOICE("Choice", ONLY, "which instrument is sounding ? {name}", "who playing"),
  DIRECTION(
      "Attribute", ANY, "which direction does the {name} move ? {direction}", "heading {name}"),
  MOVES("Attribute", ANY, "which instrument moves {direction} ? {name}", "who {direction}"),
  DIRECTION_OF_IT(
      "Attribute",
      ANY,
      "watch the {name} . which direction does it move ? {direction}",
      "heading {name}"),
  DIRECTION_CHOICE(
      "Choice", ANY, "which direction does the {name} move ? {direction}", "heading {name}"),
  SOUNDING_COLOUR(
      "Attribute", ONLY, "what color is the sounding instrument ? {color}", "hue playing"),
  SOUNDING_PLACE("Location", ONLY, "where is the sounding instrument ? {place}", "spot playing"),
  FIRST_COLOUR(
      "Temporal",
      FIRST_OR_LAST,
      "what color is the instrument that sounds {order} ? {color}",
      "hue {order}"),
  MORE_COLOUR(
      "Comparative",
      MORE_OFTEN,
      "what color is the instrument that sounds more often ? {color}",
      "hue most"),
  MORE_PLACE(
      "Comparative",
      MORE_OFTEN,
      "where is the instrument that sounds more often ? {place}",
      "spot most"),
  IS_COLOUR_SOUNDING(
      "Existential",
      BALANCED_PLAYER,
      "is the {color} instrument sounding ? {sounds}",
      "playing {color}"),
  COLOUR_TIMES(
      "Counting",
      ANY_BESIDE_TWO,
      "how many times does the {color} instrument sound ? {times}",
      "count {color}"),
  SOUNDING_DIRECTION(
      "Attribute",
      ONLY,
      "which direction does the sounding instrument move ? {direction}",
      "heading playing"),
  FIRST_DIRECTION(
      "Temporal",
      FIRST_OR_LAST,
      "which direction does the instrument that sounds {order} move ? {direction}",
      "heading {order}"),
  MORE_DIRECTION(
      "Comparative",
      MORE_OFTEN,
      "which direction does the instrument that sounds more often move ? {direction}",
      "heading most"),
  SOUNDING_DIRECTION_CHOICE(
      "Choice",
      ONLY,
      "which direction does the sounding instrument move ? {direction}",
      "heading playing"),
  MOVING_COLOUR(
      "Attribute",
      ANY,
      "what color is the instrument that moves {direction} ? {color}",
      "hue {direction}"),
  MOVING_PLACE(
      "Location",
      ANY,
      "where is the instrument that moves {direction} ? {place}",
      "spot {direction}"),
  COLOUR_DIRECTION(
      "Attribute",
      ANY,
      "which direction does the {color} instrument move ? {direction}",
      "heading {color}"),
  PLACE_DIRECTION(
      "Attribute",
      ANY,
      "which direction does the instrument on the {place} move ? {direction}",
      "heading {place}"),
  IS_COLOUR_SOUNDING_MOVING(
      "Existential",
      CLAIM,
      "is it the {color} instrument that sounds and moves {direction} ? {sounds}",
      "{color} playing {direction}"),
  IS_COLOUR_FIRST_MOVING(
      "Temporal",
      CLAIM_OF_TWO,
      "is it the {color} instrument that sounds {order} and moves {direction} ? {sounds}",
      "{color} {order} {direction}");

  /** All of them, in order. */
  public static final List<StageQuestionType> ALL = List.of(values());

  private static final Pattern FACT = Pattern.compile("\\{(\\w+)}");

  /** The instrument that a question is about. */
  enum Subject {
    /** Any player. */
    ANY(0),
    /** Any player of a scene with two sounding instruments. */
    ANY_BESIDE_TWO(2),
    /** The only one that sounds. */
    ONLY(1),
    /** One of two that sound. */
    FIRST_OR_LAST(2),
    /** The one of two that sounds more often. */
    MORE_OFTEN(2),
    /** Any instrument, on the stage or not: half of the time one that sounds. */
    BALANCED(0),
    /** A player, who sounds half of the time. */
    BALANCED_PLAYER(1),
    /** The only one that sounds, or one that is taken for it. */
    CLAIM(1),
    /** One of two that sound, or one that is taken for it. */
    CLAIM_OF_TWO(2);

    private final int sounding;

    Subject(int sounding) {
      this.sounding = sounding;
    }

    private Instrument in(StageScene scene, IntUnaryOperator choose) {
      List<Instrument> heard = scene.sounding();
      List<Instrument> players = scene.players().stream().map(Player::instrument).toList();
      return switch (this) {
        case ANY, ANY_BESIDE_TWO -> pick(players, choose);
        case ONLY, CLAIM -> heard.get(0);
        case FIRST_OR_LAST, CLAIM_OF_TWO -> pick(heard, choose);
        case MORE_OFTEN -> heard.get(scene.times(heard.get(0)) > scene.times(heard.get(1)) ? 0 : 1);
        case BALANCED -> balanced(scene, Instrument.ALL, choose);
        case BALANCED_PLAYER -> balanced(scene, players, choose);
      };
    }

    private static Instrument balanced(
        StageScene scene, List<Instrument> all, IntUnaryOperator choose) {
      boolean sounds = choose.applyAsInt(2) == 0;
      return pick(all.stream().filter(one -> scene.times(one) > 0 == sounds).toList(), choose);
    }
  }

  private final String aspect;
  private final Subject subject;
  private final String form;

  /** The placeholder of the fact that is asked for. */
  private final String asked;

  /** The key of the fact as a statement, with facts about the subject in braces. */
  private final String key;

  private final Set<StageModality> modalities = EnumSet.noneOf(StageModality.class);

  /**
   * @param form the question and its answer, with facts about the subject in braces
   * @param key of the same fact as a statement, in the words of {@link PretrainedWords}
   */
  StageQuestionType(String aspect, Subject subject, String form, String key) {
    this.aspect = aspect;
    this.subject = subject;
    int end = form.lastIndexOf(' ');
    this.form = form.substring(0, end);
    this.asked = form.substring(end + 1);
    this.key = key;
    if (form.contains("{color}") || form.contains("{place}")) {
      modalities.add(StageModality.VISION);
    }
    if (subject != Subject.ANY) {
      modalities.add(StageModality.AUDIO);
    }
    if (form.contains("{direction}")) {
      modalities.add(StageModality.VIDEO);
    }
  }

  /** The aspect in the words of the audio-visual data sets, such as {@code Temporal}. */
  public String aspect() {
    return aspect;
  }

  /** The number of instruments that must sound for it to be asked; 0 if any number may. */
  public int sounding() {
    return subject.sounding;
  }

  /** True if it can be asked: the scene has as many sounding instruments as it takes. */
  boolean isAskedOf(StageScene scene) {
    return sounding() == 0 || sounding() == scene.sounding().size();
  }

  /** The modalities that are needed to answer it. */
  public Set<StageModality> modalities() {
    return EnumSet.copyOf(modalities);
  }

  /** True if it needs more than one modality: no model is trained on such questions. */
  public boolean isCrossModal() {
    return modalities.size() > 1;
  }

  /** The name in files, such as {@code sounding-colour}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The types that need just these modalities. */
  public static List<StageQuestionType> of(Set<StageModality> modalities) {
    return ALL.stream().filter(type -> type.modalities.equals(modalities)).toList();
  }

  /**
   * Asks a question of this type.
   *
   * @param choose gives a number below its argument, each as likely as the others; asked a number
   *     of times that the earlier numbers decide
   * @throws IllegalArgumentException if another number of instruments sounds in the scene
   */
  public SceneQuestion ask(StageScene scene, IntUnaryOperator choose) {
    if (!isAskedOf(scene)) {
      throw new IllegalArgumentException(
          "'%s' is asked of scenes with %d sounding instruments, not %d"
              .formatted(key(), sounding(), scene.sounding().size()));
    }
    if (subject == Subject.CLAIM || subject == Subject.CLAIM_OF_TWO) {
      return claim(scene, choose);
    }
    Instrument instrument = subject.in(scene, choose);
    UnaryOperator<String> told = text -> told(text, instrument, scene);
    String answer = told.apply(asked);
    return aspect.equals("Choice")
        ? choice(told, answer, options(instrument, scene, choose), choose)
        : question(told, "", answer);
  }

  private SceneQuestion question(UnaryOperator<String> told, String options, String answer) {
    return new SceneQuestion(
        this,
        PretrainedWords.described(told.apply(form)) + options,
        answer,
        PretrainedWords.in(told.apply(key)) + options);
  }

  /** A text with facts about an instrument in place of their names. */
  private static String told(String text, Instrument instrument, StageScene scene) {
    return FACT.matcher(text).replaceAll(fact -> fact(fact.group(1), instrument, scene));
  }

  private static String fact(String fact, Instrument instrument, StageScene scene) {
    return switch (fact) {
      case "name" -> instrument.word();
      case "color" -> scene.player(instrument).color().word();
      case "place" -> scene.player(instrument).place().word();
      case "direction" -> scene.player(instrument).direction().word();
      case "order" -> scene.sounding().get(0) == instrument ? "first" : "last";
      case "times" -> String.valueOf(scene.times(instrument));
      case "sounds" -> scene.times(instrument) > 0 ? "yes" : "no";
      default -> throw new IllegalArgumentException("no fact about an instrument: " + fact);
    };
  }

  private static <T> T pick(List<T> from, IntUnaryOperator choose) {
    return from.get(choose.applyAsInt(from.size()));
  }

  /** Facts of all players; of names, that of the instrument and two others, on the stage or not. */
  private List<String> options(Instrument right, StageScene scene, IntUnaryOperator choose) {
    if (!asked.equals("{name}")) {
      return scene.players().stream().map(one -> told(asked, one.instrument(), scene)).toList();
    }
    List<String> others =
        new ArrayList<>(
            Instrument.ALL.stream().filter(one -> one != right).map(Instrument::word).toList());
    return List.of(
        right.word(),
        others.remove(choose.applyAsInt(others.size())),
        others.remove(choose.applyAsInt(others.size())));
  }

  /** The options in an order drawn at random, with letters. */
  private SceneQuestion choice(
      UnaryOperator<String> told, String right, List<String> options, IntUnaryOperator choose) {
    List<String> order = new ArrayList<>(options);
    for (int i = order.size() - 1; i > 0; i--) {
      Collections.swap(order, i, choose.applyAsInt(i + 1));
    }
    StringBuilder lettered = new StringBuilder();
    for (int i = 0; i < order.size(); i++) {
      lettered.append(" %c %s".formatted('A' + i, order.get(i)));
    }
    return question(told, lettered.toString(), Character.toString('A' + order.indexOf(right)));
  }

  /**
   * Half of the time all is true of the instrument that sounds. Else it is of another colour, moves
   * elsewhere, or colour and direction are those of another, equally often.
   */
  private SceneQuestion claim(StageScene scene, IntUnaryOperator choose) {
    Instrument right = subject.in(scene, choose);
    boolean so = choose.applyAsInt(2) == 0;
    Instrument other = right;
    int wrong = 0;
    if (!so) {
      List<Instrument> players = scene.players().stream().map(Player::instrument).toList();
      other = pick(players.stream().filter(one -> one != right).toList(), choose);
      wrong = choose.applyAsInt(3);
    }
    Instrument colored = wrong == 1 ? right : other;
    Instrument moving = wrong == 0 ? right : other;
    return question(
        text ->
            told(
                text.replace("{color}", fact("color", colored, scene))
                    .replace("{direction}", fact("direction", moving, scene)),
                right,
                scene),
        "",
        so ? "yes" : "no");
  }
}
