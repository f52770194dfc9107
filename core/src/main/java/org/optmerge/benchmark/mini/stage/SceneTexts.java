package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.EnumSet;
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
 * The loss of a language model on scenes told in words: any of the segments, in any order, and
 * several questions of all types that they answer. No scene comes twice.
 */
final class SceneTexts implements Objective {
  /** A segment is there with this probability; at least one is. */
  private static final double PRESENT = 0.6;

  /** Questions of several modalities come so much more often than those of one. */
  private static final double CROSS_MODAL = 0.6;

  /**
   * A segment is described with this probability. Many look-ups in a few tokens: which attribute
   * belongs to which instrument is learned from these long before it is from questions.
   */
  private static final double DESCRIBED = 0.7;

  private final OmniModel model;
  private final long seed;
  private final int batch;
  private final int questions;
  private final int captions;

  /**
   * @param batch texts of a step
   * @param questions of each text
   * @param captions the first steps have captions only
   */
  SceneTexts(OmniModel model, long seed, int batch, int questions, int captions) {
    this.model = model;
    this.seed = seed;
    this.batch = batch;
    this.questions = questions;
    this.captions = captions;
  }

  @Override
  public NDArray loss(NDManager arrays, int step) {
    Batch tokens = Batch.of(arrays, batch(step));
    return model.loss(arrays, tokens.ids(), tokens.labels(), tokens.mask(), Map.of());
  }

  /** The texts of a step. */
  List<Dialogue> batch(int step) {
    return IntStream.range(step * batch, (step + 1) * batch)
        .mapToObj(i -> step < captions ? caption(i) : text(i))
        .toList();
  }

  /** One segment and captions of it, each in an order of its own. */
  private Dialogue caption(int index) {
    Dice dice = new Dice(CounterRandom.of(seed, "stage text " + index));
    StageScene scene = StageScene.draw(seed, MiniSplit.BASE, index);
    StageModality modality = dice.pick(List.of(StageModality.VISION, StageModality.VIDEO));
    Dialogue dialogue = ModalityModel.dialogue();
    dialogue.given(modality.segment(scene.told(modality, dice)));
    return describe(describe(dialogue, modality, scene, dice), modality, scene, dice);
  }

  /** Adds a request for a caption, and one with its instruments in an order of its own. */
  static Dialogue describe(Dialogue dialogue, StageModality modality, StageScene scene, Dice dice) {
    return dialogue.question("describe " + modality.noun()).answer(scene.told(modality, dice));
  }

  /** Text number {@code index}. */
  Dialogue text(int index) {
    Dice dice = new Dice(CounterRandom.of(seed, "stage text " + index));
    StageScene scene = StageScene.draw(seed, MiniSplit.BASE, index);
    Set<StageModality> present = EnumSet.noneOf(StageModality.class);
    while (present.isEmpty()) {
      for (StageModality modality : StageModality.ALL) {
        if (dice.chance(PRESENT)) {
          present.add(modality);
        }
      }
    }
    Dialogue dialogue = ModalityModel.dialogue();
    for (StageModality modality : dice.shuffled(present)) {
      dialogue.given(modality.segment(scene.told(modality, dice)));
    }
    for (StageModality modality : dice.shuffled(present)) {
      if (dice.chance(DESCRIBED)) {
        describe(dialogue, modality, scene, dice);
      }
    }
    List<StageQuestionType> single = new ArrayList<>();
    List<StageQuestionType> cross = new ArrayList<>();
    for (StageQuestionType type : StageQuestionType.ALL) {
      if (!type.isHeldOut() && present.containsAll(type.modalities()) && type.isAskedOf(scene)) {
        (type.isCrossModal() ? cross : single).add(type);
      }
    }
    for (int i = 0; i < questions; i++) {
      boolean several = !cross.isEmpty() && dice.chance(CROSS_MODAL);
      SceneQuestion question = dice.pick(several ? cross : single).ask(scene, dice::below);
      dialogue.question(question.text()).answer(question.answer());
    }
    return dialogue;
  }
}
