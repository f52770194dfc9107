package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.DType;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.StreamingMergeMethod;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/** One check of what a method returns, wherever it goes. */
class MethodResultTest {
  private static final String WEIGHT = "model.layers.0.q_proj.weight";
  private static final int ROWS = 4;
  private static final int COLUMNS = 6;

  /** Where a merge can go. */
  enum Way {
    DISK {
      @Override
      float[] merge(MergePlan plan, Path folder) {
        Merger.run(plan, folder.resolve("out"), MergeOptions.DEFAULT, Progress.NONE);
        return TestCheckpoints.values(folder.resolve("out"), WEIGHT);
      }
    },
    MEMORY {
      @Override
      float[] merge(MergePlan plan, Path folder) {
        return MergedWeights.of(plan).weights(WEIGHT);
      }
    },
    LAMBDA_SEARCH {
      @Override
      float[] merge(MergePlan plan, Path folder) {
        return MergedWeights.of(plan).weights(WEIGHT, 1);
      }
    },
    ADAPTER {
      @Override
      float[] merge(MergePlan plan, Path folder) {
        Path out = folder.resolve("out");
        AdapterMerger.run(plan, ROWS, out, MergeOptions.DEFAULT, Progress.NONE);
        return TestCheckpoints.values(out, "base_model.model.%s".formatted(WEIGHT));
      }
    };

    abstract float[] merge(MergePlan plan, Path folder);
  }

  @TempDir private Path folder;
  private MergePlan plan;

  @BeforeEach
  void plan() {
    for (int t = 0; t <= 2; t++) {
      TestCheckpoints.folder(folder.resolve("model" + t))
          .random(WEIGHT, DType.F32, List.of((long) ROWS, (long) COLUMNS), t + 1)
          .config("{}")
          .write();
    }
    plan =
        Plans.of(
            folder.resolve("model0"),
            List.of(folder.resolve("model1"), folder.resolve("model2")),
            new Plans.Sum(),
            1);
  }

  /** Returns factors. */
  private interface Factored extends MergeMethod {
    @Override
    TaskVector mergeFactored(TaskVectors tau);

    @Override
    default NDArray merge(TaskVectors tau) {
      return mergeFactored(tau).dense();
    }
  }

  private static NDArray sum(TaskVectors tau) {
    return tau.stack().sum(new int[] {0});
  }

  private static NDArray with(TaskVectors tau, float value) {
    float[] values = sum(tau).toFloatArray();
    values[8] = value;
    return tau.manager().create(values, tau.shape());
  }

  private static NDArray closed(TaskVectors tau) {
    NDArray array = sum(tau);
    array.close();
    return array;
  }

  private static TaskVector factors(TaskVectors tau, int rows, float value) {
    NDManager manager = tau.manager();
    return new TaskVector.LowRank(
        manager.ones(new Shape(rows, 1)).mul(value), manager.ones(new Shape(1, COLUMNS)), 1);
  }

  private static StreamingMergeMethod streaming(StreamingMergeMethod.BlockMerge merge) {
    return tau -> merge;
  }

  /** What comes of each, by what it is. */
  private static Map<MergeMethod, String> faults() {
    Map<MergeMethod, String> faults = new LinkedHashMap<>();
    String shape = "the parameter has (4, 6)";
    String finite = "although every input is finite; use another method, or --allow-nonfinite";
    faults.put(tau -> null, "returned null, expected an array of shape (4, 6)");
    faults.put((Factored) tau -> null, "returned null, expected an array of shape (4, 6)");
    faults.put(tau -> sum(tau).transpose(), "returned shape (6, 4), " + shape);
    faults.put(tau -> sum(tau).concat(sum(tau)), "returned shape (8, 6), " + shape);
    faults.put((Factored) tau -> factors(tau, 5, 1), "returned shape (5, 6), " + shape);
    faults.put(
        tau -> sum(tau).toType(DataType.INT32, true), "returned int32, expected floating point");
    faults.put(tau -> sum(tau).gt(0), "returned boolean, expected floating point");
    faults.put(MethodResultTest::closed, "returned an array that is closed");
    faults.put(tau -> with(tau, Float.NaN), "returned NaN at [1, 2], " + finite);
    faults.put(
        tau -> with(tau, Float.NEGATIVE_INFINITY), "returned -Infinity at [1, 2], " + finite);
    faults.put(
        tau -> sum(tau).toType(DataType.FLOAT64, true).mul(1e300), "Infinity at [0, 0], " + finite);
    faults.put((Factored) tau -> factors(tau, ROWS, Float.NaN), "returned NaN at [0, 0], ");
    faults.put(streaming((block, merged) -> merged[8] = Float.NaN), "returned NaN at ");
    faults.put(streaming((block, merged) -> merged[0] = 1), "returned NaN at [0, 1], " + finite);
    faults.put(streaming(null), "failed: prepared null for its blocks");
    faults.put(
        tau -> {
          throw new IllegalStateException("no such thing");
        },
        "failed: no such thing");
    return faults;
  }

  static Stream<Arguments> every_fault_in_every_way() {
    return faults().entrySet().stream()
        .flatMap(
            fault ->
                Stream.of(Way.values())
                    .map(way -> Arguments.of(way, fault.getValue(), fault.getKey())));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("every_fault_in_every_way")
  void a_result_that_is_no_merged_tensor_is_refused(Way way, String message, MergeMethod method)
      throws IOException {
    assertThatThrownBy(() -> way.merge(titled(method), folder))
        .isInstanceOf(MergeException.class)
        .hasMessageContaining("tensor '%s': method mine ".formatted(WEIGHT))
        .hasMessageContaining(message);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("model0", "model1", "model2");
    }
  }

  /** Named, as a streaming method that is no lambda names itself. */
  private MergePlan titled(MergeMethod method) {
    return plan.withMethod(
        "mine",
        method instanceof StreamingMergeMethod streaming ? new TitledStreaming(streaming) : method);
  }

  private record TitledStreaming(StreamingMergeMethod method) implements StreamingMergeMethod {
    @Override
    public BlockMerge prepare(TaskVectorStream tau) {
      return method.prepare(tau);
    }

    @Override
    public String toString() {
      return "mine";
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"DISK", "MEMORY", "LAMBDA_SEARCH"})
  void a_plan_that_allows_it_lets_nan_through(Way way) {
    MergePlan allowing = Plans.allowingNonFinite(titled(tau -> with(tau, Float.NaN)));

    float[] merged = way.merge(allowing, folder);

    assertThat(merged[8]).isNaN();
    assertThat(merged[9]).isFinite();
  }

  @Test
  void an_adapter_cannot_hold_nan_even_if_the_plan_allows_it() {
    MergePlan allowing = Plans.allowingNonFinite(titled(tau -> with(tau, Float.NaN)));

    assertThatThrownBy(() -> Way.ADAPTER.merge(allowing, folder))
        .hasMessageContaining(WEIGHT)
        .hasMessageContaining("NaN");
  }

  @ParameterizedTest
  @EnumSource(names = {"DISK", "MEMORY"})
  void an_input_itself_is_a_result_like_another(Way way) {
    float[] expert = TestCheckpoints.values(folder.resolve("model1"), WEIGHT);

    float[] merged = way.merge(titled(tau -> tau.vectors().get(0).dense()), folder);

    float[] base = TestCheckpoints.values(folder.resolve("model0"), WEIGHT);
    for (int i = 0; i < merged.length; i++) {
      assertThat(merged[i]).isEqualTo(base[i] + (expert[i] - base[i]));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"DISK", "MEMORY"})
  void a_result_may_be_in_a_manager_of_its_own_and_in_any_floating_type(Way way) {
    float[] base = TestCheckpoints.values(folder.resolve("model0"), WEIGHT);
    for (DataType type : List.of(DataType.FLOAT16, DataType.FLOAT32, DataType.FLOAT64)) {
      try (NDManager own = NDManager.newBaseManager()) {
        NDArray halves = own.full(new Shape(ROWS, COLUMNS), 0.5f).toType(type, true);

        float[] merged = way.merge(titled(tau -> halves), folder.resolve(type.name()));

        for (int i = 0; i < merged.length; i++) {
          assertThat(merged[i]).isEqualTo(base[i] + 0.5f);
        }
        assertThat(halves.isReleased()).isFalse();
      }
    }
  }
}
