package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class InternVLConfigTest {
  @Test
  void a_configuration_is_read_as_it_was_written() {
    assertThat(InternVLConfig.of(Models.CONFIG.toJson())).isEqualTo(Models.CONFIG);
    InternVLConfig tied = Models.CONFIG.withTied(true);
    assertThat(InternVLConfig.of(tied.toJson())).isEqualTo(tied);
  }

  @Test
  void a_tile_of_twelve_pixels_and_patches_of_three_is_four_tokens() {
    assertThat(Models.CONFIG.tokensPerTile()).isEqualTo(4);
    assertThat(Models.CONFIG.featureWidth()).isEqualTo(32);
    assertThat(Models.CONFIG.parameters()).hasSize(4 + 2 * 14 + 6 + 1 + 2 * 12 + 2);
  }

  private static Arguments broken(Consumer<ObjectNode> change, String message) {
    return Arguments.of(change, message);
  }

  static Stream<Arguments> configurations() {
    return Stream.of(
        broken(json -> json.put("ps_version", "v3"), "ps_version is 'v3'; known: [v1, v2]"),
        broken(json -> json.put("select_layer", 0), "select_layer must be in [-3, -1], is 0"),
        broken(json -> json.put("downsample_ratio", 0.4), "downsample_ratio must be 1 divided by"),
        broken(json -> json.remove("vision_config"), "vision_config must be an object, is missing"),
        broken(
            json -> json.withObject("/vision_config").put("hidden_act", "gelu_pytorch_tanh"),
            "vision_config.hidden_act is 'gelu_pytorch_tanh'; known: [gelu]"),
        broken(
            json -> json.withObject("/vision_config").put("hidden_size", "wide"),
            "vision_config.hidden_size must be a whole number of at least 1, is \"wide\""),
        broken(
            json -> json.withObject("/llm_config").putArray("architectures").add("Phi3ForCausalLM"),
            "the language model is \"Phi3ForCausalLM\"; known: [Qwen2ForCausalLM, LlamaForCausalLM,"
                + " InternLM2ForCausalLM]"),
        broken(
            json -> json.withObject("/llm_config").put("num_key_value_heads", 3),
            "num_key_value_heads (3) must divide num_attention_heads (4)"),
        broken(
            json -> json.withObject("/llm_config").put("use_sliding_window", true),
            "use_sliding_window is not supported"),
        broken(
            json -> json.withObject("/llm_config").putObject("rope_scaling").put("type", "yarn"),
            "rope_scaling is 'yarn'; known: [default, dynamic]"),
        broken(json -> json.put("min_dynamic_patch", 7), "must be 1 <= minimum <= maximum"));
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void what_is_not_known_is_named(Consumer<ObjectNode> change, String message) {
    ObjectNode json = Models.CONFIG.toJson();
    change.accept(json);

    assertThatThrownBy(() -> InternVLConfig.of(json))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }
}
