package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/** What holds for every listed method, but for the laws that it is excepted from. */
class MergeMethodLawsTest {
  private static final List<Long> SHAPE = List.of(37L, 29L);

  static Stream<NamedMethod> all() {
    return MergeMethods.ALL.stream();
  }

  private static Stream<Arguments> laws(boolean obeyed) {
    return all()
        .flatMap(
            named ->
                Arrays.stream(Law.values())
                    .filter(law -> named.exceptions().containsKey(law) != obeyed)
                    .map(law -> Arguments.of(named, law)));
  }

  static Stream<Arguments> every_law_is_obeyed_that_is_not_excepted() {
    return laws(true);
  }

  static Stream<Arguments> no_law_is_excepted_that_is_obeyed() {
    return laws(false);
  }

  static Stream<NamedMethod> streaming() {
    return all().filter(named -> named.method() instanceof StreamingMergeMethod);
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource
  void every_law_is_obeyed_that_is_not_excepted(NamedMethod named, Law law) {
    requireObeyed(law, named);
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource
  void no_law_is_excepted_that_is_obeyed(NamedMethod named, Law law) {
    assertThat(named.exceptions().get(law)).isNotBlank();
    assertThatThrownBy(() -> requireObeyed(law, named))
        .isInstanceOfAny(AssertionError.class, IllegalArgumentException.class);
  }

  private static void requireObeyed(Law law, NamedMethod named) {
    float[][] tau = random(named, SHAPE, law.ordinal() + 1);
    MergeMethod method = MethodSettings.method(named);
    switch (law) {
      case PERMUTATION -> {
        int[] order = IntStream.range(0, tau.length).map(t -> tau.length - 1 - t).toArray();
        float[][] permuted = Arrays.stream(order).mapToObj(t -> tau[t]).toArray(float[][]::new);
        assertClose(merge(permuted(method, order), permuted), merge(method, tau), 2e-6);
      }
      case SCALE -> assertClose(merge(method, times(tau, 2)), times(merge(method, tau), 2), 2e-6);
      case SIGN -> assertClose(merge(method, times(tau, -1)), times(merge(method, tau), -1), 2e-6);
      // Adam wanders about a minimum by some of its step of 1e-5.
      case SINGLE ->
          assertClose(
              merge(MethodSettings.keepingAll(named), new float[][] {tau[0]}),
              doubles(tau[0]),
              5e-6);
      default -> throw new AssertionError(law);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void a_method_that_needs_no_model_does_not_look_at_it(NamedMethod named) {
    MergeMethod method = MethodSettings.method(named);
    AtomicBoolean looked = new AtomicBoolean();
    List<TaskVectorStream> model =
        new AbstractList<>() {
          @Override
          public TaskVectorStream get(int index) {
            looked.set(true);
            return new ArrayTaskVectorStream("w", SHAPE, random(named, SHAPE, 10));
          }

          @Override
          public int size() {
            looked.set(true);
            return 1;
          }
        };

    MergeMethod fitted = method.fit(model);

    assertThat(looked.get()).isEqualTo(method.needsModel());
    assertThat(fitted.needsModel()).isFalse();
    if (!method.needsModel()) {
      assertThat(fitted).isEqualTo(method);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void inputs_of_zeros_give_zeros(NamedMethod named) {
    float[][] zeros = new float[MethodSettings.count(named)][37 * 29];

    assertThat(merge(MethodSettings.method(named), zeros)).containsOnly(0.0);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void the_inputs_are_left_as_they_were(NamedMethod named) {
    float[][] tau = random(named, SHAPE, 5);
    float[][] before = Arrays.stream(tau).map(float[]::clone).toArray(float[][]::new);

    merge(MethodSettings.method(named), tau);

    assertThat(tau).isDeepEqualTo(before);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void the_same_seed_gives_the_same_values(NamedMethod named) {
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
  void blocks_may_be_cut_anywhere(NamedMethod named) {
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
  void several_threads_give_the_same_bits_as_one(NamedMethod named) {
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
  void the_tensor_form_gives_what_the_streaming_form_gives(NamedMethod named) {
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
  void parameters_without_entries_are_merged_to_nothing(NamedMethod named) {
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

  private static float[][] random(NamedMethod named, List<Long> shape, long seed) {
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
