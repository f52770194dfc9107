package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

/** λ that is found from the weights, through planner, merger and everything else that merges. */
class ScalingSearchTest {
  private static final String UP = "model.layers.0.mlp.up_proj.weight";
  private static final String DOWN = "model.layers.0.mlp.down_proj.weight";
  private static final String NORM = "model.norm.weight";

  @TempDir private Path dir;

  @BeforeEach
  void writeModels() throws IOException {
    for (int t = 0; t < 4; t++) {
      // More rows than a sketch keeps, and fewer.
      TestCheckpoints.folder(dir.resolve(t == 0 ? "base" : "expert" + t))
          .random(UP, DType.F32, List.of(150L, 20L), 10 + t)
          .random(DOWN, DType.F32, List.of(20L, 150L), 20 + t)
          .random(NORM, DType.F32, List.of(20L), 30 + t)
          .config("{}")
          .write();
      TestCheckpoints.adapter(dir.resolve("adapter" + t), 2, 4)
          .randomLora("model.layers.0.mlp.up_proj", 150, 2, 20, 40 + t)
          .write();
    }
  }

  private MergePlan plan(String method, String scaling) throws IOException {
    return plan(method, scaling, "expert");
  }

  private MergePlan plan(String method, String scaling, String experts) throws IOException {
    Path recipe =
        Files.writeString(
            dir.resolve("recipe.yaml"),
            """
            merge_method: %s
            base_model: base
            models: [{model: %s1}, {model: %s2}, {model: %s3}]
            parameters:
              scaling: %s
            """
                .formatted(method, experts, experts, experts, scaling));
    return Planner.plan(RecipeParser.parse(recipe), List.of(dir));
  }

  private Path merge(String method, String scaling, String out, int threads) throws IOException {
    try (MergePlan plan = plan(method, scaling)) {
      MergeOptions options = MergeOptions.DEFAULT.withThreads(threads);
      return Merger.run(plan, dir.resolve(out), options, Progress.NONE).folder();
    }
  }

  private static byte[] weights(Path model) throws IOException {
    return Files.readAllBytes(model.resolve("model.safetensors"));
  }

  private static JsonNode provenance(Path model) throws IOException {
    return Json.plain().readTree(model.resolve("optmerge.json").toFile());
  }

  @ParameterizedTest
  @ValueSource(strings = {"task-arithmetic", "ties-tensor", "tsv", "optmerge-flow-10"})
  void the_same_bytes_for_any_number_of_threads_and_as_with_the_number_itself(String method)
      throws IOException {
    Path one = merge(method, "auto", "one", 1);
    Path four = merge(method, "auto", "four", 4);

    assertThat(weights(four)).isEqualTo(weights(one));
    JsonNode recorded = provenance(one);
    assertThat(recorded.path("scalings")).hasSize(1);
    JsonNode found = recorded.path("scalings").path(0);
    assertThat(found.path("rule").asText()).isEqualTo("auto");
    assertThat(found.path("tensors").asInt()).isEqualTo(3);
    double lambda = found.path("scaling").asDouble();
    assertThat(lambda)
        .isEqualTo(Math.min(found.path("E").asDouble(), found.path("cap").asDouble()));
    assertThat(recorded.path("tensors"))
        .allSatisfy(tensor -> assertThat(tensor.path("scaling").asDouble()).isEqualTo(lambda));
    assertThat(recorded.path("recipe").path("parameters").path("scaling").asText())
        .isEqualTo("auto");
    assertThat(weights(merge(method, Double.toString(lambda), "number", 2)))
        .isEqualTo(weights(one));
    assertThat(Verifier.verify(one, 1, Progress.NONE).problems()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"task-arithmetic", "tsv"})
  void in_memory_is_what_a_file_would_hold(String method) throws IOException {
    Path file = merge(method, "auto", "file", 2);
    try (MergePlan plan = plan(method, "auto")) {
      MergedWeights merged = MergedWeights.of(plan);

      for (String name : merged.names()) {
        assertThat(merged.weights(name)).isEqualTo(TestCheckpoints.values(file, name));
      }
      assertThat(PlanDescription.of(merged.plan()).scalings()).hasSize(1);
      assertThat(merged.plan().seeksScaling()).isFalse();
    }
  }

  @Test
  void each_tensor_may_have_its_own() throws IOException {
    JsonNode each = provenance(merge("task-arithmetic", "{auto: tensor}", "each", 2));

    assertThat(each.path("scalings").isMissingNode()).isTrue();
    assertThat(each.path("tensors")).hasSize(3);
    assertThat(each.path("tensors"))
        .allSatisfy(
            tensor -> {
              assertThat(tensor.path("measured_scaling").path("tensors").asInt()).isEqualTo(1);
              assertThat(tensor.path("measured_scaling").path("scaling").asDouble())
                  .isEqualTo(tensor.path("scaling").asDouble());
            });
    assertThat(each.path("recipe").path("parameters").path("scaling").path("auto").asText())
        .isEqualTo("tensor");
  }

  @Test
  void a_filter_gives_some_tensors_a_number_and_the_others_a_rule() throws IOException {
    JsonNode mixed =
        provenance(
            merge(
                "task-arithmetic",
                "[{filter: norm, value: 0.3}, {filter: up_proj, value: {frobenius: tensor}},"
                    + " {value: auto}]",
                "mixed",
                1));

    assertThat(mixed.path("scalings")).hasSize(1);
    assertThat(mixed.path("scalings").path(0).path("tensors").asInt()).isEqualTo(1);
    for (JsonNode tensor : mixed.path("tensors")) {
      switch (tensor.path("name").asText()) {
        case NORM -> assertThat(tensor.path("scaling").asDouble()).isEqualTo(0.3);
        case UP ->
            assertThat(tensor.path("measured_scaling").path("rule").asText())
                .isEqualTo("frobenius");
        default ->
            assertThat(tensor.path("scaling").asDouble())
                .isEqualTo(mixed.path("scalings").path(0).path("scaling").asDouble());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"interference", "frobenius", "spectral"})
  void other_rules(String rule) throws IOException {
    JsonNode found = provenance(merge("weight-average", rule, rule, 2)).path("scalings").path(0);

    assertThat(found.path("rule").asText()).isEqualTo(rule);
    assertThat(found.path("scaling").asDouble()).isBetween(0.5, 5.0);
    if (rule.equals("frobenius")) {
      assertThat(found.path("scaling").asDouble()).isEqualTo(found.path("F").asDouble());
    }
  }

  @Test
  void adapters_stay_factored_and_scale_as_what_they_stand_for() throws IOException {
    double factored;
    try (MergePlan plan = plan("optmerge-flow-10", "auto", "adapter")) {
      factored = lambda(ScalingSearch.measured(plan, MergeOptions.DEFAULT, Progress.NONE));
      AdapterMerger.Result result =
          AdapterMerger.run(
              plan, 0, dir.resolve("lora"), MergeOptions.DEFAULT.withThreads(2), Progress.NONE);
      assertThat(result.largestError()).isLessThan(1e-6);
    }
    for (int t = 1; t < 4; t++) {
      Path recipe =
          Files.writeString(
              dir.resolve("apply.yaml"),
              """
              merge_method: task-arithmetic
              base_model: base
              models: [{model: adapter%d}]
              """
                  .formatted(t));
      try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe), List.of(dir))) {
        Merger.run(plan, dir.resolve("whole" + t), MergeOptions.DEFAULT, Progress.NONE);
      }
    }
    try (MergePlan plan = plan("optmerge-flow-10", "auto", "whole")) {
      MergePlan measured = ScalingSearch.measured(plan, MergeOptions.DEFAULT, Progress.NONE);
      assertThat(lambda(measured)).isCloseTo(factored, within(1e-4));
    }
  }

  private static double lambda(MergePlan plan) {
    return PlanDescription.of(plan).scalings().get(0).scaling();
  }

  /** Killed while λ is looked for, then once more while tensors are written. */
  @ParameterizedTest
  @ValueSource(strings = {"ties-tensor", "tsv"})
  void goes_on_after_a_kill_to_the_same_bytes(String method) throws IOException {
    Path whole = merge(method, "auto", "whole", 1);
    Path out = dir.resolve("out");
    MergeOptions one = MergeOptions.DEFAULT.withThreads(1);
    MergeOptions resuming = one.withFlags(MergeOptions.Flag.RESUME);
    try (MergePlan plan = plan(method, "auto")) {
      assertThatThrownBy(() -> Merger.run(plan, out, one, new Stop(1, 100))).hasMessage("stop");
      assertThatThrownBy(() -> Merger.run(plan, out, resuming, new Stop(100, 1)))
          .hasMessage("stop");
      Measured measured = new Measured();
      MergeResult result = Merger.run(plan, out, resuming, measured);

      assertThat(result.resumed()).isEqualTo(1);
      assertThat(measured.count.get()).as("measured again").isZero();
    }
    assertThat(weights(out)).isEqualTo(weights(whole));
    assertThat(provenance(out).path("scalings")).isEqualTo(provenance(whole).path("scalings"));
  }

  /** Fails after some tensors were measured or written. */
  private static final class Stop implements Progress {
    private final AtomicInteger measured;
    private final AtomicInteger written;

    Stop(int measured, int written) {
      this.measured = new AtomicInteger(measured);
      this.written = new AtomicInteger(written);
    }

    @Override
    public void detail(String text) {
      count(measured);
    }

    @Override
    public void finishedPart(String name) {
      count(written);
    }

    private static void count(AtomicInteger left) {
      if (left.decrementAndGet() <= 0) {
        throw new IllegalStateException("stop");
      }
    }
  }

  private static final class Measured implements Progress {
    private final AtomicInteger count = new AtomicInteger();

    @Override
    public void detail(String text) {
      count.incrementAndGet();
    }
  }

  @Test
  void an_expert_that_changes_nothing_has_no_say() throws IOException {
    Files.createDirectories(dir.resolve("still"));
    for (String file : List.of("model.safetensors", "config.json")) {
      Files.copy(dir.resolve("base").resolve(file), dir.resolve("still").resolve(file));
    }
    Path recipe =
        Files.writeString(
            dir.resolve("still.yaml"),
            """
            merge_method: task-arithmetic
            base_model: base
            models: [{model: still}]
            parameters: {scaling: auto}
            """);
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe), List.of(dir))) {
      MergePlan measured = ScalingSearch.measured(plan, MergeOptions.DEFAULT, Progress.NONE);

      assertThat(lambda(measured)).isEqualTo(1);
      assertThat(PlanDescription.of(measured).scalings().get(0).bound())
          .isEqualTo("the merge changes nothing");
    }
  }
}
