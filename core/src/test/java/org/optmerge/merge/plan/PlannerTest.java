package org.optmerge.merge.plan;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.Coverage;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.PlanDescription;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MethodParameters;
import org.optmerge.taskvector.Weight;

class PlannerTest {
  @TempDir Path dir;

  @BeforeEach
  void models() {
    for (String model : List.of("base", "a", "b")) {
      write(model).write();
    }
  }

  private TestCheckpoints write(String model) {
    int seed = model.hashCode();
    return TestCheckpoints.folder(dir.resolve(model))
        .random("lm_head.weight", DType.BF16, List.of(6L, 4L), seed)
        .random("model.embed_tokens.weight", DType.BF16, List.of(6L, 4L), seed + 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), seed + 2)
        .random("model.layers.1.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), seed + 3)
        .random("model.norm.weight", DType.BF16, List.of(4L), seed + 4)
        .file("tokenizer.json", "{}")
        .config(
            "{\n  \"architectures\": [\"LlamaForCausalLM\"],\n  \"num_hidden_layers\": 2,\n"
                + "  \"torch_dtype\": \"bfloat16\",\n  \"tie_word_embeddings\": false\n}\n");
  }

  private MergePlan plan(String... lines) {
    return Planner.plan(recipe(lines));
  }

  private Recipe recipe(String... lines) {
    return RecipeParser.parse(String.join("\n", lines), "r.yaml", dir);
  }

  @Test
  void plans_every_tensor_in_the_order_of_the_base() {
    try (MergePlan plan =
        plan("merge_method: task-arithmetic", "base_model: base", "models:", "- model: a")) {
      assertThat(plan.shards()).hasSize(1);
      assertThat(plan.shards().get(0).fileName()).isEqualTo("model.safetensors");
      assertThat(plan.shards().get(0).tensors())
          .extracting(PlannedTensor::name)
          .containsExactly(
              "lm_head.weight",
              "model.embed_tokens.weight",
              "model.layers.0.mlp.up_proj.weight",
              "model.layers.1.mlp.up_proj.weight",
              "model.norm.weight");
      assertThat(plan.files()).containsExactly(Path.of("config.json"), Path.of("tokenizer.json"));
      assertThat(plan.rewritten()).isEmpty();
    }
  }

  @Test
  void lists_every_mismatch_at_once() {
    TestCheckpoints.folder(dir.resolve("c"))
        .random("lm_head.weight", DType.BF16, List.of(6L, 4L), 1)
        .random("model.embed_tokens.weight", DType.BF16, List.of(6L, 5L), 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(4L, 8L), 1)
        .random("model.norm.weight", DType.BF16, List.of(4L), 1)
        .write();

    assertThatThrownBy(
            () ->
                plan("merge_method: task-arithmetic", "base_model: base", "models:", "- model: c"))
        .isInstanceOf(RecipeException.class)
        .hasMessage(
            """
            r.yaml:4:10: tensor 'model.embed_tokens.weight': model 'c' has shape [6, 5], 'base' has [6, 4]
            r.yaml:4:10: tensor 'model.layers.0.mlp.up_proj.weight': model 'c' has shape [4, 8], 'base' has [8, 4]; is it transposed?
            r.yaml:4:10: model 'c' has no tensor 'model.layers.1.mlp.up_proj.weight', which 'base' has; 'missing: base' or 'missing: skip' allows it\
            """);
  }

  private static final String LINEAR_A_B =
      "merge_method: linear\nmodels:\n- {model: a, parameters: {weight: 1}}\n"
          + "- {model: b, parameters: {weight: 1}}\n";

  private static final String TASK_ARITHMETIC_A =
      "merge_method: task-arithmetic\nbase_model: base\nmodels: [{model: a}]\n";

  private void assertRefused(String text, String message) {
    assertThatThrownBy(() -> plan(text)).isInstanceOf(RecipeException.class).hasMessage(message);
  }

  private static PlannedTensor tensor(MergePlan plan, String name) {
    return plan.shards().stream()
        .flatMap(shard -> shard.tensors().stream())
        .filter(tensor -> tensor.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static PlannedTensor.Merge merge(MergePlan plan, String name) {
    return (PlannedTensor.Merge) tensor(plan, name).work();
  }

  private static PlanDescription.Tensor explain(MergePlan plan, String name) {
    return PlanDescription.explain(plan, name).get(0);
  }

  // ---- parameters

  @Test
  void a_model_s_setting_comes_before_the_slice_s_and_that_before_the_top_one() {
    try (MergePlan plan =
        plan(
            """
            merge_method: ties
            base_model: base
            slices:
            - sources:
              - {model: base, layer_range: [0, 1]}
              - {model: a, layer_range: [0, 1], parameters: {density: 0.9}}
              - {model: b, layer_range: [0, 1]}
              parameters: {density: [{filter: up_proj, value: 0.4}]}
            - sources:
              - {model: base, layer_range: [1, 2]}
              - {model: a, layer_range: [1, 2]}
              - {model: b, layer_range: [1, 2]}
            parameters: {weight: 1, density: 0.6, normalize: false}
            """)) {
      assertThat(explain(plan, "model.layers.0.mlp").parameters())
          .containsEntry("density", List.of(0.9, 0.4))
          .containsEntry("normalize", false);
      // The filter of the slice does not match, so the top decides.
      assertThat(explain(plan, "embed_tokens").parameters())
          .containsEntry("density", List.of(0.9, 0.6));
      assertThat(explain(plan, "model.layers.1.mlp").parameters())
          .containsEntry("density", List.of(0.6, 0.6));
    }
  }

  @Test
  void gradients_run_over_the_layers_and_begin_outside_them() {
    try (MergePlan plan =
        plan(
            LINEAR_A_B.replace(
                "{weight: 1}}\n- {model: b", "{weight: [0.2, 0.6]}}\n- {model: b"))) {
      assertThat(explain(plan, "layers.0").parameters()).containsEntry("weight", List.of(0.2, 1.0));
      assertThat(explain(plan, "layers.1").parameters()).containsEntry("weight", List.of(0.6, 1.0));
      assertThat(explain(plan, "lm_head").parameters()).containsEntry("weight", List.of(0.2, 1.0));
    }
  }

  @Test
  void equal_parameters_share_one_method() {
    try (MergePlan plan = plan(LINEAR_A_B)) {
      assertThat(merge(plan, "lm_head.weight").method())
          .isSameAs(merge(plan, "model.norm.weight").method());
    }
  }

  @Test
  void scaling_is_the_recipe_s_or_the_method_s_default() {
    try (MergePlan plan = plan(TASK_ARITHMETIC_A)) {
      assertThat(merge(plan, "lm_head.weight").scaling()).isEqualTo(0.3);
    }
    try (MergePlan plan =
        plan(TASK_ARITHMETIC_A + "scaling: [{filter: mlp, value: 0.7}, {value: 0.1}]")) {
      assertThat(merge(plan, "model.layers.1.mlp.up_proj.weight").scaling()).isEqualTo(0.7);
      assertThat(merge(plan, "lm_head.weight").scaling()).isEqualTo(0.1);
    }
  }

  @Test
  void a_value_out_of_range_is_told_where_it_stands_whosever_it_is() {
    assertRefused(
        """
        merge_method: ties
        base_model: base
        models:
        - {model: a, parameters: {weight: 1, density: 0.5}}
        - {model: b, parameters: {weight: 1, density: 1.5}}
        """,
        "r.yaml:5:47: ties: density of model 2 must be in [0, 1], is 1.5");
    assertRefused(
        """
        merge_method: wudi
        base_model: base
        models: [{model: a}]
        parameters: {steps: 7, learning_rate: -1}
        """,
        "r.yaml:4:39: wudi: learning_rate must be at least 0, is -1.0");
    assertRefused(
        """
        merge_method: slerp
        base_model: base
        models: [{model: a}]
        """,
        "r.yaml:1:15: 'slerp' needs parameter 't'; add it under 'parameters'");
  }

  @Test
  void a_parameter_of_the_other_method_of_nearly_the_name_is_said_to_be() {
    assertRefused(
        """
        merge_method: task-arithmetic
        base_model: base
        models: [{model: a, parameters: {weight: 1}}]
        """,
        "r.yaml:3:42: 'task-arithmetic' has no parameter 'weight';"
            + " 'mergekit:task_arithmetic' has it; known: scaling");
  }

  @Test
  void a_full_name_runs_the_method_of_its_origin_without_a_word() {
    String models = "base_model: base\nmodels: [{model: a, parameters: {weight: 1}}]\n";
    try (MergePlan full = plan("merge_method: mergekit:dare_ties\n" + models);
        MergePlan bare = plan("merge_method: dare_ties\n" + models)) {
      assertThat(merge(full, "lm_head.weight").method())
          .isEqualTo(merge(bare, "lm_head.weight").method());
      assertThat(full.recipe().path("merge_method").asText()).isEqualTo("mergekit:dare_ties");
      assertThat(bare.recipe()).isEqualTo(full.recipe());
      assertThat(full.notices()).noneMatch(notice -> notice.contains("is called"));
      assertThat(bare.notices()).filteredOn(notice -> notice.contains("is called")).hasSize(1);
    }
  }

  @Test
  void parameters_that_do_not_fit_are_all_listed_with_their_places() {
    assertRefused(
        """
        merge_method: ties
        base_model: base
        models:
        - {model: a, parameters: {weight: 1, densty: 0.5, normalize: true}}
        - {model: b, parameters: {weight: heavy}}
        parameters: {int8_mask: true, lambda: yes please}
        """,
        """
        r.yaml:6:39: parameter 'lambda' must be a number, is 'yes please'
        r.yaml:4:46: 'ties' has no parameter 'densty'; did you mean 'density'?; known: %s, scaling
        r.yaml:4:62: 'normalize' is a parameter of the whole merge, not of one model; set it under the top 'parameters'
        r.yaml:5:35: parameter 'weight' must be a number, is 'heavy'\
        """
            .formatted(
                String.join(
                    ", ",
                    MethodParameters.of(MergeMethods.named("ties").method()).stream()
                        .map(MethodParameters.Parameter::name)
                        .toList())));
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.0", "-0.1"})
  void a_density_out_of_range_is_refused_at_its_line(String density) {
    assertThatThrownBy(
            () ->
                plan(
                    "merge_method: ties\nbase_model: base\nmodels:\n"
                        + "- {model: a, parameters: {weight: 1, density: %s}}\n"
                            .formatted(density)))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("r.yaml:4:47: ")
        .hasMessageContaining(density);
  }

  @Test
  void weights_that_cancel_are_refused_before_data_is_read() {
    assertThatThrownBy(
            () ->
                plan(
                    LINEAR_A_B.replace(
                        "b, parameters: {weight: 1}", "b, parameters: {weight: -1}")))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("r.yaml:3:35: linear: the weights [1.0, -1.0]")
        .hasMessageContaining("sum to 0")
        .hasMessageEndingWith("(and 4 more tensors)");
  }

  @Test
  void a_missing_parameter_is_refused_at_its_model() {
    assertThatThrownBy(() -> plan("merge_method: linear\nmodels: [{model: a}, {model: b}]"))
        .hasMessageStartingWith(
            "r.yaml:2:18: 'linear' needs parameter 'weight' for model 'a'; add 'parameters:"
                + " {weight: …}'");
    assertThatThrownBy(() -> plan(LINEAR_A_B + "base_model: base"))
        .hasMessageContaining("base_model 'base', which is not under 'models', counts as one");
  }

  @Test
  void a_method_that_needs_a_base_says_so() {
    assertRefused(
        "merge_method: task-arithmetic\nmodels: [{model: a}]",
        "r.yaml:1:15: 'task-arithmetic' needs a 'base_model'; name the model that the others were"
            + " fine-tuned from");
    assertThatThrownBy(() -> plan(LINEAR_A_B + "scaling: 0.5"))
        .hasMessage(
            "r.yaml:5:10: 'linear' merges weights, not task vectors, so it has no 'scaling'");
  }

  @Test
  void an_unknown_method_is_refused_with_a_suggestion() {
    assertThatThrownBy(() -> plan("merge_method: lnear\nmodels: [{model: a}]"))
        .hasMessageStartingWith("r.yaml:1:15: no merge method 'lnear'; did you mean 'linear'?");
  }

  // ---- models

  @Test
  void says_where_it_looked_for_a_model() {
    assertRefused(
        "merge_method: linear\nmodels: [{model: nope, parameters: {weight: 1}}]",
        "r.yaml:2:18: model 'nope' is not there; looked at %s and %s; nothing is downloaded, so give the path of a folder"
            .formatted(dir.resolve("nope"), Path.of("nope").toAbsolutePath()));
  }

  @Test
  void merges_the_same_model_twice() {
    try (MergePlan plan =
        plan(
            "merge_method: linear\nmodels:\n- {model: a, parameters: {weight: 1}}\n"
                + "- {model: ./a, parameters: {weight: 2}}\n")) {
      assertThat(merge(plan, "lm_head.weight").inputs()).hasSize(2);
      assertThat(explain(plan, "lm_head").parameters()).containsEntry("weight", List.of(1.0, 2.0));
    }
  }

  @Test
  void applies_adapters_named_alone_or_with_their_base() {
    TestCheckpoints.adapter(dir.resolve("lora"), 2, 4)
        .randomLora("model.layers.0.mlp.up_proj", 8, 2, 4, 5)
        .write();
    for (String text : List.of("lora", "base+lora")) {
      try (MergePlan plan =
          plan(
              "merge_method: task-arithmetic\nbase_model: base\nmodels: [{model: " + text + "}]")) {
        assertThat(merge(plan, "model.layers.0.mlp.up_proj.weight").inputs().get(0))
            .isInstanceOfSatisfying(
                Weight.Adapted.class, weight -> assertThat(weight.delta().scale()).isEqualTo(2.0));
        assertThat(merge(plan, "lm_head.weight").inputs().get(0)).isInstanceOf(Weight.Stored.class);
        assertThat(explain(plan, "layers.0").inputs()).containsExactly(text);
        assertThat(plan.models()).containsEntry(text, dir.resolve("lora"));
        // B is (8, 2) and A is (2, 4), float32: 24 entries of 4 bytes.
        assertThat(plan.coverage().rows())
            .contains(
                new Coverage.Row(
                    text,
                    "low-rank change: merged",
                    2,
                    96,
                    List.of("model.layers.0.mlp.up_proj.weight")));
      }
    }
    assertThatThrownBy(
            () -> plan("merge_method: linear\nmodels: [{model: lora, parameters: {weight: 1}}]"))
        .hasMessageContaining("model 'lora' is an adapter; name the checkpoint that it is for");
  }

  @Test
  void refuses_an_adapter_for_another_model() {
    TestCheckpoints.adapter(dir.resolve("lora"), 2, 4)
        .randomLora("model.layers.0.mlp.up_proj", 7, 2, 4, 5)
        .randomLora("model.layers.9.mlp.up_proj", 8, 2, 4, 5)
        .write();

    assertThatThrownBy(
            () -> plan("merge_method: task-arithmetic\nbase_model: base\nmodels: [{model: lora}]"))
        .hasMessageContaining(
            "the change of tensor 'model.layers.0.mlp.up_proj.weight' is [7, 4], 'base' has shape"
                + " [8, 4]")
        .hasMessageContaining(
            "changes tensor 'model.layers.9.mlp.up_proj.weight', which 'base' does not have");
  }

  @Test
  void a_folder_with_a_plus_in_its_name_is_found() {
    write("x+y").write();
    try (MergePlan plan =
        plan("merge_method: linear\nmodels: [{model: x+y, parameters: {weight: 1}}]")) {
      assertThat(plan.donor().folder()).isEqualTo(dir.resolve("x+y"));
    }
    assertThatThrownBy(
            () -> plan("merge_method: linear\nmodels: [{model: a+b, parameters: {weight: 1}}]"))
        .hasMessageContaining("'%s' is no adapter".formatted(dir.resolve("b")));
  }

  @Test
  void warns_of_a_model_without_a_config() throws IOException {
    Files.delete(dir.resolve("a/config.json"));
    try (MergePlan plan = plan(TASK_ARITHMETIC_A)) {
      assertThat(plan.notices())
          .contains(
              "model 'a' has no config.json that can be read; its weights are merged all the same");
    }
  }

  // ---- tensors that not every model has

  @Test
  void tensors_that_only_an_expert_has_are_reported_refused_or_copied() {
    write("c").random("score.weight", DType.BF16, List.of(2L, 4L), 3).write();
    String recipe = TASK_ARITHMETIC_A.replace("model: a", "model: c");

    try (MergePlan plan = plan(recipe)) {
      assertThat(plan.notices())
          .contains(
              "model 'c' has 1 tensor that 'base' does not have, such as 'score.weight'; left out"
                  + " ('extra: copy' keeps them)");
      assertThat(plan.coverage().rows())
          .contains(
              new Coverage.Row("c", "left out: not in 'base'", 1, 16, List.of("score.weight")));
    }
    assertRefused(
        recipe + "extra: error",
        "r.yaml:3:18: model 'c' has tensor 'score.weight', which 'base' does not have; to leave"
            + " such tensors out, set 'extra: report'");
    try (MergePlan plan = plan(recipe + "extra: copy")) {
      assertThat(tensor(plan, "score.weight").work()).isInstanceOf(PlannedTensor.Copy.class);
      assertThat(plan.shards().get(0).tensors()).hasSize(6);
    }
  }

  @Test
  void tensors_that_an_expert_lacks_follow_the_policy() {
    TestCheckpoints.folder(dir.resolve("c"))
        .random("lm_head.weight", DType.BF16, List.of(6L, 4L), 1)
        .random("model.embed_tokens.weight", DType.BF16, List.of(6L, 4L), 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.layers.1.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .config("{}")
        .write();
    String recipe = TASK_ARITHMETIC_A.replace("{model: a}", "{model: a}, {model: c}");

    try (MergePlan plan = plan(recipe + "missing: skip")) {
      assertThat(merge(plan, "model.norm.weight").inputs()).hasSize(1);
      assertThat(merge(plan, "lm_head.weight").inputs()).hasSize(2);
      assertThat(plan.notices())
          .contains(
              "model 'c' lacks tensors, such as 'model.norm.weight': these are merged without it");
    }
    try (MergePlan plan = plan(recipe + "missing: base")) {
      assertThat(merge(plan, "model.norm.weight").inputs().get(1))
          .isEqualTo(merge(plan, "model.norm.weight").base());
    }
  }

  @Test
  void a_tied_head_is_read_from_the_embedding() {
    TestCheckpoints.folder(dir.resolve("tied"))
        .random("model.embed_tokens.weight", DType.BF16, List.of(6L, 4L), 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.layers.1.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.norm.weight", DType.BF16, List.of(4L), 1)
        .config("{\"architectures\": [\"LlamaForCausalLM\"], \"tie_word_embeddings\": true}")
        .write();

    try (MergePlan plan = plan(TASK_ARITHMETIC_A.replace("model: a", "model: tied"))) {
      assertThat(explain(plan, "lm_head").inputs())
          .containsExactly("tied: model.embed_tokens.weight");
      assertThat(plan.notices())
          .contains(
              "model 'tied' has no 'lm_head.weight': it is tied to the embedding, which is read in"
                  + " its place");
    }
    try (MergePlan plan =
        plan("merge_method: task-arithmetic\nbase_model: tied\nmodels: [{model: a}]")) {
      // a has trained a head of its own, so the output has one too.
      assertThat(merge(plan, "lm_head.weight").base()).isInstanceOf(Weight.Stored.class);
      assertThat(new String(plan.rewritten().get("config.json"), UTF_8))
          .contains("\"tie_word_embeddings\": false");
      assertThat(plan.notices().get(0))
          .startsWith("model 'a': 'lm_head.weight' differs from 'model.embed_tokens.weight'");
    }
  }

  @Test
  void of_a_larger_vocabulary_the_first_rows_are_merged() {
    TestCheckpoints.folder(dir.resolve("chat"))
        .random("lm_head.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.embed_tokens.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.layers.1.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.norm.weight", DType.BF16, List.of(4L), 1)
        .config("{}")
        .write();

    try (MergePlan plan = plan(TASK_ARITHMETIC_A.replace("model: a", "model: chat"))) {
      assertThat(merge(plan, "lm_head.weight").inputs().get(0).shape()).containsExactly(6L, 4L);
      assertThat(plan.notices())
          .contains(
              "model 'chat': 'lm_head.weight' has 8 rows, 'base' has 6; the first 6 are merged");
      assertThat(plan.coverage().rows())
          .extracting(Coverage.Row::fate)
          .contains("merged: the first 6 of 8 rows");
    }
  }

  // ---- element types

  @Test
  void a_type_that_differs_from_the_base_s_is_told_with_values() {
    TestCheckpoints.folder(dir.resolve("half"))
        .tensor("w", DType.F16, List.of(2L), 3, -4)
        .config("{}")
        .write();
    TestCheckpoints.folder(dir.resolve("brain"))
        .tensor("w", DType.BF16, List.of(2L), 1, 2)
        .config("{}")
        .write();

    try (MergePlan plan =
        plan("merge_method: task-arithmetic\nbase_model: brain\nmodels: [{model: half}]")) {
      assertThat(tensor(plan, "w").dtype()).isEqualTo(DType.BF16);
      assertThat(plan.notices())
          .contains(
              "model 'half' has F16 where the base has BF16, for example 'w': largest of the first"
                  + " values 4.00, the base's 2.00");
    }
  }

  @Test
  void integers_among_weights_are_refused() {
    TestCheckpoints.folder(dir.resolve("quantised"))
        .bytes("model.norm.weight", DType.I8, List.of(4L), new byte[4])
        .random("lm_head.weight", DType.BF16, List.of(6L, 4L), 1)
        .random("model.embed_tokens.weight", DType.BF16, List.of(6L, 4L), 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .random("model.layers.1.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
        .write();

    assertThatThrownBy(() -> plan(TASK_ARITHMETIC_A.replace("model: a", "model: quantised")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("model.norm.weight")
        .hasMessageContaining("int8")
        .hasMessageContaining("('base' has bfloat16)");
  }

  @Test
  void task_vectors_of_the_paper_s_methods_are_rounded_as_stored() {
    try (MergePlan plan = plan(TASK_ARITHMETIC_A)) {
      assertThat(merge(plan, "lm_head.weight").taskVectorDtype()).isEqualTo(DType.BF16);
    }
    try (MergePlan plan = plan(TASK_ARITHMETIC_A + "dtype: float32")) {
      assertThat(merge(plan, "lm_head.weight").taskVectorDtype()).isNull();
      assertThat(tensor(plan, "lm_head.weight").dtype()).isEqualTo(DType.BF16);
    }
  }

  @Test
  void mergekit_s_dtype_is_the_output_s_and_the_config_says_so() {
    try (MergePlan plan = plan(LINEAR_A_B + "dtype: float32")) {
      assertThat(tensor(plan, "lm_head.weight").dtype()).isEqualTo(DType.F32);
      assertThat(new String(plan.rewritten().get("config.json"), UTF_8))
          .isEqualTo(
              "{\n  \"architectures\": [\"LlamaForCausalLM\"],\n  \"num_hidden_layers\": 2,\n"
                  + "  \"torch_dtype\": \"float32\",\n  \"tie_word_embeddings\": false\n}\n");
    }
    try (MergePlan plan = plan(LINEAR_A_B + "dtype: float32\nout_dtype: bfloat16")) {
      assertThat(plan.rewritten()).isEmpty();
    }
  }

  @Test
  void quantised_weights_that_are_not_merged_keep_their_type() {
    for (String model : List.of("q1", "q2")) {
      TestCheckpoints.folder(dir.resolve(model))
          .bytes("frozen.weight", DType.F8_E4M3, List.of(2L, 2L), new byte[4])
          .tensor("frozen.weight_scale_inv", DType.F32, List.of(1L, 1L), 2)
          .tensor("w", DType.BF16, List.of(2L), 1, 2)
          .config("{}")
          .write();
    }
    String recipe =
        "merge_method: task_arithmetic\nbase_model: q1\n"
            + "models: [{model: q2, parameters: {weight: 1}}]\ndtype: float32\n";

    try (MergePlan plan = plan(recipe + "exclude: [frozen]")) {
      assertThat(tensor(plan, "frozen.weight").dtype()).isEqualTo(DType.F8_E4M3);
      assertThat(tensor(plan, "frozen.weight_scale_inv").dtype()).isEqualTo(DType.F32);
      assertThat(tensor(plan, "w").dtype()).isEqualTo(DType.F32);
    }
    try (MergePlan plan = plan(recipe)) {
      assertThat(tensor(plan, "frozen.weight").source())
          .isEqualTo("copied: the same in all models");
    }
    TestCheckpoints.folder(dir.resolve("q2"))
        .bytes("frozen.weight", DType.F8_E4M3, List.of(2L, 2L), new byte[] {0, 0, 0, 1})
        .tensor("frozen.weight_scale_inv", DType.F32, List.of(1L, 1L), 2)
        .tensor("w", DType.BF16, List.of(2L), 1, 2)
        .config("{}")
        .write();
    assertThatThrownBy(() -> plan(recipe))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("r.yaml:3:9: model 'q1': tensor 'frozen.weight' is quantised");
  }

  @Test
  void models_of_two_architectures_are_told_first_among_the_problems() {
    TestCheckpoints.folder(dir.resolve("other"))
        .random("transformer.wte.weight", DType.BF16, List.of(6L, 4L), 1)
        .config("{\"architectures\": [\"GPT2LMHeadModel\"]}")
        .write();

    assertThatThrownBy(() -> plan(TASK_ARITHMETIC_A.replace("model: a", "model: other")))
        .hasMessageStartingWith(
            "r.yaml:3:9: model 'other' is a GPT2LMHeadModel, 'base' is a LlamaForCausalLM\n");
  }

  // ---- selection

  @Test
  void what_is_not_selected_is_the_base_s_byte_for_byte() {
    try (MergePlan plan = plan(TASK_ARITHMETIC_A + "preset: internvl2.5")) {
      assertThat(tensor(plan, "lm_head.weight"))
          .satisfies(
              tensor -> {
                assertThat(tensor.work()).isInstanceOf(PlannedTensor.Copy.class);
                assertThat(tensor.source()).isEqualTo("copied: exclude .*lm_head.*");
              });
      assertThat(PlanDescription.of(plan).merged()).isEqualTo(2);
      assertThat(PlanDescription.of(plan).copied()).isEqualTo(3);
      assertThat(plan.coverage().rows())
          .contains(
              new Coverage.Row(
                  "a", "not merged: exclude .*norm.*", 1, 8, List.of("model.norm.weight")));
    }
    assertThatThrownBy(() -> plan(LINEAR_A_B + "exclude: [lm_head]"))
        .hasMessage(
            "r.yaml:5:10: tensors that are not merged come from the base: name a 'base_model', or"
                + " set 'rest: mean'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "language_model.output.weight",
        "language_model.model.tok_embeddings.weight",
        "transformer.wte.weight",
        "gpt_neox.embed_in.weight",
        "embed_out.weight",
        "language.model.embed.weight",
        "language_model.lm_head.weight"
      })
  void a_preset_leaves_embeddings_and_heads_out_under_any_name(String name) {
    for (String model : List.of("base", "a")) {
      TestCheckpoints.folder(dir.resolve(model))
          .random(name, DType.BF16, List.of(6L, 4L), model.hashCode())
          .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(8L, 4L), 1)
          .config("{\"llm_config\": {\"vocab_size\": 6}}")
          .write();
    }
    for (String preset : List.of("internvl2.5", "qwen2-vl")) {
      try (MergePlan plan = plan(TASK_ARITHMETIC_A + "preset: " + preset)) {
        assertThat(tensor(plan, name).work()).isInstanceOf(PlannedTensor.Copy.class);
        assertThat(tensor(plan, name).source())
            .isEqualTo(
                name.contains("lm_head")
                    ? "copied: exclude .*lm_head.*"
                    : "copied: preset %s: a row for each token".formatted(preset));
        assertThat(PlanDescription.of(plan).merged()).isEqualTo(1);
      }
    }
    try (MergePlan plan = plan(TASK_ARITHMETIC_A)) {
      assertThat(PlanDescription.of(plan).merged()).isEqualTo(2);
    }
  }

  @Test
  void the_rest_may_be_the_mean() {
    try (MergePlan plan = plan(TASK_ARITHMETIC_A + "include: [model.layers]\nrest: mean")) {
      assertThat(merge(plan, "lm_head.weight").method())
          .isEqualTo(MergeMethods.named("weight-average").method());
      assertThat(merge(plan, "lm_head.weight").scaling()).isEqualTo(1);
      assertThat(tensor(plan, "lm_head.weight").source()).isEqualTo("mean: no include matches");
    }
  }

  // ---- layers

  @Test
  void stacked_layers_are_numbered_anew_and_the_config_counts_them() {
    write("c")
        .config(
            "{\"num_hidden_layers\": 2, \"layer_types\": [\"full\", \"sliding\"],"
                + " \"vision_config\": {\"num_hidden_layers\": 2}}")
        .write();
    try (MergePlan plan =
        plan(
            """
            merge_method: passthrough
            slices:
            - sources: [{model: c, layer_range: [0, 2]}]
            - sources: [{model: c, layer_range: [1, 2]}]
            """)) {
      assertThat(plan.shards().get(0).tensors())
          .extracting(PlannedTensor::name)
          .containsExactly(
              "model.embed_tokens.weight",
              "model.layers.0.mlp.up_proj.weight",
              "model.layers.1.mlp.up_proj.weight",
              "model.layers.2.mlp.up_proj.weight",
              "lm_head.weight",
              "model.norm.weight");
      assertThat(explain(plan, "model.layers.2").inputs())
          .containsExactly("c: model.layers.1.mlp.up_proj.weight");
      assertThat(new String(plan.rewritten().get("config.json"), UTF_8))
          .isEqualTo(
              "{\"num_hidden_layers\": 3, \"layer_types\": [\"full\", \"sliding\", \"sliding\"],"
                  + " \"vision_config\": {\"num_hidden_layers\": 2}}");
    }
  }

  @Test
  void layers_that_a_model_does_not_have_are_refused() {
    assertRefused(
        "merge_method: passthrough\nslices:\n- sources: [{model: a, layer_range: [0, 9]}]\n",
        "r.yaml:3:37: 'layer_range' is [0, 9], but model 'a' has 2 layers in 'model.layers'");
    assertRefused(
        "merge_method: task-arithmetic\n"
            + "base_model: base\n"
            + "slices:\n"
            + "- sources: [{model: a, layer_range: [0, 1]}]\n",
        "r.yaml:4:12: 'task-arithmetic' needs the base among the sources of every slice; add"
            + " {model: base, layer_range: […]}");
  }

  @Test
  void tensors_that_only_one_source_of_a_slice_has_follow_the_policy() {
    write("c").random("model.layers.1.gate.weight", DType.BF16, List.of(2L, 4L), 3).write();
    String recipe =
        "merge_method: linear\nslices:\n- sources:\n"
            + "  - {model: a, layer_range: [1, 2]}\n  - {model: c, layer_range: [1, 2]}\n"
            + "parameters: {weight: 1}\n";

    try (MergePlan plan = plan(recipe)) {
      assertThat(plan.coverage().rows())
          .contains(
              new Coverage.Row(
                  "c", "left out: not in 'a'", 1, 16, List.of("model.layers.1.gate.weight")),
              new Coverage.Row(
                  "c", "not used", 1, 64, List.of("model.layers.0.mlp.up_proj.weight")));
    }
    try (MergePlan plan = plan(recipe + "extra: copy")) {
      assertThat(explain(plan, "model.layers.0.gate.weight").inputs())
          .containsExactly("c: model.layers.1.gate.weight");
    }
  }

  // ---- layout

  @Test
  void the_base_s_shards_are_kept() {
    write("sharded").shards(2).write();
    try (MergePlan plan =
        plan(TASK_ARITHMETIC_A.replace("base_model: base", "base_model: sharded"))) {
      assertThat(plan.shards())
          .extracting(MergePlan.OutputShard::fileName)
          .containsExactly("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
      assertThat(plan.indexed()).isTrue();
    }
  }

  @Test
  void twenty_thousand_tensors_are_planned() {
    for (String model : List.of("many", "more")) {
      TestCheckpoints checkpoint = TestCheckpoints.folder(dir.resolve(model)).config("{}");
      for (int layer = 0; layer < 20; layer++) {
        for (int expert = 0; expert < 1000; expert++) {
          checkpoint.bytes(
              "model.layers.%d.mlp.experts.%d.up_proj.weight".formatted(layer, expert),
              DType.BF16,
              List.of(1L),
              (byte) 0,
              (byte) 0);
        }
      }
      checkpoint.write();
    }

    try (MergePlan plan =
        plan(
            "merge_method: task_arithmetic\nbase_model: many\n"
                + "models: [{model: more, parameters: {weight: [0, 1]}}]\n")) {
      assertThat(PlanDescription.of(plan).merged()).isEqualTo(20_000);
      assertThat(explain(plan, "layers.19.mlp.experts.999.").parameters())
          .containsEntry("weight", List.of(1.0));
    }
  }

  // ---- descriptions

  @Test
  void a_plan_describes_itself() {
    try (MergePlan plan = plan(TASK_ARITHMETIC_A)) {
      PlanDescription description = PlanDescription.of(plan);

      // Entries: 24 + 24 + 32 + 32 + 4 = 116, two bytes each; base and one model are read.
      assertThat(description.bytesWritten()).isEqualTo(232);
      assertThat(description.bytesRead()).isEqualTo(464);
      assertThat(description.files())
          .containsExactly(new PlanDescription.File("model.safetensors", 5, 232));
      assertThat(description.streams()).isTrue();
      assertThat(description.toJson().path("merged").asInt()).isEqualTo(5);
      assertThat(explain(plan, "lm_head").toJson())
          .hasToString(
              "{\"tensor\":\"lm_head.weight\",\"dtype\":\"bfloat16\",\"shape\":[6,4],\"source\":\"merged\","
                  + "\"base\":\"base\",\"inputs\":[\"a\"],\"parameters\":{},\"scaling\":0.3,"
                  + "\"task_vector_dtype\":\"bfloat16\"}");
    }
  }

  @Test
  void the_resolved_recipe_has_every_default() {
    try (MergePlan plan = plan(LINEAR_A_B)) {
      assertThat(plan.recipe())
          .hasToString(
              "{\"merge_method\":\"linear\",\"models\":[{\"model\":\"a\",\"parameters\":{\"weight\":1.0}},"
                  + "{\"model\":\"b\",\"parameters\":{\"weight\":1.0}}],\"parameters\":{\"normalize\":true},\"dtype\":\"float32\",\"out_dtype\":\"as"
                  + " stored\",\"include\":[],\"exclude\":[],"
                  + "\"rest\":\"base\",\"missing\":\"error\",\"extra\":\"error\","
                  + "\"allow_nonfinite\":false,\"random_seed\":0}");
    }
  }

  @Test
  void the_other_algorithm_of_the_same_name_is_mentioned() {
    try (MergePlan plan = plan(TASK_ARITHMETIC_A.replace("task-arithmetic", "dare-ties"))) {
      assertThat(plan.notices())
          .contains(
              "'dare-ties' is official:dare-ties (DARE (drops 20 %, multiplies the rest by 1.25),"
                  + " then TIES per tensor, λ = 0.3 unless given); the method of mergekit is called"
                  + " mergekit:dare_ties (random entries that keep the L1 norm, weighted, added"
                  + " where they agree in sign, λ = 1.0 unless given)");
    }
  }
}
