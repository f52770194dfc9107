package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.media.Image;

/** Folders with all the files that a family is published with, from a question to an answer. */
class PublishedFoldersTest {
  @TempDir Path temporary;

  /** Where a folder's weights go, by its configuration. */
  private interface Shapes {
    SortedMap<String, Shape> of(ObjectNode config, Path folder);
  }

  private static Arguments folder(
      String what,
      String weights,
      String tokenizer,
      int vocabulary,
      Shapes shapes,
      Map<String, String> files) {
    return Arguments.of(what, weights, tokenizer, vocabulary, shapes, files);
  }

  static Stream<Arguments> folders() {
    return Stream.of(
        folder(
            "InternVL with an InternLM2 and SentencePiece",
            "internvl-internlm2",
            "internlm2",
            468,
            (config, folder) -> InternVLConfig.of(config).parameters(),
            Map.of(
                "added_tokens.json",
                "{\"<|im_start|>\": 3, \"<|im_end|>\": 4, \"<IMG_CONTEXT>\": 465, \"<img>\": 466,"
                    + " \"</img>\": 467}",
                "generation_config.json",
                "{\"eos_token_id\": [2, 4]}")),
        folder(
            "LLaVA in its own layout",
            "llava-original",
            "llama-legacy",
            460,
            (config, folder) -> LlavaConfig.of(config, folder).parameters(),
            Map.of("generation_config.json", "{\"eos_token_id\": 2, \"temperature\": 0.9}")),
        folder(
            "LLaVA in Hugging Face's layout",
            "llava-hf",
            "llama",
            464,
            (config, folder) -> LlavaConfig.of(config, folder).parameters(),
            Map.of("preprocessor_config.json", "{\"crop_size\": {\"height\": 12, \"width\": 12}}")),
        folder(
            "Qwen2.5-VL with vocab.json and merges.txt",
            "qwen2_5_vl",
            "qwen2",
            512,
            (config, folder) -> QwenVLConfig.of(config).parameters(),
            Map.of(
                "added_tokens.json",
                "{\"<|endoftext|>\": 500, \"<|im_start|>\": 501, \"<|im_end|>\": 502,"
                    + " \"<|vision_start|>\": 503, \"<|vision_end|>\": 504, \"<|image_pad|>\": 505,"
                    + " \"<|video_pad|>\": 506}",
                "tokenizer_config.json",
                "{\"tokenizer_class\": \"Qwen2Tokenizer\"}",
                "generation_config.json",
                "{\"do_sample\": true, \"temperature\": 0.000001, \"repetition_penalty\": 1.05,"
                    + " \"eos_token_id\": [502, 500]}",
                "preprocessor_config.json",
                "{\"size\": {\"shortest_edge\": 3136, \"longest_edge\": 12544}}")));
  }

  /** The vocabulary's size, and the ids of the media's tokens in it. */
  private static void fit(ObjectNode config, int vocabulary) {
    Consumer<ObjectNode> sized =
        section -> section.put("vocab_size", vocabulary).put("max_position_embeddings", 900);
    List<String> sections = List.of("text_config", "llm_config");
    sections.stream()
        .filter(config::has)
        .forEach(key -> sized.accept(config.withObject("/" + key)));
    if (sections.stream().noneMatch(config::has)) {
      sized.accept(config);
    }
    if (config.has("image_token_index")) {
      config.put("image_token_index", 460);
    }
    if (config.has("image_token_id")) {
      config.put("image_token_id", 505).put("video_token_id", 506);
    }
  }

  private static Image picture(int width, int height, long seed) {
    byte[] rgb = new byte[3 * width * height];
    new Random(seed).nextBytes(rgb);
    return new Image(width, height, rgb);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("folders")
  void answers(
      String what,
      String weights,
      String tokenizer,
      int vocabulary,
      Shapes shapes,
      Map<String, String> files)
      throws IOException, URISyntaxException {
    Path clip = Files.createDirectories(temporary.resolve("tiny-clip"));
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(RecordedModelsTest.recorded("tiny-clip").resolve(file), clip.resolve(file));
    }
    Path folder = Files.createDirectories(temporary.resolve("model"));
    ObjectNode config =
        (ObjectNode)
            new ObjectMapper()
                .readTree(RecordedModelsTest.recorded(weights).resolve("config.json").toFile());
    fit(config, vocabulary);
    TestCheckpoints checkpoint = TestCheckpoints.folder(folder).config(config.toString()).shards(2);
    shapes
        .of(config, folder)
        .forEach(
            (name, shape) -> {
              if (!name.contains("vision_tower.vision_tower")) {
                checkpoint.random(
                    name, DType.BF16, Parameters.extents(shape), name.hashCode(), 0.2);
              }
            });
    checkpoint.write();
    try (Stream<Path> all = Files.list(TokenizerFilesTest.recorded(tokenizer))) {
      for (Path file : all.filter(file -> !file.toString().endsWith("cases.json")).toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    for (Map.Entry<String, String> file : files.entrySet()) {
      Files.writeString(folder.resolve(file.getKey()), file.getValue());
    }

    try (MultimodalModel model = MultimodalModel.open(folder.toString(), Precision.FLOAT32)) {
      Image one = picture(70, 40, 1);
      Image two = picture(30, 60, 2);
      List<Prompt> prompts =
          List.of(
              Prompt.of(one, "What is in the picture?"),
              new Prompt(List.of(one, two), "Is <image> left of <image>?", Prompt.Form.CHAT),
              new Prompt(List.of(), "How many?", Prompt.Form.CHAT)
                  .after(List.of(new Prompt.Turn("Is it red?", "It is."))),
              new Prompt(List.of(two), "The dog", Prompt.Form.COMPLETION));
      Decoding decoding = model.decoding().withMaxNewTokens(6);
      List<String> together = model.answer(prompts, decoding);
      assertThat(together).hasSize(4).doesNotContainNull();
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(model.answer(List.of(prompts.get(i)), decoding))
            .containsExactly(together.get(i));
      }
      Decoding drawn = decoding.withSampling(new Decoding.Sampling(1.5, 0, 1, 7));
      assertThat(model.answer(prompts, drawn))
          .isEqualTo(model.answer(prompts, drawn))
          .isNotEqualTo(together);
      assertThatThrownBy(
              () ->
                  model.answer(
                      List.of(Prompt.of(one, "<image> <image><|image_pad|><IMG_CONTEXT>")),
                      decoding))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("prompt 0");
    }
  }
}
