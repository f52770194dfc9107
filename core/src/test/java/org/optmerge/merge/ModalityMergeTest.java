package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.RecipeParser;

/** Models of one modality each, with encoder and connector of their own, into one of all. */
class ModalityMergeTest {
  private static final List<String> MODALITIES = List.of("vision", "audio", "video");
  private static final String Q = "model.layers.0.q_proj";
  private static final float[] BASE = {1, 2, 3, 4};

  @TempDir Path dir;

  @BeforeEach
  void models() {
    language("base").write();
    for (String modality : MODALITIES) {
      parts(modality, modality).write();
      // B is a column of t + 1, A a row of ones: ΔW = 2 · (t + 1) everywhere.
      adapter(modality, MODALITIES.indexOf(modality) + 1).write();
    }
  }

  /** The language model that all are made from. */
  private TestCheckpoints language(String folder) {
    return TestCheckpoints.folder(dir.resolve(folder))
        .tensor(Q + ".weight", DType.F32, List.of(2L, 2L), BASE)
        .tensor("model.norm.weight", DType.F32, List.of(2L), 1, 1)
        .file("tokenizer.json", "{}")
        .config("{\n  \"architectures\": [\"Omni\"],\n  \"hidden_size\": 2\n}\n");
  }

  /** The same with an encoder and a connector that it was not trained with. */
  private TestCheckpoints parts(String folder, String modality) {
    long seed = modality.hashCode();
    return language(folder)
        .random(
            "modal_encoders.%s.patch.weight".formatted(modality), DType.F32, List.of(3L, 2L), seed)
        .random(
            "modal_projectors.%s.0.weight".formatted(modality), DType.F32, List.of(2L, 3L), seed)
        .file(modality + "_processor.json", "{\"modality\": \"%s\"}".formatted(modality))
        .config(
            "{\"architectures\": [\"Omni\"], \"hidden_size\": 2,"
                + " \"modalities\": {\"%s\": {\"width\": %d}}}"
                    .formatted(modality, modality.length()));
  }

  private TestCheckpoints adapter(String modality, float b) {
    return TestCheckpoints.adapter(dir.resolve(modality + "-lora"), 1, 2)
        .lora(Q, 2, 1, 2, new float[] {b, b}, new float[] {1, 1}, DType.F32);
  }

  private Recipe recipe(String... lines) {
    return RecipeParser.parse(String.join("\n", lines), "r.yaml", dir);
  }

  private Path merged(String name, String... lines) {
    Path out = dir.resolve(name);
    try (MergePlan plan = Planner.plan(recipe(lines))) {
      Merger.run(plan, out, MergeOptions.DEFAULT, Progress.NONE);
    }
    return out;
  }

  private Path omni(String name, String... more) {
    String models =
        "models: [%s]"
            .formatted(
                String.join(
                    ", ",
                    MODALITIES.stream().map(m -> "{model: %s+%s-lora}".formatted(m, m)).toList()));
    return merged(
        name,
        "merge_method: task-arithmetic",
        "base_model: base",
        models,
        "extra: union",
        String.join("\n", more));
  }

  private static float[] values(Path model, String tensor) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      TensorInfo info = checkpoint.find(tensor).orElseThrow();
      float[] values = new float[(int) info.size()];
      checkpoint.read(info, 0, values.length, values);
      return values;
    }
  }

  private static List<String> names(Path model) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      return checkpoint.tensors().stream().map(TensorInfo::name).sorted().toList();
    }
  }

  @Test
  void the_merged_model_has_every_encoder_and_connector_and_one_language_model()
      throws IOException {
    Path omni = omni("omni", "scaling: 0.5");

    assertThat(names(omni))
        .containsExactly(
            "modal_encoders.audio.patch.weight",
            "modal_encoders.video.patch.weight",
            "modal_encoders.vision.patch.weight",
            "modal_projectors.audio.0.weight",
            "modal_projectors.video.0.weight",
            "modal_projectors.vision.0.weight",
            Q + ".weight",
            "model.norm.weight");
    // The changes are 2, 4 and 6 everywhere; half of their sum is 6.
    assertThat(values(omni, Q + ".weight")).containsExactly(7, 8, 9, 10);
    for (String modality : MODALITIES) {
      String tensor = "modal_projectors.%s.0.weight".formatted(modality);
      assertThat(values(omni, tensor)).isEqualTo(values(dir.resolve(modality), tensor));
      assertThat(omni.resolve(modality + "_processor.json"))
          .hasSameTextualContentAs(dir.resolve(modality).resolve(modality + "_processor.json"));
    }
    JsonNode config = new ObjectMapper().readTree(omni.resolve("config.json").toFile());
    assertThat(config.path("hidden_size").asInt()).isEqualTo(2);
    assertThat(config.path("modalities").path("vision").path("width").asInt()).isEqualTo(6);
    assertThat(config.path("modalities").path("audio").path("width").asInt()).isEqualTo(5);
    assertThat(config.path("modalities")).hasSize(3);
  }

  @Test
  void fully_tuned_models_are_merged_as_well() {
    for (String modality : MODALITIES) {
      TestCheckpoints.folder(dir.resolve("full-" + modality))
          .tensor(Q + ".weight", DType.F32, List.of(2L, 2L), 1, 2, 3, 4 + modality.length())
          .tensor("model.norm.weight", DType.F32, List.of(2L), 1, 1)
          .random("modal_projectors." + modality, DType.F32, List.of(2L), 3)
          .config("{\"architectures\": [\"Omni\"]}")
          .write();
    }

    Path omni =
        merged(
            "omni",
            "merge_method: weight-average",
            "base_model: base",
            "models: [{model: full-vision}, {model: full-audio}, {model: full-video}]",
            "extra: union");

    // The last entries are 4 + 6, 4 + 5 and 4 + 5.
    assertThat(values(omni, Q + ".weight")[3]).isCloseTo(4 + 16 / 3f, within(1e-6f));
    assertThat(names(omni)).hasSize(5);
  }

  @Test
  void a_fourth_modality_joins_a_merged_model_later() throws IOException {
    omni("omni", "scaling: 0.5");
    parts("touch", "touch").write();
    adapter("touch", 4).write();

    Path four =
        merged(
            "four",
            "merge_method: task-arithmetic",
            "base_model: base",
            "models: [{model: omni}, {model: touch+touch-lora}]",
            "extra: union",
            "scaling: 1");

    // What was merged stays, 6, and the fourth adds 8.
    assertThat(values(four, Q + ".weight")).containsExactly(15, 16, 17, 18);
    assertThat(names(four)).hasSize(10).contains("modal_projectors.touch.0.weight");
    JsonNode config = new ObjectMapper().readTree(four.resolve("config.json").toFile());
    assertThat(config.path("modalities")).hasSize(4);
    assertThat(four.resolve("touch_processor.json")).exists();
    assertThat(four.resolve("vision_processor.json")).exists();
  }

  @Test
  void one_name_for_two_connectors_is_refused_and_explained() {
    for (String modality : List.of("vision", "audio")) {
      language("clash-" + modality)
          .random("mm_projector.0.weight", DType.F32, List.of(2L, 3L), modality.hashCode())
          .random("mm_projector.2.weight", DType.F32, List.of(2L, 2L), modality.hashCode())
          .write();
    }

    assertThatThrownBy(
            () ->
                Planner.plan(
                    recipe(
                        "merge_method: task-arithmetic",
                        "base_model: base",
                        "models:",
                        "- model: clash-vision",
                        "- model: clash-audio",
                        "extra: union")))
        .isInstanceOf(RecipeException.class)
        .hasMessage(
            "r.yaml:5:10: models 'clash-vision' and 'clash-audio' have different values for 2 tensors that 'base' does not have, such as 'mm_projector.0.weight'; one name cannot hold both: give each model's encoder and connector names of their own, or take the first model's with 'extra: copy'");
  }

  @Test
  void two_models_may_share_an_encoder_bit_by_bit() {
    language("one").random("tower.weight", DType.F16, List.of(4L, 4L), 5).write();
    language("two").random("tower.weight", DType.F16, List.of(4L, 4L), 5).write();

    Path omni =
        merged(
            "omni",
            "merge_method: task-arithmetic",
            "base_model: base",
            "models: [{model: one}, {model: two}]",
            "extra: union");

    assertThat(names(omni)).containsExactly(Q + ".weight", "model.norm.weight", "tower.weight");
  }

  @Test
  void an_adapter_may_bring_its_connector_along() {
    for (String modality : MODALITIES) {
      TestCheckpoints.adapter(dir.resolve(modality + "-all"), 1, 2)
          .config(
              """
              {"peft_type": "LORA", "r": 1, "lora_alpha": 2, "bias": "none",
               "modules_to_save": ["%s"]}"""
                  .formatted(modality))
          .lora(Q, 2, 1, 2, new float[] {1, 1}, new float[] {1, 1}, DType.F32)
          .random(
              "base_model.model.modal_projectors.%s.weight".formatted(modality),
              DType.F32,
              List.of(2L),
              8)
          .write();
    }
    String recipe =
        "merge_method: weight-average\nbase_model: base\n"
            + "models: [{model: vision-all}, {model: audio-all}, {model: video-all}]\n";

    Path omni = merged("omni", recipe + "extra: union");

    assertThat(names(omni)).hasSize(5).contains("modal_projectors.audio.weight");
    assertThat(values(omni, Q + ".weight")).containsExactly(3, 4, 5, 6);
    assertThatThrownBy(() -> Planner.plan(recipe(recipe)))
        .hasMessageContaining(
            "replaces tensor 'modal_projectors.vision.weight', which 'base' does not have; 'extra: union' adds it");
  }

  @Test
  void factors_are_merged_each_by_themselves_if_the_recipe_says_so() {
    Path omni = omni("omni", "factorwise: true", "scaling: 1");

    // ΣB = 6 and ΣA = 3, so each entry changes by 2 · 6 · 3; by the products it would be 12.
    assertThat(values(omni, Q + ".weight")).containsExactly(37, 38, 39, 40);
    assertThat(values(omni, "model.norm.weight")).containsExactly(1, 1);
    assertThat(values(omni("products", "scaling: 1"), Q + ".weight"))
        .containsExactly(13, 14, 15, 16);
  }

  @Test
  void factorwise_needs_adapters_of_one_rank_in_all_models() {
    language("full").tensor("extra", DType.F32, List.of(1L), 1).write();
    TestCheckpoints.adapter(dir.resolve("wide-lora"), 2, 4).randomLora(Q, 2, 2, 2, 1).write();
    String head = "merge_method: task-arithmetic\nbase_model: base\nfactorwise: true\nmodels: ";

    assertThatThrownBy(
            () -> Planner.plan(recipe(head + "[{model: vision+vision-lora}, {model: full}]")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(
            "tensor '%s.weight': factorwise: an adapter changes it in 1 of 2 models; it must in all or in none"
                .formatted(Q));
    assertThatThrownBy(
            () -> merged("x", head + "[{model: vision+vision-lora}, {model: base+wide-lora}]"))
        .hasMessageContaining(
            "adapters have ranks 1 and 2, scales 2.0 and 2.0; they must be equal");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ties-global", "linear"})
  void factorwise_refuses_methods_that_need_more_than_a_factor(String method) {
    assertThatThrownBy(
            () ->
                Planner.plan(
                    recipe(
                        "merge_method: " + method,
                        "base_model: base",
                        method.equals("linear") ? "parameters: {weight: 1}" : "",
                        "factorwise: true",
                        "models: [{model: vision+vision-lora}, {model: audio+audio-lora}]")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("factorwise");
  }

  @Test
  void the_same_setting_with_two_values_is_told() {
    for (int i = 1; i <= 2; i++) {
      language("m" + i)
          .tensor("p" + i, DType.F32, List.of(1L), i)
          .config("{\"hidden_size\": 2, \"rate\": %d}".formatted(i))
          .write();
    }
    try (MergePlan plan =
        Planner.plan(
            recipe(
                "merge_method: task-arithmetic",
                "base_model: base",
                "models: [{model: m1}, {model: m2}]",
                "extra: union"))) {
      assertThat(plan.notices())
          .contains("config.json: 'rate' differs between 'm1' and 'm2'; the first's is taken");
    }
  }

  @Test
  void the_provenance_says_what_was_done() throws IOException {
    Path omni = omni("omni", "factorwise: true");

    String provenance = Files.readString(omni.resolve("optmerge.json"));
    assertThat(provenance).contains("\"extra\" : \"union\"").contains("\"factorwise\" : true");
  }
}
