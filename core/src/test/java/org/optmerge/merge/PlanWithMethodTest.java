package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.method.MergeMethod;
import org.optmerge.taskvector.TaskVectors;

/** A reader's own method in place of a listed one. */
class PlanWithMethodTest {
  @TempDir private Path folder;
  private Path base;
  private List<Path> experts;

  @BeforeEach
  void writeCheckpoints() throws IOException {
    base = model("base", 1, 1, 1, 1);
    // τ = (1, -2, 0, 3) and (2, 2, 0, 1)
    experts = List.of(model("one", 2, -1, 1, 4), model("two", 3, 3, 1, 2));
  }

  private Path model(String name, float... values) throws IOException {
    return new TinyCheckpoint()
        .f32("layer.weight", List.of(2, 2), values)
        .writeTo(folder.resolve(name), "{}");
  }

  private static NDArray largest(TaskVectors tau) {
    return tau.stack().max(new int[] {0});
  }

  @Test
  void a_lambda_merges_whole_checkpoints_and_the_output_names_it() throws IOException {
    Path out = folder.resolve("out");
    try (MergePlan plan = Plans.of(base, experts, new Plans.Sum(), 0.5)) {
      Merger.run(
          plan.withMethod("largest", PlanWithMethodTest::largest),
          out,
          MergeOptions.DEFAULT,
          Progress.NONE);
    }

    float[] merged = new float[4];
    try (Checkpoint checkpoint = Checkpoint.open(out)) {
      checkpoint.read(checkpoint.find("layer.weight").orElseThrow(), 0, 4, merged);
    }
    // 1 + 0.5 · max(τ_1, τ_2)
    assertThat(merged).containsExactly(2, 2, 1, 2.5f);
    assertThat(Files.readString(out.resolve("optmerge.json")))
        .contains("\"merge_method\" : \"largest\"")
        .doesNotContain("Lambda");
    assertThat(Verifier.verify(out, 1, Progress.NONE).passed()).isTrue();
  }

  @Test
  void a_method_over_weights_does_not_fit_a_plan_over_task_vectors() {
    MergeMethod overWeights =
        new MergeMethod() {
          @Override
          public NDArray merge(TaskVectors weights) {
            return largest(weights);
          }

          @Override
          public Operand operand() {
            return Operand.WEIGHTS;
          }
        };

    try (MergePlan plan = Plans.of(base, experts, new Plans.Sum(), 0.5)) {
      assertThatThrownBy(() -> plan.withMethod("mine", overWeights))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("tensor 'layer.weight': the plan gives TASK_VECTORS")
          .hasMessageContaining("mine works on WEIGHTS");
    }
  }
}
