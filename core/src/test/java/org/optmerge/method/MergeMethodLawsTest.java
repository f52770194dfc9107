package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.method.MergeMethods.Named;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * What holds for every listed method. A law that a method does not obey is named in {@link
 * #EXCEPTIONS}, with the reason.
 */
class MergeMethodLawsTest {
  private static final List<Long> SHAPE = List.of(37L, 29L);

  enum Law {
    /** Permuting the experts, with their parameters, leaves the result. */
    PERMUTATION,
    /** Twice the inputs give twice the result. */
    SCALE,
    /** The negative inputs give the negative result. */
    SIGN,
    /** Of one input nothing but that input comes, if nothing is dropped. */
    SINGLE
  }

  private static final String BY_POSITION = "what is dropped depends on an expert's position";
  private static final String ABSOLUTE = "a threshold is absolute";
  private static final String ADAM = "Adam's steps are absolute";
  private static final String EQUALISED = "singular values are made equal";
  private static final String TWO = "needs two inputs";

  private static final Map<String, Map<Law, String>> EXCEPTIONS =
      Map.ofEntries(
          Map.entry("dare-task-arithmetic", Map.of(Law.PERMUTATION, BY_POSITION)),
          Map.entry("dare-ties", Map.of(Law.PERMUTATION, BY_POSITION)),
          Map.entry("dare_linear", Map.of(Law.PERMUTATION, BY_POSITION)),
          Map.entry("dare_ties", Map.of(Law.PERMUTATION, BY_POSITION)),
          Map.entry("della", Map.of(Law.PERMUTATION, BY_POSITION)),
          Map.entry("della_linear", Map.of(Law.PERMUTATION, BY_POSITION)),
          Map.entry("iso-c", Map.of(Law.SINGLE, EQUALISED)),
          Map.entry("iso-cts", Map.of(Law.SINGLE, EQUALISED)),
          Map.entry("wudi", Map.of(Law.SCALE, ADAM)),
          Map.entry("optmerge-full", Map.of(Law.SCALE, ADAM)),
          Map.entry("optmerge-paper", Map.of(Law.SCALE, ADAM)),
          Map.entry("optmerge-modal", Map.of(Law.SINGLE, "the rank is a fifth whatever N is")),
          Map.entry(
              "doge-ta", Map.of(Law.SCALE, ADAM, Law.SINGLE, "the result has a given length")),
          Map.entry("model-stock", Map.of(Law.SCALE, "1e-8 is added to divisors", Law.SINGLE, TWO)),
          Map.entry("model_stock", Map.of(Law.SINGLE, TWO)),
          Map.entry("consensus-ta", Map.of(Law.SINGLE, "an entry must matter to two tasks")),
          Map.entry("tall-mask", Map.of(Law.PERMUTATION, "one task is recovered")),
          Map.entry("slerp", Map.of(Law.PERMUTATION, "the base comes first", Law.SINGLE, TWO)),
          Map.entry("nuslerp", Map.of(Law.SINGLE, TWO)),
          Map.entry(
              "arcee_fusion",
              Map.of(
                  Law.PERMUTATION,
                  "the base comes first",
                  Law.SCALE,
                  "rows are seen through a softmax",
                  Law.SIGN,
                  "rows are seen through a softmax",
                  Law.SINGLE,
                  TWO)),
          Map.entry("nearswap", Map.of(Law.SCALE, ABSOLUTE, Law.SINGLE, "large changes are cut")),
          Map.entry("ram", Map.of(Law.SCALE, ABSOLUTE)),
          Map.entry("ramplus_tl", Map.of(Law.SCALE, ABSOLUTE)));

  static Stream<Named> all() {
    return MergeMethods.ALL.stream();
  }

  static Stream<Named> permuting_the_experts_leaves_the_result() {
    return obeying(Law.PERMUTATION);
  }

  static Stream<Named> twice_the_inputs_give_twice_the_result() {
    return obeying(Law.SCALE);
  }

  static Stream<Named> negative_inputs_give_the_negative_result() {
    return obeying(Law.SIGN);
  }

  static Stream<Named> one_input_comes_back() {
    return obeying(Law.SINGLE);
  }

  private static Stream<Named> obeying(Law law) {
    return all().filter(named -> !EXCEPTIONS.getOrDefault(named.name(), Map.of()).containsKey(law));
  }

  static Stream<Named> streaming() {
    return all().filter(named -> named.method() instanceof StreamingMergeMethod);
  }

  @Test
  void exceptions_are_of_listed_methods() {
    assertThat(MergeMethods.names()).containsAll(EXCEPTIONS.keySet());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void permuting_the_experts_leaves_the_result(Named named) {
    float[][] tau = random(named, SHAPE, 1);
    MergeMethod method = MethodSettings.method(named);
    int[] order = IntStream.range(0, tau.length).map(t -> tau.length - 1 - t).toArray();
    float[][] permuted = Arrays.stream(order).mapToObj(t -> tau[t]).toArray(float[][]::new);

    assertClose(merge(permuted(method, order), permuted), merge(method, tau), 2e-6);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void twice_the_inputs_give_twice_the_result(Named named) {
    float[][] tau = random(named, SHAPE, 2);
    MergeMethod method = MethodSettings.method(named);

    assertClose(merge(method, times(tau, 2)), times(merge(method, tau), 2), 2e-6);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void negative_inputs_give_the_negative_result(Named named) {
    float[][] tau = random(named, SHAPE, 3);
    MergeMethod method = MethodSettings.method(named);

    assertClose(merge(method, times(tau, -1)), times(merge(method, tau), -1), 2e-6);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void one_input_comes_back(Named named) {
    float[][] tau = {random(named, SHAPE, 4)[0]};

    // Adam wanders about a minimum by some of its step of 1e-5.
    assertClose(merge(MethodSettings.keepingAll(named), tau), doubles(tau[0]), 5e-6);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void inputs_of_zeros_give_zeros(Named named) {
    float[][] zeros = new float[MethodSettings.count(named)][37 * 29];

    assertThat(merge(MethodSettings.method(named), zeros)).containsOnly(0.0);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void the_inputs_are_left_as_they_were(Named named) {
    float[][] tau = random(named, SHAPE, 5);
    float[][] before = Arrays.stream(tau).map(float[]::clone).toArray(float[][]::new);

    merge(MethodSettings.method(named), tau);

    assertThat(tau).isDeepEqualTo(before);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void the_same_seed_gives_the_same_values(Named named) {
    float[][] tau = random(named, SHAPE, 6);
    MergeMethod seven = MethodParameters.bind(MethodSettings.method(named), Map.of("seed", 7));
    MergeMethod eight = MethodParameters.bind(MethodSettings.method(named), Map.of("seed", 8));

    double[] values = merge(seven, tau);

    assertThat(merge(seven, tau)).isEqualTo(values);
    if (!eight.equals(seven)) {
      assertThat(merge(eight, tau)).isNotEqualTo(values);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("streaming")
  void blocks_may_be_cut_anywhere(Named named) {
    float[][] tau = random(named, SHAPE, 7);
    MergeMethod method = MethodSettings.method(named);

    double[] whole = merge(method, new ArrayTaskVectorStream("w", SHAPE, tau, 1 << 20));

    for (int block : new int[] {1, 13, 64}) {
      assertThat(merge(method, new ArrayTaskVectorStream("w", SHAPE, tau, block))).isEqualTo(whole);
    }
  }

  @Tag("slow")
  @ParameterizedTest(name = "{0}")
  @MethodSource("streaming")
  void several_threads_give_the_same_bits_as_one(Named named) {
    // Large enough for more than one segment.
    List<Long> shape = List.of(2100L, 1000L);
    float[][] tau = random(named, shape, 8);
    MergeMethod method = MethodSettings.method(named);

    double[] alone = merge(method, new ArrayTaskVectorStream("w", shape, tau));

    ForkJoinPool pool = new ForkJoinPool(4);
    try {
      double[] together =
          pool.submit(() -> merge(method, new ArrayTaskVectorStream("w", shape, tau, 5001))).join();
      assertThat(Arrays.equals(together, alone)).isTrue();
    } finally {
      pool.shutdown();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("streaming")
  void the_tensor_form_gives_what_the_streaming_form_gives(Named named) {
    float[][] tau = random(named, SHAPE, 9);
    MergeMethod method = MethodSettings.method(named);
    try (NDManager manager = NDManager.newBaseManager()) {
      List<TaskVector> vectors = new ArrayList<>();
      for (float[] values : tau) {
        vectors.add(new TaskVector.Dense(manager.create(values, new Shape(37, 29))));
      }

      NDArray merged = method.merge(new TaskVectors("w", vectors));

      assertThat(merged.getShape()).isEqualTo(new Shape(37, 29));
      assertThat(merged.toType(DataType.FLOAT64, true).toDoubleArray())
          .isEqualTo(GoldenCase.merge(method, new ArrayTaskVectorStream("w", SHAPE, tau)));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("streaming")
  void parameters_without_entries_are_merged_to_nothing(Named named) {
    float[][] tau = new float[MethodSettings.count(named)][0];

    assertThat(
            merge(
                MethodSettings.method(named), new ArrayTaskVectorStream("w", List.of(0L, 4L), tau)))
        .isEmpty();
  }

  private static double[] merge(MergeMethod method, float[][] tau) {
    return merge(method, new ArrayTaskVectorStream("w", SHAPE, tau));
  }

  private static double[] merge(MergeMethod method, ArrayTaskVectorStream tau) {
    return GoldenCase.merge(method.fit(List.of(tau)), tau);
  }

  /** The method with its per-model parameters in another order. */
  private static MergeMethod permuted(MergeMethod method, int[] order) {
    Map<String, Object> values = new HashMap<>();
    for (MethodParameters.Parameter parameter : MethodParameters.of(method)) {
      if (parameter.perModel() && parameter.defaultValue().orElseThrow() instanceof List<?> list) {
        values.put(
            parameter.name(), Arrays.stream(order).mapToObj(t -> (Object) list.get(t)).toList());
      }
    }
    return MethodParameters.bind(method, values);
  }

  private static float[][] random(Named named, List<Long> shape, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int size = Math.toIntExact(Extents.size(shape));
    float[][] tau = new float[MethodSettings.count(named)][size];
    for (float[] values : tau) {
      for (int i = 0; i < size; i++) {
        values[i] = (float) (random.nextDouble() - random.nextDouble());
      }
    }
    return tau;
  }

  private static float[][] times(float[][] tau, float factor) {
    float[][] scaled = new float[tau.length][];
    for (int t = 0; t < tau.length; t++) {
      scaled[t] = tau[t].clone();
      for (int i = 0; i < scaled[t].length; i++) {
        scaled[t][i] *= factor;
      }
    }
    return scaled;
  }

  private static double[] times(double[] values, double factor) {
    return Arrays.stream(values).map(value -> value * factor).toArray();
  }

  private static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }

  /** The relative error in the Frobenius norm is within a tolerance. */
  static void assertClose(double[] actual, double[] expected, double tolerance) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(difference / norm)).isLessThanOrEqualTo(tolerance);
  }
}
