package org.optmerge.method;

import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What the published implementations computed, one test per recorded case. The folder is that of
 * the system property {@code golden.dir}, which holds {@code methods} or is it; by default a
 * selection among the test resources.
 */
class GoldenMethodsTest {
  /** From the names and hyperparameters of the cases to methods. */
  private static final Map<String, Function<GoldenCase, MergeMethod>> METHODS =
      Map.ofEntries(
          entry("weight-average", c -> new WeightAverage()),
          entry("task-arithmetic", c -> new TaskArithmetic()),
          entry("ties", GoldenMethodsTest::ties),
          entry("dare_ta", c -> dare(c, DropAndRescale.Strategy.RANDOM)),
          entry("magnitude-prune-task-arithmetic", c -> dare(c, DropAndRescale.Strategy.MAGNITUDE)),
          entry("tsv-as-published", c -> new WeightAverage()),
          entry("magmax", c -> new MagMax()),
          entry("model-stock", GoldenMethodsTest::modelStock),
          entry("emr", GoldenMethodsTest::emr),
          entry(
              "consensus-ta",
              c ->
                  new ConsensusTaskArithmetic(
                      c.setting("lambda").asDouble(), c.setting("k").asInt())),
          entry(
              "tall-mask",
              c -> new TallMask(c.setting("lambda").asDouble(), c.setting("task").asInt())),
          entry(
              "slerp",
              c -> new Slerp(c.setting("t").asDouble(), c.setting("dot_threshold").asDouble())),
          entry("modelcompose-mean", c -> new WeightAverage()),
          entry("modelcompose-sum", c -> new TaskArithmetic()),
          entry("modelcompose-weighted", GoldenMethodsTest::weighted));

  @TestFactory
  Stream<DynamicTest> gives_what_the_published_implementations_give()
      throws IOException, URISyntaxException {
    Path folder = folder();
    JsonNode cases = new ObjectMapper().readTree(folder.resolve("cases.json").toFile());
    return StreamSupport.stream(cases.path("cases").spliterator(), false)
        .map(json -> new GoldenCase(folder, json))
        .map(golden -> dynamicTest(golden.id(), () -> golden.verify(method(golden))));
  }

  private static MergeMethod method(GoldenCase golden) {
    Function<GoldenCase, MergeMethod> method = METHODS.get(golden.method());
    if (method == null) {
      return fail("case '%s': no method '%s'".formatted(golden.id(), golden.method()));
    }
    return method.apply(golden);
  }

  /** Where the recorded cases are. */
  static Path folder() throws URISyntaxException {
    String given = System.getProperty("golden.dir");
    if (given != null) {
      // A relative path is one as seen from the project's root, where Maven was started.
      return Stream.of(Path.of(given), Path.of("..").resolve(given))
          .flatMap(path -> Stream.of(path.resolve("methods"), path))
          .filter(path -> Files.exists(path.resolve("cases.json")))
          .findFirst()
          .orElseThrow(() -> new IllegalStateException("golden.dir " + given + ": no cases.json"));
    }
    URL cases = GoldenMethodsTest.class.getResource("/golden/methods/cases.json");
    return Path.of(Objects.requireNonNull(cases).toURI()).getParent();
  }

  private static Ties ties(GoldenCase c) {
    Ties.Scope scope =
        switch (c.setting("scope").asText("global")) {
          case "per-tensor", "tensor" -> Ties.Scope.TENSOR;
          case "global" -> Ties.Scope.GLOBAL;
          default -> fail("ties: scope " + c.setting("scope"));
        };
    Ties.MergeFunction function =
        Ties.MergeFunction.valueOf(c.setting("merge_func").asText("mean").toUpperCase(Locale.ROOT));
    if (c.setting("mask_rate").isNumber()) {
      double maskRate = c.setting("mask_rate").asDouble();
      return new Ties(scope, maskRate, Ties.Rounding.DROPPED_DOWN, function);
    }
    double percent = c.setting("keep_percent").asDouble(c.setting("K").asDouble());
    return new Ties(scope, (100 - percent) / 100, Ties.Rounding.KEPT_DOWN, function);
  }

  private static MergeMethod dare(GoldenCase c, DropAndRescale.Strategy strategy) {
    return new DropAndRescale(
            c.setting("mask_rate").asDouble(), c.setting("rescale").asBoolean(), strategy, 0)
        .then(new TaskArithmetic());
  }

  private static ModelStock modelStock(GoldenCase c) {
    return new ModelStock(
        c.setting("average").asText().equals("angles")
            ? ModelStock.Average.ANGLES
            : ModelStock.Average.COSINES,
        false);
  }

  private static ElectMaskRescale emr(GoldenCase c) {
    return new ElectMaskRescale(
        c.setting("task").isNumber()
            ? OptionalInt.of(c.setting("task").asInt())
            : OptionalInt.empty(),
        c.setting("rescaler").isNumber()
            ? OptionalDouble.of(c.setting("rescaler").asDouble())
            : OptionalDouble.empty());
  }

  /** {@code weighted-0.5-0.3-0.2}. */
  private static Linear weighted(GoldenCase c) {
    List<Double> weights =
        Arrays.stream(c.setting("strategy").asText().split("-"))
            .skip(1)
            .map(Double::valueOf)
            .toList();
    return new Linear(PerModel.of(weights), false);
  }
}
