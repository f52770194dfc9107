package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;
import org.optmerge.model.vision.ImagePreprocessing;
import org.optmerge.model.vision.QwenPreprocessing;
import org.optmerge.model.vision.QwenPreprocessing.Grid;
import org.optmerge.model.vision.Tiling;

class AnswerTest {
  private static final Decoding SHORT = new Decoding(5);

  private static final String[] WORDS = {
    "<pad>",
    "<user>",
    "<IMG_CONTEXT>",
    "<assistant>",
    "<end>",
    "<unk>",
    "<img>",
    "</img>",
    "what",
    "color",
    "is",
    "it",
    "red",
    "blue",
    "left"
  };

  @TempDir Path dir;

  private static Image image(long seed, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    new Random(seed).nextBytes(rgb);
    return new Image(width, height, rgb);
  }

  private static Audio sound(long seed, int samples) {
    Random random = new Random(seed);
    float[] values = new float[samples];
    for (int i = 0; i < samples; i++) {
      values[i] = (float) (0.1 * random.nextGaussian());
    }
    return new Audio(Audio.SAMPLE_RATE, values);
  }

  private static InternVL internVL(Tiling tiling, String... words) {
    InternVLConfig config = Models.CONFIG;
    InternVLConfig tiled =
        new InternVLConfig(config.vision(), config.language(), -1, 2, false, 12, tiling, false);
    List<Double> half = List.of(.5, .5, .5);
    return InternVL.initialise(
        tiled, Models.words(words), new ImagePreprocessing(12, tiling, half, half), 1);
  }

  private static Prompt chat(String text, Media... media) {
    return new Prompt(List.of(media), text, Prompt.Form.CHAT);
  }

  /** Prompts side by side are answered as each by itself. */
  private static void assertAnsweredAsAlone(MultimodalModel model, List<Prompt> prompts) {
    List<String> together = model.answer(prompts, SHORT);
    List<String> alone = new ArrayList<>();
    prompts.forEach(prompt -> alone.addAll(model.answer(List.of(prompt), SHORT)));
    assertThat(together).isEqualTo(alone);
    assertThat(together).anyMatch(answer -> !answer.isEmpty());
    assertThat(TogetherTest.together(model, prompts, SHORT)).isEqualTo(alone);
    model.useFeatures(new FeatureCache());
    assertThat(model.answer(prompts, SHORT)).isEqualTo(alone);
    assertThat(model.answer(prompts, SHORT)).isEqualTo(alone);
  }

  @Test
  void a_miniature_is_asked_with_its_marks() {
    try (InternVL model = internVL(Tiling.SINGLE, WORDS);
        NDManager step = model.manager().newSubManager()) {
      Image image = image(1, 12, 12);
      NDArray features =
          model.visualFeatures(step, model.preprocessing().pixels(step, List.of(image)));
      long[] chat = {6, 2, 2, 2, 2, 7, 1, 8, 10, 11, 3};
      long[] completion = {6, 2, 2, 2, 2, 7, 9};
      assertThat(model.answer(List.of(chat("what is it", image)), SHORT))
          .containsExactly(generated(model, step, chat, features));
      assertThat(
              model.answer(
                  List.of(new Prompt(List.of(image), "color", Prompt.Form.COMPLETION)), SHORT))
          .containsExactly(generated(model, step, completion, features));
      assertAnsweredAsAlone(
          model,
          List.of(
              chat("what is it", image),
              chat("what color is it", image(2, 30, 20)),
              chat("is it red"),
              chat("is it left", image, image(3, 12, 12)),
              chat("what is left", image(4, 12, 12))));
    }
  }

  private static String generated(InternVL model, NDManager step, long[] ids, NDArray features) {
    NDArray prompt = step.create(ids, new Shape(1, ids.length));
    long[] tokens =
        model.generate(prompt, prompt.onesLike(), features, new GreedyDecoding(5, 4, 0))[0];
    List<String> words = new ArrayList<>();
    for (long token : tokens) {
      if (token == 4) {
        break;
      }
      if (token != 0) {
        words.add(WORDS[(int) token]);
      }
    }
    return String.join(" ", words);
  }

  @Test
  void a_picture_of_several_tiles_stands_where_the_question_says() {
    String system = "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。";
    try (InternVL model =
        internVL(
            new Tiling(true, 1, 2, true),
            "<|im_start|>",
            "<|im_end|>",
            "<IMG_CONTEXT>",
            "<img>",
            "</img>",
            "system",
            "user",
            "assistant",
            "what",
            "is",
            system,
            "<unk>",
            "a",
            "b",
            "c",
            "d")) {
      Image wide = image(1, 24, 12);
      assertThat(model.segment(new DecoderModel.View(wide, Prompt.Resolution.PUBLISHED)).count())
          .isEqualTo(3 * 4);
      assertThat(
              model
                  .segment(new DecoderModel.View(image(1, 12, 12), Prompt.Resolution.PUBLISHED))
                  .count())
          .isEqualTo(4);
      assertAnsweredAsAlone(
          model,
          List.of(
              chat("what is <image>", wide),
              chat("what is", image(2, 12, 12)),
              chat("what is", image(3, 24, 12))));
      // One picture in two prompts that cut it differently, out of one cache.
      assertThat(model.segment(new DecoderModel.View(wide, Prompt.Resolution.tiles(1))).count())
          .isEqualTo(4);
      List<Prompt> cut =
          List.of(new Prompt(List.of(wide), "what is", Prompt.Form.CHAT, 1), chat("what is", wide));
      List<String> fresh = model.answer(cut, SHORT);
      model.useFeatures(new FeatureCache());
      assertThat(model.answer(cut, SHORT)).isEqualTo(fresh).isEqualTo(model.answer(cut, SHORT));
      assertThatThrownBy(() -> model.answer(List.of(chat("is <image>", wide, wide)), SHORT))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining(
              "prompt 0: the questions have a place for 1 of 2 media; <image> is missing");
    }
  }

  @Test
  void an_omni_model_sees_hears_and_watches() {
    try (OmniModel model = Models.omni(3)) {
      Image picture = image(1, 12, 12);
      Audio sound = sound(2, 640 + 11 * 320);
      Video film = new Video(List.of(image(3, 12, 12), image(4, 12, 12), image(5, 12, 12)));
      assertThat(model.media()).containsExactly(Audio.class, Video.class, Image.class);
      assertAnsweredAsAlone(
          model,
          List.of(
              chat("what is it", picture, sound, film),
              chat("what is it", film, picture, sound),
              chat("where is it", image(7, 12, 12), sound, film),
              chat("where is it", sound(6, 700)),
              new Prompt(
                  List.of(),
                  "<img> it is red </img> <user> what <assistant>",
                  Prompt.Form.COMPLETION)));
      assertThatThrownBy(
              () ->
                  model.answer(List.of(chat("what", picture), chat("what", sound(1, 9000))), SHORT))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("prompt 1: a sound of 0.56 s has 27 frames")
          .hasMessageContaining("cut it");
      assertThatThrownBy(() -> model.answer(sound(1, 100), "what"))
          .hasMessageContaining("lengthen it");
    }
  }

  @Test
  void a_composition_answers_as_the_merge_of_its_adapters() {
    try (OmniModel model = Models.omni(3)) {
      Lora lora =
          model.addLora(new LoraSettings(2, 4, Pattern.compile(LoraSettings.LANGUAGE_MODEL), 1));
      lora.parameters()
          .forEach(
              (name, factor) -> {
                float[] values = new float[(int) factor.size()];
                Random random = new Random(name.hashCode());
                for (int i = 0; i < values.length; i++) {
                  values[i] = (float) (0.3 * random.nextGaussian());
                }
                lora.load(name, values);
              });
      Path folder = dir.resolve("lora");
      lora.save(folder, DType.F32);
      lora.remove();
      List<Prompt> prompts =
          List.of(chat("what is it", image(1, 12, 12)), chat("where is it", sound(6, 700)));
      List<String> composed;
      try (OnlineComposition composition =
          model.compose(new TreeMap<>(Map.of("vision", folder)), OnlineComposition.Mode.NAIVE, 1)) {
        assertThat(composition.parameters()).isPositive();
        composed = model.answer(prompts, SHORT);
      }
      List<String> plain = model.answer(prompts, SHORT);
      model.apply(folder);

      assertThat(model.answer(prompts, SHORT)).isEqualTo(composed).isNotEqualTo(plain);
    }
  }

  @Test
  void a_qwen_answers_about_pictures_and_videos() throws IOException {
    try (QwenVL model = QwenVL.open(Models.qwen(dir.resolve("qwen")));
        NDManager step = model.manager().newSubManager()) {
      // The tokens of media are never the best.
      float[] head = model.parameters().get("lm_head.weight").toFloatArray();
      System.arraycopy(head, 0, head, 5 * 16, 2 * 16);
      model.load("lm_head.weight", head);
      Image picture = image(1, 60, 80);
      Video video = new Video(List.of(image(2, 56, 56), image(3, 56, 56), image(4, 56, 56)));
      List<Image> resized = List.of(QwenPreprocessing.DEFAULT.resized(picture));
      List<Grid> grids = List.of(QwenPreprocessing.grid(resized));
      NDArray features =
          model.visualFeatures(step, QwenPreprocessing.patches(step, resized), grids);
      int tokens = grids.get(0).tokens();
      assertThat(model.segment(new DecoderModel.View(picture, Prompt.Resolution.PUBLISHED)).count())
          .isEqualTo(tokens);
      StringBuilder text = new StringBuilder("<|im_start|> system You are a helpful assistant. ");
      text.append("<|im_end|> <|im_start|> user <|vision_start|> ");
      text.append("<|image_pad|> ".repeat(tokens)).append("<|vision_end|> what is it <|im_end|> ");
      long[] ids = model.tokenizer().encode(text.append("<|im_start|> assistant").toString());
      NDArray prompt = step.create(ids, new Shape(1, ids.length));
      long[] generated =
          model
              .generate(
                  prompt,
                  prompt.onesLike(),
                  QwenVL.Visuals.images(features, grids),
                  new GreedyDecoding(5, 1, 1))[0];

      assertThat(model.answer(List.of(chat("what is it", picture)), SHORT).get(0))
          .isEqualTo(
              ChatTemplate.QWEN2_VL.answer(
                  model.tokenizer(), ChatTemplate.QWEN2_VL.stops(model.tokenizer()), generated));
      assertAnsweredAsAlone(
          model,
          List.of(
              chat("what is it", picture),
              chat("what is left", image(5, 60, 80)),
              chat("is it red", picture, video),
              chat("is it left", video, image(6, 80, 60)),
              chat("is it", video)));
      assertThatThrownBy(() -> model.answer(image(1, 1, 300), "what"))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("prompt 0: smart resize");
    }
  }

  @Test
  void answers_are_told_one_at_a_time_under_their_prompts_numbers() {
    try (InternVL model = internVL(Tiling.SINGLE, WORDS)) {
      List<Prompt> prompts = new ArrayList<>();
      for (int i = 0; i < 150; i++) {
        prompts.add(chat(i % 2 == 0 ? "what is it" : "is it", image(i, 12, 12)));
      }
      String[] told = new String[prompts.size()];
      int[] inside = {0};
      model.answer(
          prompts,
          SHORT,
          (index, text) -> {
            assertThat(++inside[0]).isEqualTo(1);
            assertThat(told[index]).isNull();
            told[index] = text;
            inside[0]--;
          });

      assertThat(told).containsExactlyElementsOf(model.answer(prompts, SHORT)).doesNotContainNull();
      assertThat(model.answer(List.of(), SHORT)).isEmpty();
    }
  }

  @Test
  void features_are_computed_again_when_the_encoder_changes_and_only_then() {
    Image image = image(1, 12, 12);
    FeatureCache cache = new FeatureCache();
    try (InternVL model = internVL(Tiling.SINGLE, WORDS);
        InternVL other = internVL(Tiling.SINGLE, WORDS)) {
      model.useFeatures(cache);
      other.useFeatures(cache);
      model.answer(image, "what");
      long one = cache.bytes();
      other.load("mlp1.1.bias", new float[12]);
      other.answer(image, "what");
      assertThat(cache.bytes()).isEqualTo(one).isPositive();

      other.load("vision_model.encoder.layers.0.ls1", new float[8]);
      other.answer(image, "what");
      assertThat(cache.bytes()).isEqualTo(2 * one);
    }
  }

  @Test
  void says_what_is_wrong_with_a_prompt() {
    try (InternVL model = internVL(Tiling.SINGLE, WORDS)) {
      Image image = image(1, 12, 12);
      assertThatThrownBy(() -> model.answer(image, "what colour is it"))
          .isInstanceOf(ModelException.class)
          .hasMessage("the vocabulary of the model has no word 'colour'; did you mean 'color'?");
      assertThatThrownBy(() -> model.answer(sound(1, 9), "what"))
          .hasMessage("prompt 0 has Audio[9 samples at 16000 Hz]; the model takes [Image]");
      assertThatThrownBy(() -> model.answer(image, "what <IMG_CONTEXT>"))
          .hasMessageContaining("there are 5 instead of 4");
      assertThatThrownBy(() -> model.answer(image, "is ".repeat(60)))
          .hasMessageContaining("less than max_position_embeddings, 64");
      assertThat(model.answer(List.of(chat("is ".repeat(51), image)), Decoding.DEFAULT)).hasSize(1);
      assertThatThrownBy(() -> new Decoding(0)).hasMessageContaining("maxNewTokens is 0");
    }
    try (InternVL model = Models.small(1)) {
      assertThatThrownBy(() -> model.answer(image(1, 12, 12), "w3"))
          .hasMessageContaining("tell of no chat template")
          .hasMessageContaining(
              "internvl2_5, internlm2-chat, Hermes-2, qwen2_vl, vicuna_v1, llava");
    }
    assertThatThrownBy(() -> ChatTemplate.named("phi3-chat"))
        .hasMessageContaining(
            "'phi3-chat'; known: internvl2_5, internlm2-chat, Hermes-2, qwen2_vl");
    assertThat(ChatTemplate.named("qwen2_vl")).isEqualTo(ChatTemplate.QWEN2_VL);
  }

  @Test
  void a_level_of_a_picture_is_the_same_number_by_either_formula() {
    byte[] rgb = new byte[3 * 16 * 16];
    for (int i = 0; i < 256; i++) {
      rgb[3 * i] = (byte) i;
    }
    List<Double> half = List.of(.5, .5, .5);
    try (NDManager step = NDManager.newBaseManager(null, "PyTorch")) {
      float[] pixels =
          new ImagePreprocessing(16, Tiling.SINGLE, half, half)
              .pixels(step, List.of(new Image(16, 16, rgb)))
              .toFloatArray();
      for (int i = 0; i < 256; i++) {
        assertThat(pixels[i]).isEqualTo(i / 127.5f - 1);
      }
    }
  }
}
