package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.ImageQuestion;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.stage.ModalityModel;
import org.optmerge.benchmark.mini.stage.SceneQuestion;
import org.optmerge.benchmark.mini.stage.StageMedia;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.benchmark.mini.stage.StageScene;

/**
 * Answers of the shipped models, by the digest of the answers that every result of the project was
 * made with.
 */
class ShippedAnswersTest {
  private static final String MODELS = "../data-manifests/mini/";

  @ParameterizedTest
  @CsvSource({
    "base, CHAT, -1409880156",
    "base, COMPLETION, -664827176",
    "expert-vqa, CHAT, 278112665",
    "instruct-expert-ocr, CHAT, -255961427"
  })
  void the_miniature_answers_as_ever(String folder, Prompt.Form form, int digest) {
    MiniGenerator generator = new MiniGenerator(MiniGenerator.SEED);
    List<Prompt> prompts = new ArrayList<>();
    for (MiniTask task : MiniTask.values()) {
      for (int i = 0; i < 60; i++) {
        var image = generator.generate(MiniSplit.TEST, task, i);
        ImageQuestion first = image.first();
        String text = form == Prompt.Form.CHAT ? first.question() : first.statement();
        prompts.add(new Prompt(List.of(image.image()), text, form));
      }
    }
    try (MultimodalModel model = MultimodalModel.open(Path.of(MODELS + folder))) {
      assertThat(model.answer(prompts, new Decoding(8)).hashCode()).isEqualTo(digest);
    }
  }

  @ParameterizedTest
  @CsvSource({"VISION, -1369653458", "AUDIO, -321796429", "VIDEO, -613256034"})
  void a_model_of_three_modalities_answers_as_ever(StageModality modality, int digest) {
    assertThat(
            answers(
                modality,
                (scene, question) ->
                    new Prompt(
                        List.of(
                            StageMedia.picture(scene),
                            StageMedia.sound(scene),
                            StageMedia.film(scene)),
                        question.text(),
                        Prompt.Form.CHAT)))
        .isEqualTo(digest);
  }

  @Test
  void facts_in_words_are_answered_as_ever() {
    assertThat(
            answers(
                StageModality.AUDIO,
                (scene, question) -> {
                  Dialogue prompt = ModalityModel.dialogue();
                  StageModality.ALL.forEach(
                      each ->
                          prompt.given(
                              each.segment(scene.told(each, scene.dice("order of the facts")))));
                  String text =
                      Arrays.stream(prompt.question(question.text()).ids())
                          .mapToObj(ModalityModel.WORDS.tokens()::get)
                          .collect(Collectors.joining(" "));
                  return new Prompt(List.of(), text, Prompt.Form.COMPLETION);
                }))
        .isEqualTo(494338272);
  }

  private interface Asking {
    Prompt ask(StageScene scene, SceneQuestion question);
  }

  private static int answers(StageModality modality, Asking asking) {
    List<Prompt> prompts = new ArrayList<>();
    for (StageQuestionType type : StageQuestionType.ALL) {
      for (int i = 0; i < 10; i++) {
        int sounding = type.sounding() == 0 ? 1 + i % 2 : type.sounding();
        int index = type.ordinal() * MiniSplit.TEST.size() + i;
        StageScene scene = StageScene.draw(MiniGenerator.SEED, MiniSplit.TEST, index, sounding);
        Dice dice = scene.dice("question");
        prompts.add(asking.ask(scene, type.ask(scene, dice::below)));
      }
    }
    String reference = MODELS + "omni-base+" + MODELS + "omni-" + modality.key();
    try (MultimodalModel model = MultimodalModel.open(reference)) {
      return model.answer(prompts, new Decoding(2)).hashCode();
    }
  }
}
