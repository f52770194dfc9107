package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchitectureTest {
  private static final Path MODELS = Path.of("../data-manifests/mini");

  @TempDir Path folder;

  private Path config(String json) throws IOException {
    Files.writeString(folder.resolve("config.json"), json);
    return folder;
  }

  @Test
  void one_line_and_its_own_files_make_a_family() throws IOException {
    try (MultimodalModel model = MultimodalModel.open(config("{\"model_type\": \"tiny\"}"))) {
      Prompt prompt = new Prompt(List.of(), "hello", Prompt.Form.CHAT);

      assertThat(model.answer(List.of(prompt, prompt), Decoding.DEFAULT))
          .containsExactly("HELLO", "HELLO");
    }
  }

  @Test
  void a_family_is_found_by_the_configuration() {
    assertThat(Architecture.of(MODELS.resolve("base")).key()).isEqualTo("internvl2_5");
    assertThat(Architecture.of(MODELS.resolve("omni-base")).key()).isEqualTo("omni");
    assertThat(Architecture.all().stream().map(Architecture::key))
        .contains("internvl2_5", "qwen2_vl", "omni", "tiny");
  }

  @Test
  void an_unknown_family_is_named_with_the_known_ones() {
    assertThatThrownBy(
            () ->
                MultimodalModel.open(
                    config("{\"architectures\": [\"LlavaModel\"], \"model_type\": \"llava\"}")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("'LlavaModel' (model_type llava)")
        .hasMessageContaining("internvl2_5, qwen2_vl, omni")
        .hasMessageContaining("META-INF/services/org.optmerge.model.Architecture");
    assertThatThrownBy(() -> MultimodalModel.open(folder.resolve("none")))
        .hasMessageContaining("no config.json");
  }

  @Test
  void a_base_and_an_adapter_are_one_model() {
    Path base = MODELS.resolve("base");
    Path lora = MODELS.resolve("lora-ocr");
    String name = "language_model.model.layers.0.self_attn.q_proj.weight";
    try (MultimodalModel model = MultimodalModel.open(base + "+" + lora);
        MultimodalModel plain = MultimodalModel.open(base.toString())) {
      assertThat(model.folder()).isEqualTo(base);
      assertThat(model.parameters().get(name).toFloatArray())
          .isNotEqualTo(plain.parameters().get(name).toFloatArray());
    }
    assertThatThrownBy(() -> MultimodalModel.open(lora.toString()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("is an adapter; name the model that it is for too, as BASE+ADAPTER");
    assertThatThrownBy(() -> MultimodalModel.open(base + "+gone"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("is not there");
  }
}
