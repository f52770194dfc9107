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
import org.optmerge.method.data.Fisher;
import org.optmerge.method.data.RegMean;
import org.optmerge.method.interference.Aswudi;
import org.optmerge.method.interference.Descent;
import org.optmerge.method.interference.Init;
import org.optmerge.method.interference.Iwudi;
import org.optmerge.method.interference.OptMerge;
import org.optmerge.method.interference.RankRule;
import org.optmerge.method.interference.Swudi;
import org.optmerge.method.interference.Wudi;

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
          entry("tsv", c -> new Tsv()),
          entry("iso-c", GoldenMethodsTest::isoC),
          entry("iso", GoldenMethodsTest::isoC),
          entry("iso-cts", c -> new IsoCts(c.setting("common_space_fraction").asDouble())),
          entry("wudi", c -> new Wudi(init(c, Init.SUM), descent(c, Wudi.PUBLISHED.descent()))),
          entry("optmerge-lora", c -> optMerge(c, OptMerge.LORA)),
          entry("optmerge-full", c -> optMerge(c, OptMerge.FULL_FINE_TUNING)),
          entry("optmerge-modal", c -> optMerge(c, OptMerge.MODALITIES)),
          entry("wudi2", c -> optMerge(c, preset(c))),
          entry("swudi", GoldenMethodsTest::swudi),
          entry("aswudi", GoldenMethodsTest::aswudi),
          entry("iwudi-exponential", c -> iwudi(c, Iwudi.EXPONENTIAL)),
          entry("iwudi-tikhonov", c -> iwudi(c, Iwudi.TIKHONOV)),
          entry("iwudi-landweber", c -> iwudi(c, Iwudi.LANDWEBER)),
          entry(
              "svc",
              c ->
                  new SingularValueCalibration(
                      new TaskArithmetic(),
                      c.setting("task_arithmetic_scaling").asDouble(),
                      c.setting("alpha").asDouble())),
          entry(
              "regmean",
              c ->
                  new RegMean(
                      c.statistics(name -> name.replaceAll("\\.weight$", "")),
                      c.setting("reduce_non_diagonal_ratio").asDouble())),
          entry("fisher", GoldenMethodsTest::fisher),
          entry(
              "doge-ta",
              c ->
                  new DogeTa(
                      c.setting("subspace").asInt(),
                      c.setting("K").asDouble(),
                      c.setting("lamda").asDouble(),
                      c.setting("steps").asInt(),
                      c.setting("lr").asDouble())),
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

  /** Loss and norm after every ten steps, where the set has them. */
  @TestFactory
  Stream<DynamicTest> descends_as_the_published_implementations_do()
      throws IOException, URISyntaxException {
    Path folder = folder();
    Path file = folder.resolve("trajectory.json");
    if (!Files.exists(file)) {
      return Stream.empty();
    }
    JsonNode json = new ObjectMapper().readTree(file.toFile());
    GoldenCase layer = new GoldenCase(folder, json);
    return StreamSupport.stream(json.path("trajectories").spliterator(), false)
        .map(
            recorded ->
                dynamicTest(
                    "trajectory." + recorded.path("id").asText(),
                    () -> layer.verifyTrajectory(descending(recorded), recorded)));
  }

  /** The method of an id such as {@code optmerge-lora.sgd}. */
  private static MergeMethod descending(JsonNode recorded) {
    JsonNode steps = recorded.path("steps");
    Map<String, Object> descent =
        Map.of(
            "optimiser", recorded.path("optimizer").asText(),
            "learning_rate", recorded.path("lr").asDouble(),
            "momentum", recorded.path("momentum").asDouble(0.9),
            "steps", steps.get(steps.size() - 1).asInt());
    String name = recorded.path("id").asText().replaceAll("\\.[a-z]+$", "");
    return MethodParameters.bind(name, MergeMethods.named(name).method(), descent);
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

  private static IsoC isoC(GoldenCase c) {
    boolean sum = c.setting("non_2d").asText().equals("sum");
    return new IsoC(sum ? Elsewhere.SUM : Elsewhere.MEAN);
  }

  private static OptMerge preset(GoldenCase c) {
    return switch (c.preset()) {
      case "optmerge-lora" -> OptMerge.LORA;
      case "optmerge-full" -> OptMerge.FULL_FINE_TUNING;
      case "optmerge-modal" -> OptMerge.MODALITIES;
      default -> fail("wudi2: preset " + c.preset());
    };
  }

  private static OptMerge optMerge(GoldenCase c, OptMerge preset) {
    OptionalDouble share =
        switch (c.setting("rank").asText()) {
          case "int(min(m,n)/N)" -> OptionalDouble.empty();
          case "int(min(m,n)/5)" -> OptionalDouble.of(0.2);
          case "" -> preset.rankShare();
          default -> fail("optmerge: rank " + c.setting("rank"));
        };
    return new OptMerge(
        init(c, preset.init()),
        share,
        preset.centred(),
        preset.projector(),
        descent(c, preset.descent()));
  }

  private static Init init(GoldenCase c, Init otherwise) {
    String given = c.setting("init").asText(c.setting("init_mode").asText());
    return given.isEmpty() ? otherwise : Init.valueOf(given.toUpperCase(Locale.ROOT));
  }

  private static Descent descent(GoldenCase c, Descent preset) {
    double learningRate = c.setting("lr").asDouble(preset.learningRate());
    int steps = c.setting("steps").asInt(preset.steps());
    String optimizer = c.setting("optimizer").asText(preset.optimiser().name());
    return switch (optimizer.toLowerCase(Locale.ROOT)) {
      case "adam" -> Descent.adam(learningRate, steps);
      case "sgd" ->
          Descent.sgd(learningRate, c.setting("momentum").asDouble(preset.momentum()), steps);
      default -> fail("optimizer " + optimizer);
    };
  }

  private static Swudi swudi(GoldenCase c) {
    return new Swudi(
        c.setting("exp_time").asDouble(Swudi.PUBLISHED.time()),
        c.setting("truncate_rank_ratio").asDouble(Swudi.PUBLISHED.rankShare()),
        Swudi.Filter.valueOf(
            c.setting("filter_type").asText("exponential").toUpperCase(Locale.ROOT)),
        init(c, Init.SUM),
        c.setting("min_eigenvalue").asDouble(1e-8));
  }

  private static Aswudi aswudi(GoldenCase c) {
    String rule = c.setting("auto_rank_method").asText("participation_sqrt");
    boolean cumulative = rule.startsWith("cumvar_");
    return new Aswudi(
        cumulative ? RankRule.CUMULATIVE_VARIANCE : RankRule.valueOf(rule.toUpperCase(Locale.ROOT)),
        cumulative ? Double.parseDouble(rule.substring("cumvar_".length())) : 0.95,
        c.setting("min_rank").asInt(1),
        c.setting("max_rank_ratio").asDouble(1),
        c.setting("rank_scale").asDouble(1),
        init(c, Init.SUM),
        c.setting("min_eigenvalue").asDouble(1e-8));
  }

  private static Iwudi iwudi(GoldenCase c, Iwudi preset) {
    return new Iwudi(
        preset.filter(),
        c.setting("exp_time").asDouble(preset.time()),
        c.setting("tikhonov_alpha").asDouble(preset.alpha()),
        c.setting("landweber_steps").asInt(preset.steps()),
        c.setting("landweber_eta_ratio").asDouble(preset.stepShare()),
        init(c, Init.SUM),
        c.setting("min_eigenvalue").asDouble(1e-8));
  }

  private static Fisher fisher(GoldenCase c) {
    JsonNode given = c.setting("coefficients");
    PerModel coefficients =
        given.isArray()
            ? PerModel.of(
                StreamSupport.stream(given.spliterator(), false).map(JsonNode::asDouble).toList())
            : PerModel.each(1);
    return new Fisher(
        c.statistics(name -> name),
        coefficients,
        c.setting("normalize_fisher_weight").asBoolean(),
        c.setting("minimal_fisher_weight").asDouble());
  }
}
