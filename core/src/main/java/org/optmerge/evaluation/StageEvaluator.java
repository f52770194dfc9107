package org.optmerge.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.benchmark.mini.Batch;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.WordVocabulary;
import org.optmerge.benchmark.mini.stage.ModalityModel;
import org.optmerge.benchmark.mini.stage.SceneQuestion;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.benchmark.mini.stage.StageScene;
import org.optmerge.model.GreedyDecoding;
import org.optmerge.model.OmniModel;

/**
 * Asks models the questions about scenes, with any of the modalities, and marks their answers.
 *
 * <p>Encoders are never merged, so what they make of the scenes is computed once, from the first
 * model that is asked.
 */
public final class StageEvaluator {
  private static final int BATCH = 128;
  private static final int PAD = ModalityModel.WORDS.id(WordVocabulary.PAD);

  /** An answer is one token, and then its end. */
  private static final GreedyDecoding DECODING =
      new GreedyDecoding(2, ModalityModel.WORDS.id(WordVocabulary.END), PAD);

  private final Map<StageQuestionType, List<Item>> items = new LinkedHashMap<>();
  private final List<StageScene> scenes = new ArrayList<>();
  private final Map<StageModality, float[]> features = new EnumMap<>(StageModality.class);

  /** A question and its place among all. */
  private record Item(int place, int ofType, StageScene scene, SceneQuestion question) {}

  /** A question as it is put. */
  private record Put(Item item, Dialogue prompt) {}

  /** How scenes are given. */
  public enum Form {
    /** As features of the encoders. */
    FEATURES,
    /** As facts in words: what the language model was trained on. */
    WORDS
  }

  /**
   * Draws the questions.
   *
   * @param perType how many of each type
   */
  public StageEvaluator(MiniSplit split, Collection<StageQuestionType> types, int perType) {
    for (StageQuestionType type : types) {
      List<Item> of = new ArrayList<>();
      for (int i = 0; i < perType; i++) {
        int sounding = type.sounding() == 0 ? 1 + i % 2 : type.sounding();
        // Scenes of a type are its own, whatever other types are asked.
        int index = type.ordinal() * split.size() + i;
        StageScene scene = StageScene.draw(MiniGenerator.SEED, split, index, sounding);
        Dice dice = scene.dice("question");
        of.add(new Item(scenes.size(), i, scene, type.ask(scene, dice::below)));
        scenes.add(scene);
      }
      items.put(type, of);
    }
  }

  /** How many questions there are. */
  public int size() {
    return scenes.size();
  }

  /** The types that are asked. */
  public Set<StageQuestionType> types() {
    return items.keySet();
  }

  /**
   * Asks a model the questions of some types.
   *
   * @param types some of those drawn
   * @param given the modalities it gets; the others are absent
   * @return for each type one score, 0 or 1, for each question
   */
  public Map<StageQuestionType, double[]> evaluate(
      OmniModel model, Collection<StageQuestionType> types, Set<StageModality> given, Form form) {
    Map<StageQuestionType, double[]> scores = new LinkedHashMap<>();
    List<Put> asked = new ArrayList<>();
    for (StageQuestionType type : types) {
      List<Item> of = items.getOrDefault(type, List.of());
      of.forEach(item -> asked.add(new Put(item, prompt(item, given, form))));
      scores.put(type, new double[of.size()]);
    }
    if (form == Form.FEATURES) {
      given.forEach(
          modality ->
              features.computeIfAbsent(
                  modality, one -> ModalityModel.features(model, one, scenes)));
    }
    // Prompts of one length side by side: nothing is padded.
    asked.sort(Comparator.comparingInt(put -> put.prompt.length()));
    for (int from = 0; from < asked.size(); ) {
      int length = asked.get(from).prompt.length();
      int to = from;
      while (to < asked.size() && to - from < BATCH && asked.get(to).prompt.length() == length) {
        to++;
      }
      List<Put> batch = asked.subList(from, to);
      List<String> answers = answer(model, batch, form == Form.FEATURES ? given : Set.of());
      for (int i = 0; i < batch.size(); i++) {
        Item item = batch.get(i).item;
        double[] of = scores.getOrDefault(item.question.type(), new double[0]);
        of[item.ofType] = answers.get(i).equals(item.question.answer()) ? 1 : 0;
      }
      from = to;
    }
    return scores;
  }

  private static Dialogue prompt(Item item, Set<StageModality> given, Form form) {
    Dialogue prompt = ModalityModel.dialogue();
    for (StageModality modality : StageModality.ALL) {
      if (given.contains(modality)) {
        if (form == Form.FEATURES) {
          prompt.given(modality.features(ModalityModel.modality(modality).tokens()));
        } else {
          prompt.given(
              modality.segment(item.scene.told(modality, item.scene.dice("order of the facts"))));
        }
      }
    }
    return prompt.question(item.question.text());
  }

  private List<String> answer(OmniModel model, List<Put> batch, Set<StageModality> given) {
    try (NDManager step = model.manager().newSubManager()) {
      Batch tokens = Batch.of(step, batch.stream().map(Put::prompt).toList());
      Map<String, NDArray> seen = new HashMap<>();
      for (StageModality modality : given) {
        seen.put(modality.key(), features(step, modality, batch));
      }
      return Arrays.stream(model.generate(tokens.ids(), tokens.mask(), seen, DECODING))
          .map(ModalityModel.WORDS::decode)
          .toList();
    }
  }

  private NDArray features(NDManager step, StageModality modality, List<Put> batch) {
    int tokens = ModalityModel.modality(modality).tokens();
    int width = ModalityModel.modality(modality).featureWidth();
    float[] all = features.getOrDefault(modality, new float[0]);
    float[] some = new float[batch.size() * tokens * width];
    for (int i = 0; i < batch.size(); i++) {
      System.arraycopy(
          all, batch.get(i).item.place * tokens * width, some, i * tokens * width, tokens * width);
    }
    return step.create(some, new Shape(batch.size(), tokens, width));
  }
}
