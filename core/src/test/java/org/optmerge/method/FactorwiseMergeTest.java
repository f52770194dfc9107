package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FactorwiseMergeTest {
  @Test
  void merges_what_is_shared_and_takes_over_what_is_not() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray connector = manager.create(new float[] {7});
      Map<String, NDArray> vision =
          Map.of("lora_A", manager.create(new float[][] {{1, 2}}), "vision", connector);
      Map<String, NDArray> audio = Map.of("lora_A", manager.create(new float[][] {{3, -2}}));

      Map<String, NDArray> merged =
          FactorwiseMerge.merge(new WeightAverage(), List.of(vision, audio));

      assertThat(merged.keySet()).containsExactly("lora_A", "vision");
      assertThat(merged.get("lora_A").toFloatArray())
          .containsExactly(new float[] {2, 0}, within(1e-6f));
      assertThat(merged.get("vision")).isSameAs(connector);
    }
  }

  @Test
  void a_tensor_in_some_but_not_all_adapters_is_an_error() {
    try (NDManager manager = NDManager.newBaseManager()) {
      Map<String, NDArray> with = Map.of("a", manager.create(1f), "b", manager.create(2f));
      Map<String, NDArray> without = Map.of("a", manager.create(1f));

      assertThatThrownBy(
              () -> FactorwiseMerge.merge(new WeightAverage(), List.of(with, with, without)))
          .hasMessage(
              "factorwise merge: tensor 'b' is in 2 of 3 adapters; it must be in one or in all");
      assertThatThrownBy(() -> FactorwiseMerge.merge(new WeightAverage(), List.of(with)))
          .hasMessage("factorwise merge: needs at least two adapters, got 1");
    }
  }

  @Test
  void of_each_setting_the_first_that_says_something_is_taken() throws Exception {
    ObjectMapper json = new ObjectMapper();
    Map<String, JsonNode> configs = new LinkedHashMap<>();
    configs.put("vision", json.readTree("{\"lora_r\": 4, \"length\": 0, \"name\": \"v\"}"));
    configs.put(
        "audio",
        json.readTree("{\"lora_r\": 8, \"lora_alpha\": 16, \"length\": 9, \"name\": \"a\"}"));

    assertThat(FactorwiseMerge.mergeConfigs(configs))
        .isEqualTo(
            json.readTree(
                "{\"lora_r\": 4, \"length\": 9, \"name\": \"v\", \"lora_alpha\": 16,"
                    + " \"vision_lora_r\": 4, \"audio_lora_r\": 8, \"audio_lora_alpha\": 16}"));
  }
}
