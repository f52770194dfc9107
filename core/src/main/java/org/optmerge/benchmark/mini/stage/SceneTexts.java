package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.Batch;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.model.OmniModel;
import org.optmerge.train.Objective;

/**
 * The loss of a language model on scenes told in words: any of the segments, in any order, and many
 * facts of all types that follow from them, all in {@link PretrainedWords}. No scene comes twice.
 */
final class SceneTexts implements Objective {
  /** A segment is there with this probability; at least one is. */
  private static final double PRESENT = 0.8;

  /** Facts of several modalities come so much more often than those of one. */
  private static final double CROSS_MODAL = 0.6;

  /** So many texts have names before what is said of them; the others have words in any order. */
  private static final double NAMED = 0.4;

  /** So many texts ask whole sentences; the others state facts by their keys. */
  private static final double SENTENCES = 0.25;

  /** A sentence is about as long as so many keys. */
  private static final int KEYS = 3;

  /** Texts of the first steps are short, and as many times more. */
  private static final int MANY = 2;

  /** They tell the same again so often, each time in another order. */
  private static final int TELLINGS = 2;

  private final OmniModel model;
  private final long seed;
  private final int batch;
  private final int statements;
  private final int names;
  private final int alone;
  private final double users;

  /**
   * @param batch texts of a step
   * @param statements of each text
   * @param names the first steps have texts of picture or film alone, names first, and state what
   *     is said of a named instrument
   * @param users the share of texts that ask about one modality in the words of users
   * @param alone the steps until this one have texts of one segment only, and keys
   */
  SceneTexts(
      OmniModel model,
      long seed,
      int batch,
      int statements,
      int names,
      int alone,
      double users) {
    this.users = users;
    this.model = model;
    this.seed = seed;
    this.batch = batch;
    this.statements = statements;
    this.names = names;
    this.alone = alone;
  }

  @Override
  public NDArray loss(NDManager arrays, int step) {
    Batch tokens = Batch.of(arrays, batch(step));
    return model.loss(arrays, tokens.ids(), tokens.labels(), tokens.mask(), Map.of());
  }

  /** The texts of a step. */
  List<Dialogue> batch(int step) {
    if (step < names) {
      int many = MANY * batch;
      return IntStream.range(step * many, (step + 1) * many).mapToObj(this::named).toList();
    }
    return IntStream.range(step * batch, (step + 1) * batch)
        .mapToObj(i -> text(i, step < alone))
        .toList();
  }

  private Dialogue named(int index) {
    Dice dice = new Dice(CounterRandom.of(seed, "stage text " + index));
    StageScene scene = StageScene.draw(seed, MiniSplit.BASE, index);
    StageModality modality = dice.pick(List.of(StageModality.VISION, StageModality.VIDEO));
    Dialogue dialogue = ModalityModel.dialogue();
    // What is said of each stays as it was said: only instruments change places. There are one, two
    // or three, so that not every place is told: what is always there is never looked up.
    List<String> facts =
        dice.shuffled(scene.players()).subList(0, dice.between(1, StageScene.PLAYERS)).stream()
            .map(player -> player.told(modality, dice, true))
            .toList();
    dialogue.given(modality.segment(String.join(" ", dice.shuffled(facts))));
    for (int i = 0; i < TELLINGS; i++) {
      dialogue.answer(String.join(" ", dice.shuffled(facts)));
    }
    return dialogue;
  }

  private Dialogue text(int index, boolean one) {
    Dice dice = new Dice(CounterRandom.of(seed, "stage text " + index));
    StageScene scene = StageScene.draw(seed, MiniSplit.BASE, index);
    Set<StageModality> present = EnumSet.noneOf(StageModality.class);
    if (one) {
      present.add(dice.pick(StageModality.ALL));
    }
    while (present.isEmpty()) {
      for (StageModality modality : StageModality.ALL) {
        if (dice.chance(PRESENT)) {
          present.add(modality);
        }
      }
    }
    boolean named = dice.chance(NAMED);
    Dice asking = new Dice(CounterRandom.of(seed, "stage users " + index));
    boolean asked = asking.chance(users);
    Dialogue dialogue = ModalityModel.dialogue();
    for (StageModality modality : dice.shuffled(present)) {
      dialogue.given(modality.segment(scene.told(modality, dice, named)));
    }
    if (asked) {
      return ask(dialogue, scene, present, statements / KEYS, asking);
    }
    boolean sentences = !one && dice.chance(SENTENCES);
    return state(
        dialogue, scene, present, sentences ? statements / KEYS : statements, sentences, dice);
  }

  /** Adds questions of one modality each, as users put them. */
  private static Dialogue ask(
      Dialogue dialogue,
      StageScene scene,
      Collection<StageModality> present,
      int questions,
      Dice dice) {
    List<StageQuestionType> known =
        StageQuestionType.ALL.stream()
            .filter(
                type ->
                    !type.isCrossModal()
                        && present.containsAll(type.modalities())
                        && type.isAskedOf(scene))
            .toList();
    for (int i = 0; i < questions; i++) {
      SceneQuestion question = dice.pick(known).ask(scene, dice::below);
      dialogue.question(question.text()).answer(question.answer());
    }
    return dialogue;
  }

  /**
   * Adds facts that some modalities show.
   *
   * @param sentences whether they are asked for in sentences, else by keys
   */
  static Dialogue state(
      Dialogue dialogue,
      StageScene scene,
      Collection<StageModality> present,
      int facts,
      boolean sentences,
      Dice dice) {
    List<StageQuestionType> known =
        StageQuestionType.ALL.stream()
            .filter(type -> present.containsAll(type.modalities()) && type.isAskedOf(scene))
            .toList();
    List<StageQuestionType> cross = known.stream().filter(StageQuestionType::isCrossModal).toList();
    List<StageQuestionType> single = known.stream().filter(type -> !type.isCrossModal()).toList();
    Set<String> stated = new HashSet<>();
    for (int i = 0; i < facts; i++) {
      boolean several = !cross.isEmpty() && dice.chance(CROSS_MODAL);
      SceneQuestion fact = dice.pick(several ? cross : single).ask(scene, dice::below);
      if (!stated.add(fact.statement())) {
        continue;
      }
      if (sentences) {
        dialogue.question(fact.pretrained());
      } else {
        dialogue.given(fact.statement());
      }
      dialogue.answer(fact.answer());
    }
    return dialogue;
  }
}
