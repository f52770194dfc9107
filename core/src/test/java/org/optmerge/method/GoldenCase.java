package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.assertj.core.data.Percentage;
import org.jspecify.annotations.Nullable;
import org.optmerge.Recorded;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.method.data.Statistics;
import org.optmerge.method.interference.Trajectory;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * One recorded merge: reads its inputs into memory, runs a method, compares with what was recorded.
 */
final class GoldenCase {
  /** A tensor of a checkpoint, in memory. */
  record Tensor(String name, DType dtype, List<Long> shape, float[] values) {}

  private final Path folder;
  private final Recorded json;

  GoldenCase(Path folder, Recorded json) {
    this.folder = folder;
    this.json = json;
  }

  String id() {
    return json.path("id").asText();
  }

  String method() {
    return json.path("method").asText();
  }

  String preset() {
    return json.path("preset").asText();
  }

  /** The recorded statistics of each expert, looked up by a name made from the parameter's. */
  Statistics statistics(UnaryOperator<String> key) {
    List<Map<String, Tensor>> measured = new ArrayList<>();
    json.path("statistics").forEach(path -> measured.add(read(path.asText())));
    return (manager, parameter, expert) ->
        Optional.ofNullable(measured.get(expert).get(key.apply(parameter)))
            .map(tensor -> array(manager, tensor));
  }

  /** A tensor as an array. */
  static NDArray array(NDManager manager, Tensor tensor) {
    long[] shape = tensor.shape().stream().mapToLong(Long::longValue).toArray();
    return manager.create(tensor.values(), new Shape(shape));
  }

  /** The hyperparameters. */
  Recorded settings() {
    return Recorded.object(json.path("hyperparameters"));
  }

  /**
   * Where factors are merged by themselves, this must be done by a strategy, for ranks as given.
   */
  void strategy(String name) {
    if (!json.path("quantity").asText().equals("adapter")) {
      return;
    }
    assertThat(settings().word("strategy")).isEqualTo(name);
    assertThat(settings().flag("factorwise")).isTrue();
    for (JsonNode expert : json.path("experts")) {
      JsonNode config = config(folder.resolve(expert.asText()));
      assertThat(config.path("lora_r").asInt()).isEqualTo(settings().integer("lora_r"));
      assertThat(config.path("lora_alpha").asDouble()).isEqualTo(settings().number("lora_alpha"));
    }
  }

  /** Runs the case; fails with the first tensor that is not as recorded, or an unknown member. */
  void verify(MergeMethod method) {
    json.passOver("family", "preset", "source", "note");
    json.passOver("observed_official_vs_fp64", "observed_delta_official_vs_fp64");
    // The same experts as adapters: another test merges such.
    json.passOver("adapters");
    compare(method);
    json.requireAllRead("case '%s'".formatted(id()));
  }

  private void compare(MergeMethod method) {
    Map<String, Tensor> base =
        json.path("base").isTextual() ? read(json.path("base").asText()) : Map.of();
    List<Map<String, Tensor>> experts = new ArrayList<>();
    json.path("experts").forEach(path -> experts.add(read(path.asText())));
    Map<String, ArrayTaskVectorStream> streams = streams(base, experts);
    String quantity = json.word("quantity");
    if (quantity.equals("statistics")) {
      assertThat(json.isGiven("expected")).isFalse();
      // Of the task vector before scaling.
      json.passOver("scaling");
      verifyStatistics(method, streams);
      return;
    }
    Map<String, Tensor> expected = read(json.path("expected").asText());
    double tolerance = json.number("tolerance");
    if (quantity.equals("adapter")) {
      json.mustBe("scaling", "1.0", "1");
      verifyAdapter(method, experts, expected, tolerance);
      return;
    }
    Map<String, double[]> merged = merge(method, List.copyOf(streams.values()));
    if (quantity.equals("delta")) {
      // Before scaling, whatever the scaling.
      json.passOver("scaling");
      compareAll(merged, expected, tolerance);
      return;
    }
    assertThat(quantity).isEqualTo("model");
    double scaling = json.number("scaling");
    for (Tensor tensor : expected.values()) {
      double[] delta = merged.get(tensor.name());
      Tensor own = base.get(tensor.name());
      if (delta == null) {
        Tensor copied = own == null ? onlyOwner(experts, tensor.name()) : own;
        assertThat(copied.values()).as(tensor.name()).containsExactly(tensor.values());
      } else {
        compare(tensor.name(), result(own, delta, scaling, tensor.dtype()), tensor, tolerance);
      }
    }
    if (json.isGiven("expected_delta")) {
      compareAll(
          merged, read(json.path("expected_delta").asText()), json.number("delta_tolerance"));
    }
  }

  /** Follows a descent on the set's one layer; loss and norm must be as recorded at each point. */
  void verifyTrajectory(MergeMethod method, Recorded recorded) {
    json.passOver("meaning", "trajectories");
    recorded.passOver("source", "note", "observed_vs_fp64");
    followDescent(method, recorded);
    json.requireAllRead("trajectory.json");
    recorded.requireAllRead("trajectory '%s'".formatted(recorded.path("id").asText()));
  }

  private void followDescent(MergeMethod method, Recorded recorded) {
    Tensor base = read(json.path("base").asText()).get(json.path("tensor").asText());
    JsonNode steps = recorded.path("steps");
    try (NDManager manager = NDManager.newBaseManager()) {
      long[] shape = base.shape().stream().mapToLong(Long::longValue).toArray();
      List<TaskVector> vectors = new ArrayList<>();
      for (JsonNode path : json.path("experts")) {
        float[] tau = taskVector(read(path.asText()).get(base.name()), base);
        vectors.add(new TaskVector.Dense(manager.create(tau, new Shape(shape))));
      }
      Trajectory trajectory =
          Trajectory.of(method, new TaskVectors(base.name(), vectors), steps.get(1).asInt());

      assertThat(trajectory.points()).hasSize(steps.size());
      for (int i = 0; i < steps.size(); i++) {
        Trajectory.Point point = trajectory.points().get(i);
        assertThat(point.step()).isEqualTo(steps.get(i).asInt());
        assertThat(point.loss())
            .as("loss after %d steps", point.step())
            .isCloseTo(recorded.path("loss").get(i).asDouble(), relative(recorded, "loss"));
        assertThat(point.norm())
            .as("norm after %d steps", point.step())
            .isCloseTo(
                recorded.path("frobenius_norm").get(i).asDouble(), relative(recorded, "norm"));
      }
    }
  }

  private static Percentage relative(Recorded recorded, String quantity) {
    return Percentage.withPercentage(100 * recorded.number("tolerance_" + quantity));
  }

  /** Factors merged by themselves, and the configuration that goes with them. */
  private void verifyAdapter(
      MergeMethod method,
      List<Map<String, Tensor>> experts,
      Map<String, Tensor> expected,
      double tolerance) {
    try (NDManager manager = NDManager.newBaseManager()) {
      List<Map<String, NDArray>> adapters = new ArrayList<>();
      for (Map<String, Tensor> expert : experts) {
        Map<String, NDArray> adapter = new TreeMap<>();
        expert.forEach(
            (name, tensor) -> {
              long[] shape = tensor.shape().stream().mapToLong(Long::longValue).toArray();
              adapter.put(name, manager.create(tensor.values(), new Shape(shape)));
            });
        adapters.add(adapter);
      }
      Map<String, NDArray> merged = FactorwiseMerge.merge(method, adapters);
      assertThat(merged.keySet()).containsExactlyElementsOf(expected.keySet());
      merged.forEach(
          (name, array) ->
              compare(
                  name,
                  array.toType(DataType.FLOAT64, true).toDoubleArray(),
                  expected.get(name),
                  tolerance));
    }
    Map<String, JsonNode> configs = new LinkedHashMap<>();
    for (JsonNode expert : json.path("experts")) {
      Path adapter = folder.resolve(expert.asText());
      configs.put(adapter.getFileName().toString(), config(adapter));
    }
    assertThat(FactorwiseMerge.mergeConfigs(configs))
        .isEqualTo(Recorded.object(json.path("expected_config")).whole());
  }

  private static JsonNode config(Path adapter) {
    try {
      return new ObjectMapper().readTree(adapter.resolve("config.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The tensors of a folder of the set, by name. */
  Map<String, Tensor> read(String path) {
    Map<String, Tensor> tensors = new TreeMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(path))) {
      for (TensorInfo info : checkpoint.tensors()) {
        float[] values = new float[Math.toIntExact(info.size())];
        checkpoint.read(info, 0, values.length, values);
        tensors.put(info.name(), new Tensor(info.name(), info.dtype(), info.shape(), values));
      }
    }
    return tensors;
  }

  /** What is merged, by name: all tensors the experts share, but for those excluded. */
  private Map<String, ArrayTaskVectorStream> streams(
      Map<String, Tensor> base, List<Map<String, Tensor>> experts) {
    List<Pattern> exclude =
        StreamSupport.stream(json.path("exclude").spliterator(), false)
            .map(pattern -> Pattern.compile(pattern.asText()))
            .toList();
    Map<String, ArrayTaskVectorStream> streams = new LinkedHashMap<>();
    for (Tensor first : experts.get(0).values()) {
      String name = first.name();
      boolean excluded = exclude.stream().anyMatch(p -> p.matcher(name).lookingAt());
      if (!excluded && experts.stream().allMatch(expert -> expert.containsKey(name))) {
        float[][] tau =
            experts.stream()
                .map(expert -> taskVector(expert.get(name), base.get(name)))
                .toArray(float[][]::new);
        streams.put(name, new ArrayTaskVectorStream(name, first.shape(), tau, 100));
      }
    }
    return streams;
  }

  /** θ_t − θ_0 as the reference code has it: rounded to the stored type. */
  private static float[] taskVector(Tensor expert, @Nullable Tensor base) {
    float[] tau = expert.values().clone();
    if (base != null) {
      for (int i = 0; i < tau.length; i++) {
        tau[i] -= base.values()[i];
      }
      FloatCodec.round(base.dtype(), tau, 0, tau.length);
    }
    return tau;
  }

  private static Map<String, double[]> merge(
      MergeMethod method, List<ArrayTaskVectorStream> model) {
    MergeMethod fitted = method.fit(List.<TaskVectorStream>copyOf(model));
    Map<String, double[]> merged = new TreeMap<>();
    for (ArrayTaskVectorStream tau : model) {
      merged.put(tau.parameter(), merge(fitted, tau));
    }
    return merged;
  }

  /** Merges one parameter by either form of a method. */
  static double[] merge(MergeMethod method, TaskVectorStream tau) {
    if (method instanceof StreamingMergeMethod streaming) {
      float[] floats = streaming.merge(tau);
      double[] doubles = new double[floats.length];
      for (int i = 0; i < floats.length; i++) {
        doubles[i] = floats[i];
      }
      return doubles;
    }
    method.check(tau.parameter(), tau.shape(), tau.count());
    try (NDManager manager = NDManager.newBaseManager()) {
      long[] shape = tau.shape().stream().mapToLong(Long::longValue).toArray();
      List<TaskVector> vectors = new ArrayList<>();
      for (int t = 0; t < tau.count(); t++) {
        float[] values = new float[Math.toIntExact(tau.size())];
        int expert = t;
        tau.visit(
            0,
            values.length,
            1,
            block ->
                System.arraycopy(
                    block.tau()[expert], 0, values, (int) block.start(), block.length()));
        vectors.add(new TaskVector.Dense(manager.create(values, new Shape(shape))));
      }
      NDArray merged = method.merge(new TaskVectors(tau.parameter(), vectors));
      return merged.toType(DataType.FLOAT64, true).toDoubleArray();
    }
  }

  /** θ_0 + s Δ, rounded once to the stored type. */
  private static double[] result(
      @Nullable Tensor base, double[] delta, double scaling, DType dtype) {
    double[] result = new double[delta.length];
    float[] rounded = new float[1];
    for (int i = 0; i < delta.length; i++) {
      rounded[0] = (float) (base == null ? delta[i] : base.values()[i] + scaling * delta[i]);
      FloatCodec.round(dtype, rounded, 0, 1);
      result[i] = rounded[0];
    }
    return result;
  }

  private static Tensor onlyOwner(List<Map<String, Tensor>> experts, String name) {
    List<Tensor> owners =
        experts.stream().filter(e -> e.containsKey(name)).map(e -> e.get(name)).toList();
    assertThat(owners).as("owners of " + name).hasSize(1);
    return owners.get(0);
  }

  private static void compareAll(
      Map<String, double[]> merged, Map<String, Tensor> expected, double tolerance) {
    for (Tensor tensor : expected.values()) {
      double[] delta = merged.get(tensor.name());
      assertThat(delta).as(tensor.name() + " is merged").isNotNull();
      compare(tensor.name(), delta, tensor, tolerance);
    }
  }

  /** The relative error in the Frobenius norm; what should be zero must be. */
  private static void compare(String name, double[] actual, Tensor expected, double tolerance) {
    assertThat(actual).as(name).hasSameSizeAs(expected.values());
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += Math.pow(actual[i] - expected.values()[i], 2);
      norm += Math.pow(expected.values()[i], 2);
    }
    if (norm == 0) {
      assertThat(difference).as("error of %s, which is zero", name).isZero();
    } else {
      assertThat(Math.sqrt(difference / norm))
          .as("error of %s", name)
          .isLessThanOrEqualTo(tolerance);
    }
  }

  /** A random method: eight seeds must keep as many entries as recorded, with the right values. */
  private void verifyStatistics(MergeMethod method, Map<String, ArrayTaskVectorStream> streams) {
    Recorded statistics = Recorded.object(json.path("statistics"));
    double factor = statistics.number("kept_values_equal_task_vector_times");
    assertThat(statistics.path("per_tensor")).isNotEmpty();
    statistics
        .path("per_tensor")
        .properties()
        .forEach(
            entry -> {
              ArrayTaskVectorStream tau = streams.get(entry.getKey());
              assertThat(tau).as(entry.getKey()).isNotNull();
              Recorded recorded = Recorded.object(entry.getValue());
              assertThat(tau.size()).isEqualTo(recorded.integer("numel"));
              recorded.passOver("kept_fraction_mean_of_8_seeds");
              JsonNode bounds = recorded.path("kept_fraction_bounds_5_sigma");
              for (long seed = 0; seed < 8; seed++) {
                MergeMethod seeded = MethodParameters.bind(method, Map.of("seed", seed));
                double kept = keptFraction(seeded, tau, factor);
                assertThat(kept)
                    .as("share kept of %s with seed %d", entry.getKey(), seed)
                    .isBetween(bounds.get(0).asDouble(), bounds.get(1).asDouble());
              }
            });
  }

  /** Entries are dropped, which are zero exactly, or kept: then rounded once more at most. */
  private static double keptFraction(MergeMethod method, ArrayTaskVectorStream tau, double factor) {
    assertThat(tau.count()).as("experts").isEqualTo(1);
    double[] merged = merge(method, tau);
    int[] kept = new int[1];
    tau.visit(
        0,
        tau.size(),
        1,
        block -> {
          for (int i = 0; i < block.length(); i++) {
            double value = merged[(int) block.start() + i];
            if (value != 0) {
              float expected = (float) (block.tau()[0][i] * factor);
              assertThat(value).isCloseTo(expected, within((double) Math.ulp(expected)));
              kept[0]++;
            }
          }
        });
    return (double) kept[0] / merged.length;
  }
}
