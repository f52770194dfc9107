package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.CounterRandom;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

/** What a merge in memory gives is what a merge to the disk writes. */
class MergedWeightsTest {
  private static final int SIZE = 24;

  @TempDir private Path folder;
  private Path base;
  private final List<Path> experts = new ArrayList<>();

  @BeforeEach
  void writeCheckpoints() throws IOException {
    base = model("base", 0);
    for (int t = 1; t <= 3; t++) {
      experts.add(model("expert" + t, t));
    }
  }

  private Path model(String name, int expert) throws IOException {
    TinyCheckpoint checkpoint = new TinyCheckpoint();
    for (String tensor : List.of("a.weight", "b.weight")) {
      CounterRandom common = CounterRandom.of(1, tensor);
      CounterRandom own = CounterRandom.of(2 + expert, tensor);
      float[] values = new float[SIZE];
      for (int i = 0; i < SIZE; i++) {
        double value = common.gaussian(i) + (expert == 0 ? 0 : 0.1 * own.gaussian(i));
        // What bfloat16 holds exactly.
        values[i] = Float.intBitsToFloat(Float.floatToRawIntBits((float) value) & 0xffff0000);
      }
      checkpoint.bf16(tensor, List.of(4, 6), values);
    }
    return checkpoint.writeTo(folder.resolve(name), "{}");
  }

  private MergePlan plan(String method, String parameters) throws IOException {
    StringBuilder recipe = new StringBuilder("merge_method: %s\n".formatted(method));
    recipe.append("base_model: %s\nmodels:\n".formatted(base));
    experts.forEach(expert -> recipe.append("  - model: %s\n".formatted(expert)));
    recipe.append("parameters: %s\n".formatted(parameters));
    Path file = folder.resolve(method + ".yaml");
    Files.writeString(file, recipe);
    return Planner.plan(RecipeParser.parse(file));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "task-arithmetic",
        "ties-tensor",
        "ties-global",
        "dare-ties",
        "tsv",
        "optmerge-lora"
      })
  void they_are_what_a_file_would_hold_bit_for_bit(String method) throws IOException {
    Path out = folder.resolve("out-" + method);
    try (MergePlan plan = plan(method, "{scaling: 0.7}")) {
      MergedWeights merged = MergedWeights.of(plan);
      MergedWeights inFile = MergedWeights.of(plan, 0);
      Merger.run(plan, out, MergeOptions.DEFAULT, Progress.NONE);
      try (Checkpoint checkpoint = Checkpoint.open(out)) {
        for (TensorInfo tensor : checkpoint.tensors()) {
          float[] written = new float[SIZE];
          checkpoint.read(tensor, 0, SIZE, written);
          assertThat(merged.weights(tensor.name())).containsExactly(written);
          assertThat(inFile.weights(tensor.name())).containsExactly(written);
          assertThat(inFile.weights(tensor.name(), 0.3))
              .containsExactly(merged.weights(tensor.name(), 0.3));
        }
        assertThat(merged.names()).containsExactlyInAnyOrder("a.weight", "b.weight");
      }
    }
  }

  @Test
  void another_lambda_gives_what_a_merge_with_it_would() throws IOException {
    try (MergePlan one = plan("tsv", "{scaling: 1.0}");
        MergePlan half = plan("tsv", "{scaling: 0.5}")) {
      assertThat(MergedWeights.of(one).weights("a.weight", 0.5))
          .containsExactly(MergedWeights.of(half).weights("a.weight"));
    }
  }

  @Test
  void a_tensor_the_plan_does_not_merge_is_an_error() throws IOException {
    try (MergePlan plan = plan("tsv", "{scaling: 1.0}")) {
      MergedWeights merged = MergedWeights.of(plan);
      assertThatThrownBy(() -> merged.weights("c.weight"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the plan merges no tensor 'c.weight'");
    }
  }
}
