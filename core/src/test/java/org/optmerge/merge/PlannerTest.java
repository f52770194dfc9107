package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;

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
        .random("model.embed_tokens.weight", DType.BF16, List.of(5L, 4L), 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(4L, 8L), 1)
        .random("model.norm.weight", DType.BF16, List.of(4L), 1)
        .write();

    assertThatThrownBy(
            () ->
                plan("merge_method: task-arithmetic", "base_model: base", "models:", "- model: c"))
        .isInstanceOf(RecipeException.class)
        .hasMessage(
            """
            r.yaml:4:10: tensor 'model.embed_tokens.weight': model 'c' has shape [5, 4], 'base' has [6, 4]; its vocabulary is smaller, so it cannot be merged row by row
            r.yaml:4:10: tensor 'model.layers.0.mlp.up_proj.weight': model 'c' has shape [4, 8], 'base' has [8, 4]; is it transposed?
            r.yaml:4:10: model 'c' has no tensor 'model.layers.1.mlp.up_proj.weight', which 'base' has; 'missing: base' or 'missing: skip' allows it""");
  }
}
