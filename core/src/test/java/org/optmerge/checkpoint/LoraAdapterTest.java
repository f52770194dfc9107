package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;

class LoraAdapterTest {
  private static final String UP = "model.layers.0.mlp.up_proj";

  @TempDir Path dir;

  private TestCheckpoints adapter() {
    return TestCheckpoints.adapter(dir, 2, 4).randomLora(UP, 3, 2, 5, 1);
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> LoraAdapter.open(dir))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(message.replace("FILE", dir.resolve("adapter_model.safetensors").toString()));
  }

  @Test
  void factors_are_found_under_the_name_of_the_base_models_weight() {
    adapter().write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      LoraAdapter.Delta delta = adapter.deltas().get(UP + ".weight");
      assertThat(adapter.deltas()).hasSize(1);
      assertThat(delta.b().shape()).containsExactly(3L, 2L);
      assertThat(delta.a().shape()).containsExactly(2L, 5L);
      assertThat(delta.shape()).containsExactly(3L, 5L);
      assertThat(delta.rank()).isEqualTo(2);
      assertThat(delta.scale()).isEqualTo(2); // 4 / 2
      assertThat(delta.fanInFanOut()).isFalse();
      assertThat(adapter.replacements()).isEmpty();
      float[] a = new float[10];
      adapter.tensors().read(delta.a(), 0, 10, a);
      assertThat(a).isEqualTo(TestCheckpoints.gaussians(10, 2, 0.1));
    }
  }

  @Test
  void the_adapters_name_may_be_in_the_tensors_names() {
    TestCheckpoints.adapter(dir, 1, 1)
        .tensor("base_model.model.fc.lora_A.default.weight", DType.F32, List.of(1L, 2L), 1, 2)
        .tensor("base_model.model.fc.lora_B.default.weight", DType.BF16, List.of(1L, 1L), 3)
        .write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      assertThat(adapter.deltas()).containsOnlyKeys("fc.weight");
    }
  }

  @ParameterizedTest
  @CsvSource({
    // r and α by pattern on the end of the name, after a dot; the first that matches counts.
    "'\"r\": 2, \"lora_alpha\": 4', 2",
    "'\"r\": 2, \"lora_alpha\": 6, \"use_rslora\": true', 4.242640687119285", // 6 / √2
    "'\"r\": 16, \"rank_pattern\": {\"up_proj\": 2}, \"lora_alpha\": 8', 4",
    "'\"r\": 2, \"alpha_pattern\": {\"mlp.up_proj\": 10}, \"lora_alpha\": 8', 5",
    "'\"r\": 2, \"alpha_pattern\": {\"p_proj\": 10}, \"lora_alpha\": 8', 4",
    "'\"r\": 2, \"alpha_pattern\": {\"layers.[0-3].*\": 1, \"up_proj\": 10}, \"lora_alpha\": 8', 0.5",
    "'\"r\": 2, \"alpha_pattern\": {\"model.layers.0.mlp.up_proj\": 3}', 1.5",
    "'\"r\": 2', 4", // PEFT: α is 8 where it is not given
  })
  void the_scale_follows_the_configuration(String settings, double scale) {
    adapter().config("{\"peft_type\": \"LORA\", " + settings + "}").write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      assertThat(adapter.deltas().get(UP + ".weight").scale()).isEqualTo(scale, within(1e-15));
    }
  }

  @Test
  void an_embeddings_change_is_transposed() {
    TestCheckpoints.adapter(dir, 1, 1)
        .tensor(
            "base_model.model.embed_tokens.lora_embedding_A", DType.F32, List.of(1L, 3L), 1, 2, 3)
        .tensor("base_model.model.embed_tokens.lora_embedding_B", DType.F32, List.of(2L, 1L), 4, 5)
        .write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      LoraAdapter.Delta delta = adapter.deltas().get("embed_tokens.weight");
      assertThat(delta.fanInFanOut()).isTrue();
      assertThat(delta.shape()).containsExactly(3L, 2L); // (vocabulary, features)
    }
  }

  @Test
  void weights_stored_transposed_are_known_from_the_configuration() {
    adapter()
        .config("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 2, \"fan_in_fan_out\": true}")
        .write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      assertThat(adapter.deltas().get(UP + ".weight").shape()).containsExactly(5L, 3L);
    }
  }

  @Test
  void a_convolutions_factors_are_flattened() {
    TestCheckpoints.adapter(dir, 1, 1)
        .random("base_model.model.conv.lora_A.weight", DType.F32, List.of(1L, 3L, 2L, 2L), 1)
        .random("base_model.model.conv.lora_B.weight", DType.F32, List.of(4L, 1L, 1L, 1L), 2)
        .write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      assertThat(adapter.deltas().get("conv.weight").shape()).containsExactly(4L, 12L);
    }
  }

  @Test
  void whole_modules_biases_and_a_grown_vocabulary_replace_the_bases() {
    adapter()
        .config(
            """
            {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "bias": "lora_only",
             "modules_to_save": ["mlp1", "score"]}
            """)
        .tensor("base_model.model.mlp1.1.weight", DType.F32, List.of(1L), 1)
        .tensor("base_model.model.score.modules_to_save.default.weight", DType.F32, List.of(1L), 2)
        .tensor("base_model.model." + UP + ".base_layer.bias", DType.F32, List.of(1L), 3)
        .tensor("base_model.model.lm_head.weight", DType.F32, List.of(1L), 4)
        .write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      assertThat(adapter.replacements())
          .containsOnlyKeys("mlp1.1.weight", "score.weight", UP + ".bias", "lm_head.weight");
      assertThat(adapter.deltas()).containsOnlyKeys(UP + ".weight");
    }
  }

  @Test
  void tensors_of_no_known_use_are_named() {
    adapter()
        .tensor("base_model.model.mlp.lora_E", DType.F32, List.of(1L), 1)
        .tensor(UP + ".hada_w1_a", DType.F32, List.of(1L), 1)
        .write();

    assertRefused(
        "FILE: 2 tensors are neither LoRA factors nor whole weights:"
            + " 'base_model.model.mlp.lora_E', 'model.layers.0.mlp.up_proj.hada_w1_a'");
  }

  @Test
  void a_factor_without_the_other_is_refused() {
    TestCheckpoints.adapter(dir, 1, 1)
        .tensor("base_model.model.fc.lora_A.weight", DType.F32, List.of(1L, 2L), 1, 2)
        .write();
    assertRefused(
        "FILE: tensor 'base_model.model.fc.lora_A.weight': factor A has no factor B beside it");

    TestCheckpoints.adapter(dir, 1, 1)
        .tensor("base_model.model.fc.lora_B.weight", DType.F32, List.of(2L, 1L), 1, 2)
        .write();
    assertRefused(
        "FILE: tensor 'base_model.model.fc.lora_B.weight': factor B has no factor A beside it");
  }

  @Test
  void factors_must_agree_with_each_other_and_with_the_configuration() {
    TestCheckpoints.adapter(dir, 2, 1)
        .random("base_model.model.fc.lora_A.weight", DType.F32, List.of(2L, 4L), 1)
        .random("base_model.model.fc.lora_B.weight", DType.F32, List.of(3L, 1L), 1)
        .write();
    assertRefused(
        "FILE: tensor 'base_model.model.fc.lora_A.weight': has shape [2, 4] and its factor B [3, 1]:"
            + " the ranks 2 and 1 differ");

    TestCheckpoints.adapter(dir, 4, 1).randomLora("fc", 3, 2, 4, 1).write();
    assertRefused(
        "FILE: tensor 'base_model.model.fc.lora_A.weight': has rank 2 (shape [2, 4]), but"
            + " adapter_config.json says r = 4 for this module");

    TestCheckpoints.adapter(dir, 1, 1)
        .tensor("base_model.model.fc.lora_A.weight", DType.F32, List.of(2L), 1, 2)
        .tensor("base_model.model.fc.lora_B.weight", DType.F32, List.of(2L), 1, 2)
        .write();
    assertRefused(
        "FILE: tensor 'base_model.model.fc.lora_A.weight': has shape [2] and its factor B [2];"
            + " expected (r, n) and (m, r)");
  }

  @Test
  void dora_s_norms_belong_to_factors() {
    adapter()
        .tensor("base_model.model." + UP + ".lora_magnitude_vector", DType.F32, List.of(1L), 1)
        .write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      assertThat(adapter.magnitudes()).containsOnlyKeys(UP + ".weight");
    }

    TestCheckpoints.adapter(dir, 1, 1)
        .tensor("base_model.model.fc.lora_magnitude_vector", DType.F32, List.of(1L), 1)
        .write();
    assertRefused(
        "FILE: tensor 'base_model.model.fc.lora_magnitude_vector': belongs to DoRA, but there are no"
            + " factors of a linear layer beside it; merge it into its base first (peft:"
            + " model.merge_and_unload().save_pretrained(FOLDER)) and give that folder");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"peft_type\": \"LOHA\" | peft_type is 'LOHA', only LORA is known here",
        "\"r\": 2 | peft_type is missing, expected LORA",
        "\"peft_type\": \"LORA\", \"lora_bias\": true | lora_bias is set: B has a bias",
        "\"peft_type\": \"LORA\", \"layer_replication\": [[0, 1]] | layer_replication is set",
        "\"peft_type\": \"LORA\", \"init_lora_weights\": \"pissa_niter_4\" | init_lora_weights is"
            + " 'pissa_niter_4', which changes the base model too",
        "\"peft_type\": \"LORA\", \"r\": 0 | r must be a whole number of at least 1, is '0'",
        "\"peft_type\": \"LORA\", \"r\": 2.5 | r must be a whole number of at least 1, is '2.5'",
        "\"peft_type\": \"LORA\", \"lora_alpha\": \"x\" | lora_alpha must be a finite number, is 'x'",
        "\"peft_type\": \"LORA\", \"rank_pattern\": [] | rank_pattern must be an object, is '[]'",
        "\"peft_type\": \"LORA\", \"rank_pattern\": {\"(\": 1} | rank_pattern['('] is not a regular"
            + " expression: ",
        "\"peft_type\": \"LORA\", \"rank_pattern\": {\"a\": -1} | rank_pattern['a'] must be a whole"
            + " number",
        "\"peft_type\": \"LORA\", \"bias\": \"some\" | bias must be none, all or lora_only, is 'some'",
        "\"peft_type\": \"LORA\", \"use_rslora\": 1 | use_rslora must be true or false, is '1'",
        "\"peft_type\": \"LORA\", \"trainable_token_indices\": [-1] | trainable_token_indices must be"
            + " numbers of tokens, is '-1'",
        "\"peft_type\": \"LORA\", \"r\": 1, \"r\": 2 | not valid JSON at character ",
      })
  void configurations_that_are_wrong_or_not_additive_are_refused(String settings, String problem) {
    adapter().config("{" + settings + "}").write();

    assertThatThrownBy(() -> LoraAdapter.open(dir))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(dir.resolve("adapter_config.json") + ": " + problem);
  }

  @ParameterizedTest
  @ValueSource(strings = {".*.*.*.*.*.*.*.*.*.*.*!", "(.*.*.*.*.*.*.*.*.*.*)+!"})
  void an_expression_that_goes_back_and_forth_for_ever_is_given_up(String expression) {
    adapter()
        .config(
            "{\"peft_type\": \"LORA\", \"r\": 2, \"alpha_pattern\": {\"%s\": 1}}"
                .formatted(expression))
        .write();

    assertThatThrownBy(
            () -> {
              try (LoraAdapter adapter = LoraAdapter.open(dir)) {
                adapter.deltas().get(UP + ".weight").scale();
              }
            })
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("takes too long on the module '");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"use_dora\": false}", "{\"use_dora\": null, \"layer_replication\": []}"})
  void settings_that_are_off_do_no_harm(String off) {
    adapter().config(off.replace("{", "{\"peft_type\": \"LORA\", \"r\": 2, ")).write();

    try (LoraAdapter adapter = LoraAdapter.open(dir)) {
      assertThat(adapter.deltas()).hasSize(1);
    }
  }

  @Test
  void pickles_and_missing_files_are_refused() throws IOException {
    assertThatThrownBy(() -> LoraAdapter.open(dir.resolve("none")))
        .hasMessage(dir.resolve("none") + ": no such folder");
    assertThat(LoraAdapter.isAdapter(dir)).isFalse();
    assertRefused(dir + ": this is no PEFT adapter: it has no adapter_config.json");
    adapter().write();
    assertThat(LoraAdapter.isAdapter(dir)).isTrue();
    Files.delete(dir.resolve("adapter_model.safetensors"));
    assertRefused(dir + ": adapter_model.safetensors is not there; was the download complete?");
    Files.write(dir.resolve("adapter_model.bin"), new byte[1]);
    assertThatThrownBy(() -> LoraAdapter.open(dir))
        .hasMessageStartingWith(dir + ": the weights are in adapter_model.bin, a pickle")
        .hasMessageContaining("'adapter_model.safetensors'");
  }

  @Test
  void links_that_lead_out_of_the_folder_are_refused() throws IOException {
    adapter().write();
    Path weights = dir.resolve("adapter_model.safetensors");
    Path folder = Files.createDirectory(dir.resolve("other"));
    Files.copy(dir.resolve("adapter_config.json"), folder.resolve("adapter_config.json"));
    Path link = folder.resolve("adapter_model.safetensors");
    Files.createSymbolicLink(link, weights);
    assertThatThrownBy(() -> LoraAdapter.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "%s: is a link to %s, outside the folder; %s"
                .formatted(link, weights.toRealPath(), ExternalFiles.HINT));
  }
}
