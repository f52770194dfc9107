package org.optmerge.method;

import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.base.CounterRandom;
import org.optmerge.method.MergeMethod.Operand;
import org.optmerge.taskvector.ArrayTaskVectorStream;

/** Every method against its naive twin, on smooth inputs and on inputs full of zeros and equals. */
class NaiveTwinsTest {
  private static final int ROWS = 23;
  private static final int COLUMNS = 31;
  private static final int SIZE = ROWS * COLUMNS;
  private static final double[] WEIGHTS = {0.5, 0.25, 0.25};
  private static final PerModel WEIGHT = PerModel.of(WEIGHTS);
  private static final long SEED = 11;

  static Stream<Arguments> twins() {
    return Stream.of(
        all("weight-average", new WeightAverage(), NaiveMethods::mean),
        all("task-arithmetic", new TaskArithmetic(), x -> NaiveMethods.combine(x, 1, 1, 1)),
        all("linear", new Linear(WEIGHT, true), x -> NaiveMethods.combine(x, WEIGHTS)),
        all("ties-tensor", Ties.PER_TENSOR, x -> NaiveMethods.ties(x, (int) (SIZE * 0.8))),
        all("magmax", new MagMax(), NaiveMethods::magmax),
        all("emr", ElectMaskRescale.UNIFIED, NaiveMethods::emr),
        smooth(
            "consensus-ta",
            new ConsensusTaskArithmetic(0.4, 2),
            x -> NaiveMethods.consensus(x, 0.4f, 2)),
        all(
            "model_stock",
            new ModelStock(ModelStock.Average.COSINES, false),
            NaiveMethods::modelStock),
        all(
            "multislerp",
            new MultiSlerp(WEIGHT, true, 1e-8, Operand.TASK_VECTORS),
            x -> NaiveMethods.multislerp(x, WEIGHTS)),
        all("karcher", Karcher.DEFAULT, x -> NaiveMethods.karcher(x, 10)),
        all("slerp", Slerp.of(0.3), x -> NaiveMethods.slerp(x[0], x[1], 0.3)),
        all(
            "nuslerp",
            new NuSlerp(PerModel.of(0.6, 0.4), true, false, Operand.WEIGHTS),
            x -> NaiveMethods.slerp(x[0], x[1], 0.4)),
        smooth("sce", new Sce(0.3, false), x -> NaiveMethods.sce(x, 0.3)),
        smooth(
            "arcee_fusion", new ArceeFusion(), x -> NaiveMethods.arceeFusion(x[0], x[1], COLUMNS)),
        all(
            "ties",
            sparse("ties", 0.4, false),
            x -> NaiveMethods.taskArithmetic(each(x, NaiveTwinsTest::top), WEIGHTS, true, true)),
        all(
            "ties, rescaled",
            sparse("ties", 0.4, true),
            x ->
                NaiveMethods.taskArithmetic(
                    each(x, tau -> NaiveMethods.rescale(top(tau), tau)), WEIGHTS, true, true)),
        all(
            "breadcrumbs",
            sparse("breadcrumbs", 0.4, false),
            x ->
                NaiveMethods.taskArithmetic(
                    each(x, NaiveTwinsTest::middle), WEIGHTS, false, false)),
        all(
            "breadcrumbs_ties",
            sparse("breadcrumbs_ties", 0.4, false),
            x ->
                NaiveMethods.taskArithmetic(each(x, NaiveTwinsTest::middle), WEIGHTS, true, false)),
        smooth(
            "dare_ties",
            sparse("dare_ties", 0.4, true),
            x -> NaiveMethods.taskArithmetic(dare(x), WEIGHTS, true, false)),
        smooth(
            "della",
            sparse("della", 0.4, true),
            x -> NaiveMethods.taskArithmetic(della(x), WEIGHTS, true, true)),
        smooth(
            "della_linear",
            sparse("della_linear", 0.4, true),
            x -> NaiveMethods.taskArithmetic(della(x), WEIGHTS, false, false)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("twins")
  void gives_what_its_twin_gives(
      String name, MergeMethod method, Function<double[][], double[]> twin, boolean equals) {
    for (boolean coarse : equals ? new boolean[] {false, true} : new boolean[] {false}) {
      int count = name.matches("slerp|nuslerp|arcee_fusion") ? 2 : 3;
      float[][] tau = random(count, coarse);
      double[][] exact = new double[count][SIZE];
      for (int t = 0; t < count; t++) {
        int expert = t;
        Arrays.setAll(exact[t], i -> tau[expert][i]);
      }

      double[] merged =
          GoldenCase.merge(
              method,
              new ArrayTaskVectorStream(
                  "w", List.of((long) ROWS, (long) COLUMNS), tau, 3 * COLUMNS));

      MergeMethodLawsTest.assertClose(merged, twin.apply(exact), 1e-6);
    }
  }

  private static MergeMethod sparse(String method, double density, boolean rescale) {
    return MergeMethods.named(method)
        .with(Map.of("weight", WEIGHT, "density", density, "rescale", rescale, "seed", SEED));
  }

  private static double[] top(double[] tau) {
    return NaiveMethods.band(tau, SIZE - (int) (0.4 * SIZE), SIZE);
  }

  private static double[] middle(double[] tau) {
    int outliers = (int) (0.01 * SIZE);
    return NaiveMethods.band(tau, SIZE - (int) (0.4 * SIZE) - outliers, SIZE - outliers);
  }

  private static double[][] dare(double[][] x) {
    return each(
        x,
        (t, tau) ->
            NaiveMethods.rescale(
                NaiveMethods.bernoulli(tau, 0.4, new CounterRandom(SEED, t, "w")), tau));
  }

  private static double[][] della(double[][] x) {
    return each(
        x,
        (t, tau) ->
            NaiveMethods.rescale(
                NaiveMethods.magprune(tau, COLUMNS, 0.4, 0.15, new CounterRandom(SEED, t, "w")),
                tau));
  }

  private interface Sparsify {
    double[] of(int t, double[] tau);
  }

  private static double[][] each(double[][] x, Sparsify sparsify) {
    return IntStream.range(0, x.length)
        .mapToObj(t -> sparsify.of(t, x[t]))
        .toArray(double[][]::new);
  }

  private static double[][] each(double[][] x, Function<double[], double[]> sparsify) {
    return Arrays.stream(x).map(sparsify).toArray(double[][]::new);
  }

  private static float[][] random(int count, boolean coarse) {
    SplittableRandom random = new SplittableRandom(coarse ? 1 : 2);
    float[][] tau = new float[count][SIZE];
    for (float[] values : tau) {
      for (int i = 0; i < SIZE; i++) {
        double value = random.nextDouble() + random.nextDouble() - 1;
        // Eighths: many zeros, many equals, sums that cancel.
        values[i] = (float) (coarse ? Math.rint(value * 8) / 8 : value);
      }
    }
    return tau;
  }

  private static Arguments all(
      String name, MergeMethod method, Function<double[][], double[]> twin) {
    return arguments(name, method, twin, true);
  }

  /** For methods in which rounding decides between equals. */
  private static Arguments smooth(
      String name, MergeMethod method, Function<double[][], double[]> twin) {
    return arguments(name, method, twin, false);
  }
}
