package org.optmerge.merge.plan;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class LayerSettingsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LAYERS = 6;

  /** The kind of a layer, as programs that load the model read it from the configuration. */
  @FunctionalInterface
  private interface Kind {
    Object of(JsonNode config, int layer);
  }

  /**
   * A family of models.
   *
   * @param stack its layers
   * @param count the path of their number
   * @param config for six layers
   */
  private record Family(String name, String stack, String count, String config, Kind kind) {}

  private static boolean lists(JsonNode list, int number) {
    return StreamSupport.stream(list.spliterator(), false).anyMatch(it -> it.asInt() == number);
  }

  private static final List<Family> FAMILIES =
      List.of(
          new Family(
              "sliding windows from a layer on",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'max_window_layers': 4, 'use_sliding_window': true}",
              (config, i) -> i >= config.path("max_window_layers").asInt()),
          new Family(
              "a window for no layer",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'max_window_layers': 6, 'sliding_window': 4096}",
              (config, i) -> i >= config.path("max_window_layers").asInt()),
          new Family(
              "a window for fewer layers than there could be",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'max_window_layers': 28}",
              (config, i) -> i >= config.path("max_window_layers").asInt()),
          new Family(
              "dense layers first",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'first_k_dense_replace': 2, 'moe_layer_freq': 1}",
              (config, i) -> i >= config.path("first_k_dense_replace").asInt()),
          new Family(
              "cross attention",
              "language_model.model.layers",
              "/text_config/num_hidden_layers",
              "{'text_config': {'num_hidden_layers': 6, 'cross_attention_layers': [1, 4]},"
                  + " 'vision_config': {'num_hidden_layers': 6, 'intermediate_layers_indices': [1, 4]}}",
              (config, i) -> lists(config.at("/text_config/cross_attention_layers"), i)),
          new Family(
              "some layers without experts",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'mlp_only_layers': [0, 5], 'decoder_sparse_step': 1}",
              (config, i) -> lists(config.path("mlp_only_layers"), i)),
          new Family(
              "widths by layer",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'intermediate_size': [12, 12, 12, 12, 16, 16],"
                  + " 'activation_sparsity_pattern': [0.9, 0.9, 0, 0, 0, 0.5]}",
              (config, i) ->
                  config.path("intermediate_size").path(i).asText()
                      + config.path("activation_sparsity_pattern").path(i).asText()),
          new Family(
              "a word",
              "backbone.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'hybrid_override_pattern': 'M-M*M-', 'hidden_act': 'sigmas'}",
              (config, i) -> config.path("hybrid_override_pattern").asText().charAt(i)),
          new Family(
              "another name of the count",
              "transformer.layers",
              "/num_transformer_layers",
              "{'num_transformer_layers': 6, 'num_kv_heads': [1, 1, 2, 2, 3, 3],"
                  + " 'ffn_multipliers': [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]}",
              (config, i) ->
                  config.path("num_kv_heads").path(i).asText()
                      + config.path("ffn_multipliers").path(i).asText()),
          new Family(
              "types, nested",
              "model.language_model.layers",
              "/text_config/num_hidden_layers",
              "{'text_config': {'num_hidden_layers': 6, 'layer_types': ['a', 'a', 'b', 'a', 'a', 'b'],"
                  + " 'eos_token_id': [1, 2, 3, 4, 5, 6]}, 'audio_config': {'num_hidden_layers': 6}}",
              (config, i) -> config.at("/text_config/layer_types").path(i).asText()),
          new Family(
              "a model that thinks before one that talks",
              "thinker.model.layers",
              "/thinker_config/text_config/num_hidden_layers",
              "{'thinker_config': {'text_config': {'num_hidden_layers': 6, 'max_window_layers': 6}},"
                  + " 'talker_config': {'num_hidden_layers': 6, 'max_window_layers': 6}}",
              (config, i) ->
                  i >= config.at("/thinker_config/text_config/max_window_layers").asInt()),
          new Family(
              "layers numbered from one",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'linear_attn_config':"
                  + " {'full_attn_layers': [3, 6], 'kda_layers': [1, 2, 4, 5]}}",
              (config, i) ->
                  lists(config.at("/linear_attn_config/full_attn_layers"), i + 1)
                      + " "
                      + lists(config.at("/linear_attn_config/kda_layers"), i + 1)),
          new Family(
              "settings of each layer",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'block_configs': [{'n': [1]}, {'n': [2]}, {'n': [3]},"
                  + " {'n': [4]}, {'n': [5, 6]}, {'n': []}]}",
              (config, i) -> config.path("block_configs").path(i)),
          new Family(
              "GPT-2's names",
              "transformer.h",
              "/n_layer",
              "{'n_layer': 6, 'attention_layers': ['g', 'l', 'g', 'l', 'g', 'l'], 'n_head': 6}",
              (config, i) -> config.path("attention_layers").path(i).asText()),
          new Family(
              "every second layer",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'attn_layer_period': 2, 'expert_layer_period': 3}",
              (config, i) ->
                  i % config.path("attn_layer_period").asInt()
                      + " "
                      + i % config.path("expert_layer_period").asInt()),
          new Family(
              "the last layers share",
              "model.layers",
              "/num_hidden_layers",
              "{'num_hidden_layers': 6, 'num_kv_shared_layers': 2}",
              (config, i) ->
                  i
                      >= config.path("num_hidden_layers").asInt()
                          - config.path("num_kv_shared_layers").asInt()));

  /** Choices of layers: fewer, more, none changed, in another order. */
  private static Stream<List<Integer>> choices() {
    SplittableRandom random = new SplittableRandom(7);
    Stream<List<Integer>> drawn =
        Stream.generate(() -> random.ints(1 + random.nextInt(10), 0, LAYERS).boxed().toList())
            .limit(60);
    return Stream.concat(
        Stream.of(
            IntStream.range(0, LAYERS).boxed().toList(),
            List.of(0, 1, 2, 3, 2, 3, 4, 5),
            List.of(0, 1, 4, 5),
            List.of(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5)),
        drawn);
  }

  /**
   * Every layer of the output is of the kind that it had, or a setting is named that cannot say so.
   */
  @TestFactory
  Stream<DynamicTest> layers_keep_their_kind_or_the_setting_is_named() {
    return FAMILIES.stream()
        .map(
            family ->
                dynamicTest(
                    family.name(),
                    () -> {
                      int told = 0;
                      for (List<Integer> layers : choices().toList()) {
                        told += keepsKinds(family, layers) ? 0 : 1;
                      }
                      assertThat(told).isLessThan(64);
                    }));
  }

  /** False if a setting was named instead. */
  private static boolean keepsKinds(Family family, List<Integer> layers) throws IOException {
    String text = family.config().replace('\'', '"');
    List<String> warnings = new ArrayList<>();
    byte[] edited =
        new LayerSettings(family.stack(), LAYERS, layers, warnings::add).edit(text.getBytes(UTF_8));
    JsonNode before = JSON.readTree(text);
    JsonNode after = JSON.readTree(edited);
    assertThat(after.at(family.count()).asInt()).as("count").isEqualTo(layers.size());
    assertThat(after.path("vision_config")).isEqualTo(before.path("vision_config"));
    assertThat(after.path("talker_config")).isEqualTo(before.path("talker_config"));
    assertThat(after.path("hidden_act")).isEqualTo(before.path("hidden_act"));
    for (int i = 0; i < layers.size(); i++) {
      Object kind = family.kind().of(after, i);
      Object had = family.kind().of(before, layers.get(i));
      if (!kind.equals(had)) {
        assertThat(warnings)
            .as("layers %s: layer %d is %s, was %s", layers, i, kind, had)
            .anyMatch(warning -> warning.contains("stays as it is"));
        return false;
      }
    }
    return true;
  }

  @Test
  void the_layers_as_they_were_change_nothing() throws IOException {
    byte[] config = "{\"num_hidden_layers\": 2, \"num_kv_shared_layers\": 1}".getBytes(UTF_8);
    List<String> warnings = new ArrayList<>();

    assertThat(new LayerSettings("model.layers", 2, List.of(0, 1), warnings::add).edit(config))
        .isSameAs(config);
    assertThat(warnings).isEmpty();
  }

  @Test
  void every_other_byte_stays_as_published() throws IOException {
    String config =
        "{\"num_hidden_layers\" : 3,\n\t\"name\": \"é \\u00e9\", \"eps\": 1.0e-06,"
            + " \"layer_types\": [\n  \"a\",\n  \"b\",\n  \"c\"\n], \"no_rope_layers\": [1, 0, 1]}\n";

    byte[] edited =
        new LayerSettings("model.layers", 3, List.of(0, 1, 1, 2), warning -> {})
            .edit(config.getBytes(UTF_8));

    assertThat(new String(edited, UTF_8))
        .isEqualTo(
            "{\"num_hidden_layers\" : 4,\n\t\"name\": \"é \\u00e9\", \"eps\": 1.0e-06,"
                + " \"layer_types\": [\"a\", \"b\", \"b\", \"c\"], \"no_rope_layers\": [1, 0, 0, 1]}\n");
  }
}
