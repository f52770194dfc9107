package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.media.Image;
import org.optmerge.model.vision.ClipPreprocessing;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/**
 * Folders as they are published, with random weights: features, logits and answers against those
 * that reference implementations recorded. {@code record_models.py} beside them says how.
 */
class RecordedModelsTest {
  private static final double CLOSE = 2e-5;

  @TempDir Path temporary;

  static Path recorded(String name) throws URISyntaxException {
    URL folder = RecordedModelsTest.class.getResource("/recorded-models/" + name);
    return Path.of(Objects.requireNonNull(folder, name).toURI());
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
  }

  private static long[] longs(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToLong(JsonNode::asLong).toArray();
  }

  /** What the script gives the models in place of a picture. */
  private static NDArray pixels(NDManager step, String seed, long... shape) {
    float[] values = new float[(int) new Shape(shape).size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i * 0.7 + seed.length());
    }
    return step.create(values, new Shape(shape));
  }

  private static void assertClose(JsonNode rows, NDArray actual, String what) {
    int width = rows.path(0).size();
    float[] values = actual.toFloatArray();
    assertThat(values.length).as(what).isEqualTo(rows.size() * width);
    for (int i = 0; i < values.length; i++) {
      double expected = rows.path(i / width).path(i % width).asDouble();
      assertThat((double) values[i])
          .as("%s[%d]", what, i)
          .isCloseTo(expected, within(CLOSE * (1 + Math.abs(expected))));
    }
  }

  private static <F> void assertRecorded(
      DecoderModel<F> model, NDManager step, JsonNode recorded, NDArray features, F seen) {
    assertClose(recorded.path("features"), features, "features");
    long[] ids = longs(recorded.path("ids"));
    NDArray input = step.create(ids, new Shape(1, ids.length));
    NDArray logits = model.logits(step, input, input.onesLike(), seen);
    NDArray rows = logits.get(0).get(step.create(longs(recorded.path("rows"))));
    assertClose(recorded.path("logits"), rows, "logits");
    long[] greedy = longs(recorded.path("greedy"));
    long[][] made =
        model.generate(input, input.onesLike(), seen, new GreedyDecoding(greedy.length, -1, 0));
    assertThat(made).isDeepEqualTo(new long[][] {greedy});
  }

  @Test
  void llava_in_hugging_faces_layout() throws IOException, URISyntaxException {
    Path folder = recorded("llava-hf");
    try (Llava model = Llava.open(folder, Precision.FLOAT32);
        NDManager step = model.manager().newSubManager()) {
      NDArray features = model.visualFeatures(step, pixels(step, "llava", 1, 3, 12, 12));
      assertRecorded(model, step, json(folder.resolve("case.json")), features, features);
    }
  }

  @Test
  void a_penalty_and_what_is_left_to_draw_from_are_those_of_the_reference()
      throws IOException, URISyntaxException {
    Path folder = recorded("llava-hf");
    JsonNode recorded = json(folder.resolve("case.json"));
    long[] ids = longs(recorded.path("ids"));
    try (Llava model = Llava.open(folder, Precision.FLOAT32);
        NDManager step = model.manager().newSubManager()) {
      NDArray features = model.visualFeatures(step, pixels(step, "llava", 1, 3, 12, 12));
      NDArray input = step.create(ids, new Shape(1, ids.length));
      TokenChoice penalty =
          TokenSampler.of(
              Decoding.DEFAULT.withRepetitionPenalty(1.6), List.of(ids), model.penalisesPrompt());
      long[] penalised = longs(recorded.path("penalised"));
      assertThat(penalised).isNotEqualTo(longs(recorded.path("greedy")));
      GreedyDecoding end = new GreedyDecoding(penalised.length, -1, 0);
      assertThat(model.generate(input, input.onesLike(), features, end, penalty))
          .isDeepEqualTo(new long[][] {penalised});

      float[] last =
          model.logits(step, input, input.onesLike(), features).get("0,-1").toFloatArray();
      Decoding.Sampling sampling = new Decoding.Sampling(0.7, 10, 0.8, 0);
      int cuts = 20_000;
      double[] shares = new double[last.length];
      for (int i = 0; i < cuts; i++) {
        shares[TokenSampler.drawn(last, sampling, (i + .5) / cuts)] += 1. / cuts;
      }
      JsonNode expected = recorded.path("probabilities");
      assertThat(expected).hasSize(shares.length);
      for (int token = 0; token < shares.length; token++) {
        assertThat(shares[token])
            .as("token %d", token)
            .isCloseTo(expected.path(token).asDouble(), within(2e-4));
      }
    }
  }

  /** The original code's prompt: texts between pictures each by itself. */
  @Test
  void llavas_own_code_tokenizes_the_texts_between_pictures() throws Exception {
    Path folder = copied("llava-original", temporary.resolve("model"));
    copied("tiny-clip", temporary.resolve("tiny-clip"));
    Path words = TokenizerFilesTest.recorded("llama-legacy");
    JsonNode recorded = json(words.resolve("llava.json"));
    try (Llava model = Llava.open(folder, Precision.FLOAT32);
        Tokenizer tokenizer = Tokenizer.open(words)) {
      String prompt = recorded.path("prompt").asText().replace("<image>", "<image><image>");
      List<Long> expected = new ArrayList<>();
      for (long id : longs(recorded.path("ids"))) {
        expected.addAll(id == -200 ? List.of(0L, 0L) : List.of(id));
      }
      assertThat(model.encode(tokenizer, prompt))
          .containsExactly(expected.stream().mapToLong(Long::longValue).toArray());
      assertThat(model.tokenId(tokenizer, "<image>")).isZero();
    }
  }

  @Test
  void a_llava_answers_about_pictures_in_a_conversation() throws IOException, URISyntaxException {
    Path folder = copied("llava-hf", temporary.resolve("llava"));
    Files.writeString(
        folder.resolve("tokenizer.json"),
        Models.wordsJson(
            "<unk>",
            "<s>",
            "</s>",
            "USER:",
            "ASSISTANT:",
            "<image>",
            "what",
            "is",
            "it",
            "red",
            "w10",
            "w11",
            "w12",
            "w13",
            "w14",
            "w15",
            "w16",
            "w17",
            "w18",
            "w19",
            "w20",
            "w21",
            "w22",
            "w23",
            "w24",
            "w25",
            "w26",
            "w27",
            "w28",
            "w29",
            "w30",
            "w31",
            "w32",
            "w33",
            "w34",
            "w35",
            "w36",
            "w37",
            "w38",
            "w39"));
    byte[] rgb = new byte[3 * 30 * 20];
    new Random(1).nextBytes(rgb);
    Image picture = new Image(30, 20, rgb);
    try (Llava model = (Llava) MultimodalModel.open(folder.toString(), Precision.FLOAT32);
        NDManager step = model.manager().newSubManager()) {
      Prompt prompt =
          Prompt.of(picture, "what is it").after(List.of(new Prompt.Turn("is it red", "it is")));
      long[] ids =
          model
              .tokenizer()
              .encode(
                  "USER: %s is it red ASSISTANT: it is USER: what is it ASSISTANT:"
                      .formatted("<image> ".repeat(9)));
      NDArray input = step.create(ids, new Shape(1, ids.length));
      ClipPreprocessing seen =
          new ClipPreprocessing(12, 12, false, ClipPreprocessing.ChannelLevels.CLIP);
      NDArray features =
          model.visualFeatures(step, seen.pixels(step, List.of(seen.prepared(picture))));
      long[] made =
          model.generate(input, input.onesLike(), features, new GreedyDecoding(6, 2, 2))[0];
      Set<Long> ends = ChatTemplate.LLAVA.stops(model.tokenizer());
      String expected = ChatTemplate.LLAVA.answer(model.tokenizer(), ends, made);
      assertThat(model.answer(List.of(prompt), new Decoding(6))).containsExactly(expected);
      assertThat(expected).isNotEmpty();
      Prompt finer = prompt.with(Prompt.Resolution.tiles(6));
      assertThatThrownBy(() -> model.answer(List.of(finer), new Decoding(6)))
          .hasMessageContaining("a LLaVA sees squares of one size")
          .hasMessageContaining("leave maxTiles");
    }
  }

  /** The published folders: the model, and the vision model beside it or below it. */
  @ParameterizedTest
  @ValueSource(
      strings = {"tiny-clip", "openai/tiny-clip", "model/tiny-clip", "model/openai/tiny-clip"})
  void llava_in_its_own_layout(String place) throws IOException, URISyntaxException {
    Path folder = copied("llava-original", temporary.resolve("model"));
    copied("tiny-clip", temporary.resolve(place));
    try (Llava model = Llava.open(folder, Precision.FLOAT32);
        NDManager step = model.manager().newSubManager()) {
      NDArray features = model.visualFeatures(step, pixels(step, "llava", 1, 3, 12, 12));
      assertRecorded(model, step, json(folder.resolve("case.json")), features, features);

      // Saved, it has the vision model's tensors itself; the settings are beside it as before.
      Path saved = temporary.resolve("saved");
      model.save(saved, DType.F32);
      copied("tiny-clip", temporary.resolve("openai").resolve("tiny-clip"));
      try (Llava again = Llava.open(saved, Precision.FLOAT32)) {
        assertThat(again.parameters().keySet()).isEqualTo(model.parameters().keySet());
        String name =
            "model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight";
        assertThat(again.parameter(name).toFloatArray())
            .isEqualTo(model.parameter(name).toFloatArray());
      }
    }
  }

  @Test
  void a_llava_without_its_vision_model_says_where_to_put_it()
      throws IOException, URISyntaxException {
    Path folder = copied("llava-original", temporary.resolve("model"));
    assertThatThrownBy(() -> MultimodalModel.open(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(
            "the vision model is 'openai/tiny-clip', which is a folder of its own")
        .hasMessageContaining(temporary.resolve("tiny-clip").toString())
        .hasMessageContaining("or name its path as mm_vision_tower");
    ObjectNode config = (ObjectNode) json(folder.resolve("config.json"));
    Path elsewhere = copied("tiny-clip", temporary.resolve("some").resolve("where"));
    Files.writeString(
        folder.resolve("config.json"),
        config.put("mm_vision_tower", elsewhere.toString()).toString());
    try (Llava model = Llava.open(folder, Precision.FLOAT32)) {
      assertThat(model.parameters()).hasSize(3 + 4 + 3 * 16 + 1 + 2 * 9 + 2 + 4);
    }
    // The settings of the published vision model are known, its tensors are not.
    config.put("mm_vision_tower", "openai/clip-vit-large-patch14-336");
    Files.writeString(folder.resolve("config.json"), config.toString());
    assertThatThrownBy(() -> MultimodalModel.open(folder))
        .hasMessageContaining(
            "the vision model is 'openai/clip-vit-large-patch14-336', which is a folder");
  }

  @Test
  void qwen2_5_vl_with_newer_names_and_settings() throws IOException, URISyntaxException {
    Path folder = recorded("qwen2_5_vl");
    JsonNode recorded = json(folder.resolve("case.json"));
    List<Grid> grids = new ArrayList<>();
    for (JsonNode grid : recorded.path("grids")) {
      grids.add(new Grid(grid.path(0).asInt(), grid.path(1).asInt(), grid.path(2).asInt()));
    }
    try (QwenVL model = QwenVL.open(folder);
        NDManager step = model.manager().newSubManager()) {
      long patches = grids.stream().mapToInt(Grid::patches).sum();
      NDArray features = model.visualFeatures(step, pixels(step, "qwen", patches, 1176), grids);
      assertRecorded(model, step, recorded, features, QwenVL.Visuals.images(features, grids));
    }
  }

  @Test
  void internvl_with_an_internlm2() throws IOException, URISyntaxException {
    Path folder = recorded("internvl-internlm2");
    try (InternVL model = InternVL.open(folder, 5);
        NDManager step = model.manager().newSubManager()) {
      NDArray features = model.visualFeatures(step, pixels(step, "internvl", 2, 3, 12, 12));
      assertRecorded(model, step, json(folder.resolve("case.json")), features, features);

      InternVLConfig config = model.config();
      assertThat(InternVLConfig.of(config.toJson())).isEqualTo(config);
      try (NDManager other = model.manager().newSubManager()) {
        Lora lora =
            model.addLora(new LoraSettings(2, 4, Pattern.compile(LoraSettings.LANGUAGE_MODEL), 1));
        assertThat(lora.parameters()).hasSize(2 * 2 * 5);
        NDArray again = model.visualFeatures(other, pixels(other, "internvl", 2, 3, 12, 12));
        assertRecorded(model, other, json(folder.resolve("case.json")), again, again);
        lora.remove();
      }
    }
  }

  private static Path copied(String name, Path folder) throws IOException, URISyntaxException {
    Files.createDirectories(folder);
    for (String file : List.of("config.json", "model.safetensors", "case.json")) {
      Path source = recorded(name).resolve(file);
      if (Files.exists(source) && !Files.exists(folder.resolve(file))) {
        Files.copy(source, folder.resolve(file));
      }
    }
    return folder;
  }
}
