package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.checkpoint.DType;

/** The entry point, from a recipe to files and weights. */
class OptMergeTest {
  private static final String WEIGHT = "layer.weight";
  private static final String RECIPE =
      "merge_method: task-arithmetic\nbase_model: base\nmodels: [{model: one}, {model: two}]\n"
          + "parameters: {scaling: 0.5}\n";

  @TempDir private Path dir;

  @BeforeEach
  void write_models() {
    model("base", 1, 1, 1, 1);
    // τ = (1, -2, 0, 3) and (2, 2, 0, 1)
    model("one", 2, -1, 1, 4);
    model("two", 3, 3, 1, 2);
  }

  private void model(String name, float... values) {
    TestCheckpoints.folder(dir.resolve(name))
        .tensor(WEIGHT, DType.F32, List.of(2L, 2L), values)
        .config("{}")
        .write();
  }

  @Test
  void a_recipe_is_planned_written_and_held_in_memory() throws IOException {
    Path file = Files.writeString(dir.resolve("recipe.yaml"), RECIPE);

    try (OptMerge merge = OptMerge.open(file)) {
      merge.writeTo(dir.resolve("out"));

      // 1 + 0.5 · (τ_1 + τ_2)
      assertThat(TestCheckpoints.values(dir.resolve("out"), WEIGHT)).containsExactly(2.5f, 1, 1, 3);
      assertThat(merge.weights().weights(WEIGHT)).containsExactly(2.5f, 1, 1, 3);
      assertThat(merge.weights()).isSameAs(merge.weights());
      assertThat(merge.plan().toString())
          .startsWith(
              "task-arithmetic of base, one, two: 1 tensors merged, 0 copied; reads 48 bytes, writes 16");
    }
  }

  @Test
  void a_lambda_takes_the_place_of_the_method_of_a_recipe_given_as_text() throws IOException {
    try (OptMerge merge = OptMerge.of(RECIPE, dir)) {
      OptMerge largest = merge.with("largest", tau -> tau.stack().max(new int[] {0}));

      largest.writeAdapterTo(dir.resolve("adapter"), 2);

      assertThat(largest.weights().weights(WEIGHT)).containsExactly(2, 2, 1, 2.5f);
      assertThat(largest.plan().toString()).startsWith("largest of base, one, two: 1 tensors");
      assertThat(dir.resolve("adapter/adapter_model.safetensors")).exists();
    }
  }
}
