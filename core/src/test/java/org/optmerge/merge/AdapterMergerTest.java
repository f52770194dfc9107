package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

class AdapterMergerTest {
  private static final String WEIGHT = "model.layers.0.q_proj.weight";

  @TempDir Path dir;

  @BeforeEach
  void write_a_base_and_two_adapters() {
    TestCheckpoints.folder(dir.resolve("base"))
        .random(WEIGHT, DType.F32, List.of(12L, 10L), 1)
        .random("model.norm.weight", DType.F32, List.of(10L), 2)
        .config("{}")
        .write();
    for (int t = 1; t <= 2; t++) {
      TestCheckpoints.adapter(dir.resolve("adapter" + t), 2, 4)
          .randomLora("model.layers.0.q_proj", 12, 2, 10, 10 * t)
          .write();
    }
  }

  @Test
  void the_sum_of_two_adapters_is_an_adapter_of_their_ranks_together() throws IOException {
    AdapterMerger.Result result = merge(recipe("task-arithmetic"), 0);

    assertThat(result.rank()).isEqualTo(4);
    assertThat(result.largestError()).isLessThan(1e-6);
    assertThat(onBase("merged"))
        .containsExactly(checkpoint(recipe("task-arithmetic")), within(1e-6f));
  }

  @Test
  void optmerge_keeps_adapters_factored_and_its_result_is_one() throws IOException {
    AdapterMerger.Result result = merge(recipe("optmerge-lora"), 0);

    assertThat(result.rank()).isEqualTo(4);
    assertThat(onBase("merged"))
        .containsExactly(checkpoint(recipe("optmerge-lora")), within(1e-6f));
  }

  @Test
  void a_smaller_rank_is_the_best_approximation_and_says_what_it_loses() throws IOException {
    AdapterMerger.Result result = merge(recipe("task-arithmetic"), 3);

    assertThat(result.rank()).isEqualTo(3);
    float[] exact = checkpoint(recipe("task-arithmetic"));
    float[] base = TestCheckpoints.values(dir.resolve("base"), WEIGHT);
    float[] merged = onBase("merged");
    double lost = 0;
    double all = 0;
    for (int i = 0; i < exact.length; i++) {
      lost += Math.pow(exact[i] - merged[i], 2);
      all += Math.pow(exact[i] - base[i], 2);
    }
    assertThat(result.largestError()).isCloseTo(Math.sqrt(lost / all), within(1e-5));
    assertThat(result.largestError()).isBetween(0.01, 0.9);
  }

  @Test
  void a_method_that_fills_the_matrix_needs_a_rank() throws IOException {
    Path recipe = recipe("ties-tensor");

    assertThatThrownBy(() -> merge(recipe, 0))
        .isInstanceOf(MergeException.class)
        .hasMessageContaining("ties-tensor gives a result of more than rank 4")
        .hasMessageContaining("give a rank to accept that, or write a checkpoint");
    assertThat(dir.resolve("merged")).doesNotExist();
    assertThat(merge(recipe, 10).largestError()).isLessThan(1e-6);
  }

  @Test
  void what_an_adapter_cannot_hold_is_refused() throws IOException {
    TestCheckpoints.folder(dir.resolve("tuned"))
        .random(WEIGHT, DType.F32, List.of(12L, 10L), 3)
        .random("model.norm.weight", DType.F32, List.of(10L), 4)
        .config("{}")
        .write();
    Path recipe =
        Files.writeString(
            dir.resolve("tuned.yaml"),
            "merge_method: task-arithmetic\nbase_model: base\nmodels:\n  - model: tuned\n");

    assertThatThrownBy(() -> merge(recipe, 4))
        .hasMessage(
            "an adapter cannot hold this merge: tensor 'model.norm.weight' [10] is no matrix of a linear layer; exclude such tensors, or write a checkpoint");
  }

  private Path recipe(String method) throws IOException {
    return Files.writeString(
        dir.resolve(method + ".yaml"),
        """
        merge_method: %s
        base_model: base
        models:
          - model: adapter1
          - model: adapter2
        parameters: {scaling: 0.7}
        """
            .formatted(method));
  }

  private AdapterMerger.Result merge(Path recipe, int rank) {
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe), List.of(dir))) {
      return AdapterMerger.run(
          plan, rank, dir.resolve("merged"), MergeOptions.DEFAULT.withThreads(2), Progress.NONE);
    }
  }

  /** The weight of the base with an adapter on it, through the planner and the merger. */
  private float[] onBase(String adapter) throws IOException {
    Path recipe =
        Files.writeString(
            dir.resolve("apply.yaml"),
            "merge_method: task-arithmetic\nbase_model: base\nmodels:\n  - model: %s\nscaling: 1\n"
                .formatted(adapter));
    return checkpoint(recipe);
  }

  private float[] checkpoint(Path recipe) {
    Path out = dir.resolve("out-" + recipe.getFileName());
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe), List.of(dir))) {
      Merger.run(plan, out, MergeOptions.DEFAULT.withThreads(2), Progress.NONE);
    }
    return TestCheckpoints.values(out, WEIGHT);
  }
}
