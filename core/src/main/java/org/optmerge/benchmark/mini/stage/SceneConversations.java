package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.Batch;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.model.OmniConfig;
import org.optmerge.model.OmniModel;
import org.optmerge.train.Objective;

/**
 * The loss of a model on one modality: scenes given as features of its frozen encoder, questions
 * that this modality answers, in the words of users, and facts in the words of the language model.
 * The other segments are told in words, empty or absent, and stand before or after, so that company
 * is no surprise later.
 */
final class SceneConversations implements Objective {
  /** Texts that the language model was not trained on. */
  private static final long REHEARSED = 1_000_003;

  /** Another segment is told in words with this probability, and empty with this. */
  private static final double TOLD = 0.5;

  private static final double EMPTY = 0.2;

  /** So many texts ask questions; the others state facts, those of several modalities too. */
  private static final double QUESTIONS = 0.7;

  private final OmniModel model;
  private final StageModality modality;
  private final long seed;
  private final int batch;
  private final int questions;
  private final int statements;

  /** So that the adapter leaves the reading of words as it is. */
  private final SceneTexts rehearsal;

  private final OmniConfig.Modality shape;
  private final List<StageScene> scenes;
  private float @Nullable [] features;
  private final int size;

  /** One scene of a batch, by its number, and what is said of it. */
  record Place(int scene, Dialogue dialogue) {}

  SceneConversations(
      OmniModel model, StageModality modality, long seed, ModalityRecipe.Modality settings) {
    this.model = model;
    this.modality = modality;
    this.seed = seed;
    this.batch = settings.batch();
    this.questions = settings.questions();
    this.statements = settings.statements();
    this.rehearsal = new SceneTexts(model, REHEARSED + seed, settings.texts(), statements, 0, 0, 0);
    this.shape = ModalityModel.modality(modality);
    this.scenes =
        IntStream.range(0, settings.scenes())
            .mapToObj(i -> StageScene.draw(MiniGenerator.SEED, MiniSplit.EXPERT, i))
            .toList();
    this.size = shape.tokens() * shape.featureWidth();
  }

  @Override
  public NDArray loss(NDManager arrays, int step) {
    float[] all = features == null ? ModalityModel.features(model, modality, scenes) : features;
    features = all;
    List<Place> shown = batch(step);
    float[] seen = new float[batch * size];
    for (int i = 0; i < batch; i++) {
      System.arraycopy(all, shown.get(i).scene * size, seen, i * size, size);
    }
    List<Dialogue> dialogues = new ArrayList<>(rehearsed(step));
    shown.forEach(place -> dialogues.add(place.dialogue));
    Batch tokens = Batch.of(arrays, dialogues);
    NDArray given = arrays.create(seen, new Shape(batch, shape.tokens(), shape.featureWidth()));
    return model.loss(
        arrays, tokens.ids(), tokens.labels(), tokens.mask(), Map.of(modality.key(), given));
  }

  /** The texts of a step. */
  List<Dialogue> rehearsed(int step) {
    return rehearsal.batch(step);
  }

  /** The scenes of a step, after the texts. */
  List<Place> batch(int step) {
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      String stream = "stage %s %d".formatted(modality.key(), (long) step * batch + i);
      Dice dice = new Dice(CounterRandom.of(seed, stream));
      int scene = dice.below(scenes.size());
      places.add(new Place(scene, dialogue(scenes.get(scene), dice)));
    }
    return places;
  }

  private Dialogue dialogue(StageScene scene, Dice dice) {
    Dialogue dialogue = ModalityModel.dialogue();
    Set<StageModality> present = EnumSet.of(modality);
    for (StageModality one : dice.shuffled(StageModality.ALL)) {
      double chance = dice.uniform();
      if (one == modality) {
        dialogue.given(one.features(shape.tokens()));
      } else if (chance < TOLD) {
        dialogue.given(one.segment(scene.told(one, dice)));
        present.add(one);
      } else if (chance < TOLD + EMPTY) {
        dialogue.given(one.segment(""));
      }
    }
    if (!dice.chance(QUESTIONS)) {
      return SceneTexts.state(dialogue, scene, present, statements, false, dice);
    }
    List<StageQuestionType> types =
        StageQuestionType.of(EnumSet.of(modality)).stream()
            .filter(type -> type.isAskedOf(scene))
            .toList();
    for (int i = 0; i < questions; i++) {
      SceneQuestion question = dice.pick(types).ask(scene, dice::below);
      dialogue.question(question.text()).answer(question.answer());
    }
    return dialogue;
  }
}
