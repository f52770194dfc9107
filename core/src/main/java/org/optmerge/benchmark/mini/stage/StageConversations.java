package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.model.InternVL;
import org.optmerge.model.OmniConfig;
import org.optmerge.model.OmniModel;
import org.optmerge.train.Objective;

/**
 * The loss of a model on one modality: scenes given as features of its frozen encoder, a caption
 * and questions that this modality answers. The other segments are empty or absent and stand before
 * or after, so that company is no surprise later; nothing is said of what they would show.
 */
final class StageConversations implements Objective {
  /** Texts that the language model was not trained on. */
  private static final long REHEARSED = 1_000_003;

  private static final double EMPTY = 0.5;
  private static final double DESCRIBED = 0.5;

  private final OmniModel model;
  private final StageModality modality;
  private final long seed;
  private final int batch;
  private final int questions;
  private final int texts;
  private final StageTexts rehearsal;
  private final OmniConfig.Modality shape;
  private final List<StageScene> scenes;
  private final float[] features;
  private final int size;

  /**
   * Computes the features of all scenes.
   *
   * @param scenes how many different ones
   * @param batch of a step
   * @param questions of each scene in a step
   * @param texts of a step that are all in words, as the language model's own were: rehearsed, so
   *     that the adapter leaves the reading of words as it is
   */
  StageConversations(
      OmniModel model,
      StageModality modality,
      long seed,
      int scenes,
      int batch,
      int questions,
      int texts) {
    this.model = model;
    this.modality = modality;
    this.seed = seed;
    this.batch = batch;
    this.questions = questions;
    this.texts = texts;
    this.rehearsal = new StageTexts(model, REHEARSED + seed, texts, questions, 0);
    this.shape = StageModel.modality(modality);
    this.scenes =
        IntStream.range(0, scenes)
            .mapToObj(i -> StageScene.draw(MiniGenerator.SEED, MiniSplit.EXPERT, i))
            .toList();
    this.size = shape.tokens() * shape.featureWidth();
    this.features = StageModel.features(model, modality, this.scenes);
  }

  @Override
  public NDArray loss(NDManager arrays, int step) {
    List<StagePrompt> prompts = new ArrayList<>();
    for (int i = 0; i < texts; i++) {
      prompts.add(rehearsal.text(step * texts + i));
    }
    float[] seen = new float[batch * size];
    for (int i = 0; i < batch; i++) {
      Dice dice =
          new Dice(
              CounterRandom.of(
                  seed, "stage %s %d".formatted(modality.key(), (long) step * batch + i)));
      int index = dice.below(scenes.size());
      prompts.add(prompt(scenes.get(index), dice));
      System.arraycopy(features, index * size, seen, i * size, size);
    }
    StagePrompt.Batch tokens = StagePrompt.batch(prompts, (int) InternVL.IGNORE);
    Shape grid = new Shape(tokens.size(), tokens.length());
    return model.loss(
        arrays,
        arrays.create(tokens.ids(), grid),
        arrays.create(tokens.labels(), grid),
        arrays.create(tokens.mask(), grid),
        Map.of(
            modality.key(),
            arrays.create(seen, new Shape(batch, shape.tokens(), shape.featureWidth()))));
  }

  private StagePrompt prompt(StageScene scene, Dice dice) {
    StagePrompt prompt = new StagePrompt();
    for (StageModality one : dice.shuffled(Arrays.asList(StageModality.values()))) {
      if (one == modality) {
        prompt.features(one, shape.tokens());
      } else if (dice.chance(EMPTY)) {
        prompt.empty(one);
      }
    }
    if (dice.chance(DESCRIBED)) {
      prompt.description(modality, scene, dice);
    }
    List<StageQuestionType> types =
        StageQuestionType.of(EnumSet.of(modality)).stream()
            .filter(type -> type.sounding() == 0 || type.sounding() == scene.sounding().size())
            .toList();
    for (int i = 0; i < questions; i++) {
      prompt.dialogue(dice.pick(types).ask(scene, dice::below));
    }
    return prompt;
  }
}
