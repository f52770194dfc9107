package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.benchmark.mini.BatchDigests;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.LabelHead;
import org.optmerge.model.OmniModel;

/** The batches of the shipped recipe are those that the shipped models were trained on. */
class ModalityTrainingTest {
  /** Steps 0 to 3 of every model; omni-language-2 goes through all kinds of texts in three. */
  private static final Map<String, List<String>> RECORDED =
      BatchDigests.table(
          """
          omni-language-1 d1bad35a939de681 d7a42b7d51806c84 b964b13f3e29bb7b 9f0a93b3adf05091
          omni-language-2 d1bad35a939de681 bfbd15627f1ce0d0 cfcc79f0dd837e28 39a5a7ae102492e6
          omni-encoder-vision 5e6b73198b181003 fdcb67f2e0f59e99 5d4057a05bc5a173 657808618e55cd0e
          omni-encoder-audio f93613403bd49cfe 3ff2521891a73bba 50641405397fc951 f186430e0619e698
          omni-encoder-video a805186c3cb847dd 1cc1ac9d293178ce 96c7daa24e9024a4 3fe08b3f236d4108
          omni-vision 1e8ffaba0d598243 bb3943192a4cf8e6 146e44b9dd748c1b b976537e923547b7
          omni-audio 9c4920fa383c7abc df4a4093da740c4a 4c162ef0129ed9d0 d954b847ff5d1f6d
          omni-video 5a65e273991e09ca 59032b9ee1ed62a3 455a0c94fef96e4e edadf18b7e4a0b22
          """
              .stripTrailing());

  private static final ModalityRecipe RECIPE = ModalityRecipe.shipped();

  private static void requireRecorded(String name, IntFunction<String> digest) {
    assertThat(IntStream.range(0, 4).mapToObj(digest))
        .containsExactlyElementsOf(RECORDED.get(name));
  }

  @Test
  void the_language_model_is_trained_on_the_recorded_texts() {
    ModalityRecipe.Language settings = RECIPE.language().get(0);
    try (OmniModel model = ModalityModel.initialise(ModalityModel.language(), 1)) {
      for (int part = 1; part <= 2; part++) {
        int names = part == 1 ? settings.names() : 1;
        SceneTexts texts =
            new SceneTexts(model, 1, settings.batch(), settings.statements(), names, 2, 0);
        requireRecorded("omni-language-" + part, step -> BatchDigests.of(texts.batch(step)));
      }
    }
  }

  @Test
  void texts_of_the_language_model_have_no_word_of_users() {
    ModalityRecipe.Language settings = RECIPE.language().get(0);
    try (OmniModel model = ModalityModel.initialise(ModalityModel.language(), 1)) {
      SceneTexts texts = new SceneTexts(model, 1, settings.batch(), settings.statements(), 1, 2, 0);
      Set<String> seen = new TreeSet<>();
      for (int step = 0; step < 10; step++) {
        for (Dialogue text : texts.batch(step)) {
          IntStream.of(text.ids()).mapToObj(ModalityModel.WORDS.tokens()::get).forEach(seen::add);
        }
      }
      assertThat(seen).containsAll(PretrainedWords.all());
      assertThat(seen).allMatch(word -> PretrainedWords.in(word).equals(word));
      assertThat(seen).doesNotContainAnyElementsOf(PretrainedWords.descriptions());
    }
  }

  @ParameterizedTest
  @EnumSource(StageModality.class)
  void every_encoder_is_trained_on_the_recorded_labels(StageModality modality) {
    int tokens = ModalityModel.modality(modality).tokens();
    requireRecorded(
        ModalityRecipe.encoder(modality),
        step -> {
          List<int[]> classes = new ArrayList<>();
          ColumnLabels.targets(modality, ModalityTraining.scenes(RECIPE.encoder(), step), tokens)
              .forEach(target -> classes.add(((LabelHead.Classes) target).classes()));
          if (modality == StageModality.AUDIO) {
            // The record has a second label for every modality; a sound's is nothing.
            classes.add(new int[classes.get(0).length]);
          }
          return BatchDigests.of(classes.toArray(int[][]::new));
        });
  }

  @ParameterizedTest
  @EnumSource(StageModality.class)
  void every_adapter_is_trained_on_the_recorded_conversations(StageModality modality) {
    try (OmniModel model =
        ModalityModel.initialise(
            ModalityModel.language().with(modality.key(), ModalityModel.modality(modality)), 1)) {
      SceneConversations conversations =
          new SceneConversations(model, modality, 1, RECIPE.modality());
      requireRecorded(
          ModalityRecipe.adapter(modality),
          step -> {
            List<Dialogue> dialogues = new ArrayList<>(conversations.rehearsed(step));
            conversations.batch(step).forEach(place -> dialogues.add(place.dialogue()));
            return BatchDigests.of(dialogues);
          });
    }
  }
}
