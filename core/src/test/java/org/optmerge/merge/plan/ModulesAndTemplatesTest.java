package org.optmerge.merge.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.Merger;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.RecipeParser;

/** {@code modules} and {@code chat_template} of mergekit's recipes. */
class ModulesAndTemplatesTest {
  private static final String TEXT = "model.layers.0.mlp.up_proj.weight";
  private static final String VISION = "visual.blocks.0.attn.qkv.weight";
  private static final String MERGER = "visual.merger.mlp.0.weight";
  private static final String TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}";

  @TempDir Path dir;

  private void write(String name, int seed, String tokenizerConfig) {
    TestCheckpoints folder =
        TestCheckpoints.folder(dir.resolve(name))
            .random(TEXT, DType.F32, List.of(4L, 4L), seed)
            .random(VISION, DType.F32, List.of(4L, 4L), seed + 1)
            .random(MERGER, DType.F32, List.of(4L, 4L), seed + 2)
            .config("{\"model_type\": \"qwen2_vl\", \"num_hidden_layers\": 1}");
    if (!tokenizerConfig.isEmpty()) {
      folder.file("tokenizer_config.json", tokenizerConfig);
    }
    folder.write();
  }

  private MergePlan plan(String recipe) {
    return Planner.plan(RecipeParser.parse(recipe, "r.yaml", dir), List.of(dir));
  }

  private float[] merged(String recipe, String tensor) {
    Path out = dir.resolve("out");
    try (MergePlan plan = plan(recipe)) {
      Merger.run(plan, out, MergeOptions.DEFAULT, Progress.NONE);
    }
    return TestCheckpoints.values(out, tensor);
  }

  private float[] values(String model, String tensor) {
    return TestCheckpoints.values(dir.resolve(model), tensor);
  }

  private static final String MODULES =
      """
      merge_method: task_arithmetic
      base_model: base
      modules:
        text_decoder:
          models: [{model: a, parameters: {weight: 1}}]
        vision_tower:
          models: [{model: b, parameters: {weight: 1}}]
      """;

  @Test
  void each_module_is_merged_from_its_own_models_and_what_is_in_none_is_the_bases() {
    write("base", 1, "");
    write("a", 10, "");
    write("b", 20, "");

    assertThat(merged(MODULES, TEXT)).containsExactly(values("a", TEXT), offset(1e-6f));
    Path out = dir.resolve("out");
    assertThat(TestCheckpoints.values(out, VISION))
        .containsExactly(values("b", VISION), offset(1e-6f));
    assertThat(TestCheckpoints.values(out, MERGER)).isEqualTo(values("base", MERGER));
    try (MergePlan plan = plan(MODULES)) {
      assertThat(plan.notices())
          .anyMatch(it -> it.contains("1 tensors, such as '" + MERGER + "', are in no module"));
    }
    assertThatThrownBy(() -> plan(MODULES.replace("vision_tower", "audio_tower")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("module 'audio_tower': no tensor of 'base' is of it");
  }

  @ParameterizedTest
  @CsvSource({
    "model.layers.0.mlp.up_proj.weight, text_decoder",
    "lm_head.weight, text_decoder",
    "language_model.model.layers.0.mlp.up_proj.weight, text_decoder",
    "vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight, vision_tower",
    "model.visual.blocks.0.mlp.fc1.weight, vision_tower",
    "visual.merger.ln_q.weight, multi_modal_projector",
    "model.multi_modal_projector.linear_1.weight, multi_modal_projector",
    "mlp1.0.weight, multi_modal_projector",
    "encoder.block.0.layer.0.SelfAttention.q.weight, encoder",
    "model.decoder.layers.0.fc1.weight, decoder",
  })
  void tensors_are_found_by_the_names_that_families_have(String tensor, String module) {
    ModuleNames names =
        new ModuleNames(
            module.endsWith("coder") && !module.startsWith("text")
                ? List.of("encoder", "decoder", "shared")
                : List.of("text_decoder", "vision_tower", "multi_modal_projector"));

    assertThat(names.of(tensor)).isEqualTo(Optional.of(module));
    assertThat(new ModuleNames(List.of("default")).of(tensor)).isEqualTo(Optional.of("default"));
  }

  private String template(String asked) throws IOException {
    try (MergePlan plan =
        plan(
            "merge_method: linear\nmodels:\n- {model: base, parameters: {weight: 1}}\n"
                + "- {model: a, parameters: {weight: 1}}\n- {model: b, parameters: {weight: 1}}\n"
                + "chat_template: "
                + asked
                + "\n")) {
      byte[] config = plan.rewritten().get("tokenizer_config.json");
      return config == null
          ? new String(
              plan.rewritten().getOrDefault("chat_template.jinja", new byte[0]),
              StandardCharsets.UTF_8)
          : new ObjectMapper().readTree(config).path("chat_template").asText();
    }
  }

  @Test
  void a_chat_template_is_named_taken_from_most_models_or_given() throws IOException {
    write(
        "base",
        1,
        "{\"eos_token\": \"</s>\", \"chat_template\": \"{{ 'mine alone, only here' }}\"}");
    write("a", 10, "{\"chat_template\": \"" + TEMPLATE + "\"}");
    write("b", 20, "{\"chat_template\": \"" + TEMPLATE + "\"}");

    assertThat(template("auto")).isEqualTo(TEMPLATE);
    assertThat(template("chatml")).contains("<|im_start|>");
    assertThat(template("\"{{ messages[0]['content'] }}\""))
        .isEqualTo("{{ messages[0]['content'] }}");
    assertThatThrownBy(() -> template("chatlm"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("is 'chatlm'; did you mean 'chatml'?");
  }

  @Test
  void a_model_without_settings_of_its_tokenizer_gets_a_file() throws IOException {
    write("base", 1, "");
    write("a", 10, "");
    write("b", 20, "");

    assertThat(template("llama3")).contains("<|start_header_id|>");
    assertThat(template("auto")).isEmpty();
  }
}
