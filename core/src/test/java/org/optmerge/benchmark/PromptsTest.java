package org.optmerge.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.optmerge.manifest.BenchmarkEntry;
import org.optmerge.manifest.Manifests;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;

class PromptsTest {
  private static final Image IMAGE = new Image(1, 1, new byte[3]);

  private static Question example(String question, int images, String... fields) {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < fields.length; i += 2) {
      map.put(fields[i], fields[i + 1]);
    }
    List<Media> media = Collections.nCopies(images, IMAGE);
    return new Question("1", "t", "", media, question, List.of(), map);
  }

  private static String ask(String model, String benchmark, Question example) {
    return Prompts.find(model, benchmark).orElseThrow().userText(example);
  }

  @TestFactory
  Stream<DynamicTest> recorded_prompts_are_made_again() throws IOException {
    JsonNode cases;
    try (InputStream in = PromptsTest.class.getResourceAsStream("/golden/prompts/cases.json")) {
      cases = new ObjectMapper().readTree(Objects.requireNonNull(in));
    }
    return StreamSupport.stream(cases.spliterator(), false)
        .map(
            recorded ->
                DynamicTest.dynamicTest(
                    recorded.path("model").asText() + " " + recorded.path("benchmark").asText(),
                    () -> agrees(recorded)));
  }

  private static void agrees(JsonNode recorded) {
    KitPrompt prompt =
        Prompts.find(recorded.path("model").asText(), recorded.path("benchmark").asText())
            .orElseThrow();
    String expected = recorded.path("user_text").asText();
    if (prompt.kit().equals("InternVL")) {
      expected = "<image>\n" + expected; // put there by the model's chat function
    }
    assertThat(
            prompt
                .userText(example(recorded.path("question").asText(), 1))
                .toLowerCase(java.util.Locale.ROOT))
        .isEqualTo(expected.toLowerCase(java.util.Locale.ROOT));
    assertThat(prompt.kit()).isEqualTo(recorded.path("kit").asText());
    assertThat(prompt.maxNewTokens()).isEqualTo(recorded.path("max_new_tokens").asInt());
    assertThat(prompt.minPixels()).isEqualTo(number(recorded.path("min_pixels")));
    assertThat(prompt.maxPixels()).isEqualTo(number(recorded.path("max_pixels")));
    if (!recorded.path("max_tiles").isNull()) {
      assertThat(prompt.maxTiles()).isEqualTo(recorded.path("max_tiles").asInt());
    }
  }

  private static Long number(JsonNode node) {
    return node.isNull() ? null : node.asLong();
  }

  @Test
  void options_of_a_multiple_choice_stand_on_lines() {
    Question example =
        example("Which?", 1, "hint", "Look.", "A", "red", "B", "blue", "category", "colours");

    assertThat(ask("internvl2_5", "ScienceQA_TEST", example))
        .isEqualTo(
            "<image>\n"
                + "Look.\n"
                + "Which?\n"
                + "A. red\n"
                + "B. blue\n"
                + "Answer with the option's letter from the given choices directly.");
    assertThat(ask("qwen2_vl", "ScienceQA_TEST", example))
        .isEqualTo(
            "Hint: Look.\n"
                + "Question: Which?\n"
                + "Options:\n"
                + "A. red\n"
                + "B. blue\n"
                + "Please select the correct answer from the options above.");
  }

  @Test
  void chinese_questions_get_a_chinese_instruction_but_for_mmmu_of_qwen() {
    Question example = example("哪个?", 1, "A", "x");

    assertThat(ask("internvl2_5", "AI2D_TEST", example)).endsWith("\n请直接回答选项字母。");
    assertThat(ask("qwen2_vl", "AI2D_TEST", example)).endsWith("A. x\n请直接回答选项字母。");
    assertThat(ask("qwen2_vl", "MMMU_DEV_VAL", example))
        .endsWith("Please select the correct answer from the options above.");
  }

  @Test
  void a_question_without_options_is_asked_openly() {
    assertThat(ask("internvl2_5", "MMMU_DEV_VAL", example("Why?", 1)))
        .isEqualTo("<image>\nWhy?\nAnswer the question directly.");
    assertThat(ask("qwen2_vl", "MMMU_DEV_VAL", example("Why?", 1))).isEqualTo("Question: Why?");
  }

  @Test
  void several_images_are_numbered_for_internvl() {
    assertThat(ask("internvl2_5", "MMMU_DEV_VAL", example("<image 1> or <image 2>?", 2, "A", "1")))
        .startsWith("Image-1: <image>\nImage-2: <image>\n<image 1> or <image 2>?\nA. 1");
  }

  @Test
  void lmms_eval_capitalises_questions_of_vizwiz() {
    assertThat(ask("qwen2_vl", "vizwiz_vqa_val", example("what is this iPhone's Color?", 1)))
        .startsWith("What is this iphone's color?\nWhen the provided information");
  }

  @Test
  void every_prompt_is_for_benchmarks_that_manifests_know_in_the_same_kit() {
    Manifests manifests = Manifests.shipped();
    Set<String> seen = new HashSet<>();
    for (KitPrompt prompt : Prompts.all()) {
      for (String benchmark : prompt.benchmarks()) {
        BenchmarkEntry entry = manifests.findBenchmark(benchmark).orElseThrow();
        assertThat(entry.kit()).hasToString(prompt.kit());
        assertThat(seen.add(prompt.model() + " " + benchmark)).as(benchmark).isTrue();
      }
    }
    assertThat(seen).hasSizeGreaterThan(40);
  }

  @Test
  void a_model_or_benchmark_that_no_kit_asks_has_no_prompt() {
    assertThat(Prompts.find("internvl2_5", "AVQA")).isEmpty();
    assertThat(Prompts.find("gpt", "VizWiz")).isEmpty();
  }
}
