package org.optmerge.merge.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.recipe.RecipeParser;

class TokenIdsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String RECIPE =
      """
      merge_method: linear
      base_model: base
      models:
      - {model: base, parameters: {weight: 1}}
      - {model: x, parameters: {weight: 1}}
      tokenizer_source: %s
      """;

  @TempDir Path dir;

  private static String tokenizer(List<String> tokens) throws IOException {
    Map<String, Integer> ids = new LinkedHashMap<>();
    tokens.forEach(token -> ids.put(token, ids.size()));
    return "{\"model\": {\"type\": \"BPE\", \"vocab\": %s, \"merges\": []}, \"added_tokens\": []}"
        .formatted(JSON.writeValueAsString(ids));
  }

  private void model(String name, List<String> tokens, String config, String generation)
      throws IOException {
    TestCheckpoints.folder(dir.resolve(name))
        .random("model.embed_tokens.weight", DType.F32, List.of((long) tokens.size(), 4L), 1)
        .config(config)
        .file("tokenizer.json", tokenizer(tokens))
        .file("generation_config.json", generation)
        .write();
  }

  /** The base has {@code <s> </s> img pad}; the other model the same elsewhere, without pad. */
  private MergePlan plan(String source, String config, String generation) throws IOException {
    model("base", List.of("<s>", "</s>", "img", "pad"), config, generation);
    model("x", List.of("img", "word", "more", "</s>", "<s>"), "{\"vocab_size\": 5}", "{}");
    return Planner.plan(RecipeParser.parse(RECIPE.formatted(source), "r.yaml", dir));
  }

  private static String written(MergePlan plan, String file, String otherwise) {
    byte[] bytes = plan.rewritten().get(file);
    return bytes == null ? otherwise : new String(bytes, StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'bos_token_id': 0 | 4",
        "'eos_token_id': 1 | 3",
        "'eos_token_id': [1, 0] | [3,4]",
        "'image_token_id': 2 | 0",
        "'image_token_index': 2 | 0",
        "'img_context_token_id': 2 | 0",
        "'vision_start_token_id': 0 | 4",
        "'decoder_start_token_id': 0 | 4",
        "'begin_suppress_tokens': [2, 1] | [0,3]",
        "'bad_words_ids': [[2], [0, 1]] | [[0],[4,3]]",
        "'image_token_index': -200 | -200",
        "'eos_token_id': null | null",
        "'num_image_token': 2 | 2",
        "'hidden_size': 1 | 1"
      })
  void ids_follow_their_tokens_into_another_tokenizer_wherever_they_stand(
      String setting, String expected) throws IOException {
    String json = setting.replace('\'', '"');
    String key = json.substring(1, json.indexOf('"', 1));
    for (String config :
        List.of(
            "{%s, \"vocab_size\": 4}",
            "{\"text_config\": {%s, \"vocab_size\": 4}}",
            "{\"llm_config\": {\"vocab_size\": 4}, %s}",
            "{\"thinker_config\": {%s, \"text_config\": {\"vocab_size\": 4}}}")) {
      try (MergePlan plan = plan("x", config.formatted(json), "{" + json + "}")) {
        String now = written(plan, "config.json", config.formatted(json));
        assertThat(JSON.readTree(now).findValue(key)).as(now).isEqualTo(JSON.readTree(expected));
        assertThat(JSON.readTree(now).findValue("vocab_size").asInt()).isEqualTo(5);
        String generation = written(plan, "generation_config.json", "{" + json + "}");
        assertThat(JSON.readTree(generation).get(key)).isEqualTo(JSON.readTree(expected));
        boolean changes =
            !JSON.readTree(json.substring(json.indexOf(':') + 1)).equals(JSON.readTree(expected));
        assertThat(
                plan.notices().stream()
                    .anyMatch(it -> it.startsWith("generation_config.json: ids")))
            .isEqualTo(changes);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"pad_token_id\": 3, \"vocab_size\": 4} | 'pad_token_id' 3, 'pad', which that tokenizer lacks",
        "{\"eos_token_id\": [1, 3], \"vocab_size\": 4} | 'eos_token_id' 3, 'pad', which",
        "{\"pad_token_id\": 77, \"vocab_size\": 4} | 'pad_token_id' 77, a row without a token",
        "{\"a\": {\"vocab_size\": 4}, \"talker\": {\"eos_token_id\": 1, \"vocab_size\": 9}} | 'talker.eos_token_id', of a vocabulary of 9",
        "{\"forced_decoder_ids\": [[1, 2]], \"vocab_size\": 4} | 'forced_decoder_ids', pairs of"
      })
  void an_id_that_cannot_be_mapped_stays_and_is_named(String config, String said)
      throws IOException {
    try (MergePlan plan = plan("x", config, "{}")) {
      assertThat(plan.notices())
          .anyMatch(it -> it.startsWith("config.json: not changed") && it.contains(said));
      for (String number : List.of("3", "77", "9", "[[1, 2]]")) {
        if (config.contains(number)) {
          assertThat(written(plan, "config.json", config)).contains(number);
        }
      }
    }
  }

  @Test
  void where_tokens_keep_their_ids_nothing_is_said() throws IOException {
    String config = "{\"eos_token_id\": 1, \"pad_token_id\": 3, \"vocab_size\": 4}";
    for (String source : List.of("base", "union")) {
      try (MergePlan plan = plan(source, config, "{\"eos_token_id\": 1}")) {
        assertThat(plan.rewritten()).doesNotContainKey("generation_config.json");
        assertThat(written(plan, "config.json", config)).contains("\"eos_token_id\": 1");
        assertThat(plan.notices()).noneMatch(it -> it.contains("tokenizer:"));
      }
    }
  }
}
