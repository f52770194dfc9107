package org.optmerge.method;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
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
import org.optmerge.Recorded;
import org.optmerge.method.data.Fisher;
import org.optmerge.method.data.RegMean;
import org.optmerge.method.interference.Aswudi;
import org.optmerge.method.interference.Descent;
import org.optmerge.method.interference.Init;
import org.optmerge.method.interference.Iwudi;
import org.optmerge.method.interference.OptMergeMethod;
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
          entry("task-arithmetic", c -> plain(c, "merge-ta", new TaskArithmetic())),
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
                      c.settings().number("lambda"), c.settings().integer("k"))),
          entry(
              "tall-mask",
              c -> new TallMask(c.settings().number("lambda"), c.settings().integer("task"))),
          entry(
              "slerp",
              c -> new Slerp(c.settings().number("t"), c.settings().number("dot_threshold"))),
          entry("tsv", GoldenMethodsTest::tsv),
          entry("iso-c", GoldenMethodsTest::isoC),
          entry("iso", GoldenMethodsTest::isoC),
          entry("iso-cts", c -> new IsoCts(c.settings().number("common_space_fraction"))),
          entry("wudi", GoldenMethodsTest::wudi),
          entry("optmerge-lora", c -> optMerge(c, OptMergeMethod.LORA)),
          entry("optmerge-full", c -> optMerge(c, OptMergeMethod.FULL_FINE_TUNING)),
          entry("optmerge-modal", c -> optMerge(c, OptMergeMethod.MODALITIES)),
          entry("wudi2", c -> optMerge(c, preset(c))),
          entry("swudi", GoldenMethodsTest::swudi),
          entry("aswudi", GoldenMethodsTest::aswudi),
          entry("iwudi", GoldenMethodsTest::iwudi),
          entry("iwudi-exponential", GoldenMethodsTest::iwudi),
          entry("iwudi-tikhonov", GoldenMethodsTest::iwudi),
          entry("iwudi-landweber", GoldenMethodsTest::iwudi),
          entry("svc", GoldenMethodsTest::calibrated),
          entry(
              "regmean",
              c ->
                  new RegMean(
                      c.statistics(name -> name.replaceAll("\\.weight$", "")),
                      c.settings().number("reduce_non_diagonal_ratio"))),
          entry("fisher", GoldenMethodsTest::fisher),
          entry("doge-ta", GoldenMethodsTest::dogeTa),
          entry("modelcompose-mean", c -> plain(c, "mean", new WeightAverage())),
          entry("modelcompose-sum", c -> plain(c, "sum", new TaskArithmetic())),
          entry("modelcompose-weighted", GoldenMethodsTest::weighted));

  @TestFactory
  Stream<DynamicTest> gives_what_the_published_implementations_give()
      throws IOException, URISyntaxException {
    Path folder = folder();
    Recorded set = Recorded.object(Recorded.tree(folder.resolve("cases.json")));
    set.mustBe("format", "1");
    JsonNode cases = set.path("cases");
    set.passOver("cases");
    set.requireAllRead("cases.json");
    return StreamSupport.stream(cases.spliterator(), false)
        .map(json -> new GoldenCase(folder, Recorded.object(Recorded.tree(json))))
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
    Recorded json = Recorded.object(Recorded.tree(file));
    json.mustBe("format", "1");
    GoldenCase layer = new GoldenCase(folder, json);
    return StreamSupport.stream(json.path("trajectories").spliterator(), false)
        .map(recorded -> Recorded.object(Recorded.tree(recorded)))
        .map(
            recorded ->
                dynamicTest(
                    "trajectory." + recorded.path("id").asText(),
                    () -> layer.verifyTrajectory(descending(recorded), recorded)));
  }

  /** The method of an id such as {@code optmerge-lora.sgd}. */
  private static MergeMethod descending(Recorded recorded) {
    JsonNode steps = recorded.path("steps");
    Map<String, Object> descent =
        Map.of(
            "optimiser", recorded.word("optimizer"),
            "learning_rate", recorded.number("lr"),
            "momentum", recorded.number("momentum", 0.9),
            "steps", steps.get(steps.size() - 1).asInt());
    String name = recorded.path("id").asText().replaceAll("\\.[a-z]+$", "");
    return MethodParameters.bind(name, MergeMethods.named(name).method(), descent);
  }

  static MergeMethod method(GoldenCase golden) {
    Function<GoldenCase, MergeMethod> method = METHODS.get(golden.method());
    if (method == null) {
      return fail("case '%s': no method '%s'".formatted(golden.id(), golden.method()));
    }
    MergeMethod made = method.apply(golden);
    golden.settings().requireAllRead("case '%s'".formatted(golden.id()));
    return made;
  }

  /** A method without settings; the name says with which strategy factors are merged by it. */
  private static MergeMethod plain(GoldenCase c, String strategy, MergeMethod method) {
    c.strategy(strategy);
    return method;
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
    Recorded given = c.settings();
    c.strategy("merge-ties");
    Ties.Scope scope =
        given.choice(
            "scope",
            Ties.Scope.GLOBAL,
            Map.of(
                "global", Ties.Scope.GLOBAL,
                "per-tensor", Ties.Scope.TENSOR,
                "tensor", Ties.Scope.TENSOR));
    Ties.MergeFunction function =
        given.choice(
            "merge_func",
            Ties.MergeFunction.MEAN,
            Map.of(
                "mean", Ties.MergeFunction.MEAN,
                "dis-mean", Ties.MergeFunction.MEAN,
                "sum", Ties.MergeFunction.SUM,
                "dis-sum", Ties.MergeFunction.SUM,
                "max", Ties.MergeFunction.MAX,
                "dis-max", Ties.MergeFunction.MAX));
    if (given.has("mask_rate")) {
      given.mustBe("k", "int(d*mask_rate)");
      return new Ties(scope, given.number("mask_rate"), Ties.Rounding.DROPPED_DOWN, function);
    }
    double kept = given.number(given.has("K") ? "K" : "keep_percent");
    // The published functions take a share as well as a percentage.
    double percent = kept >= 1 ? kept : 100 * kept;
    given.mustBe("k", "d - int(d*keep)", "d - int(d*%s)".formatted(percent / 100));
    return new Ties(scope, (100 - percent) / 100, Ties.Rounding.KEPT_DOWN, function);
  }

  private static MergeMethod dare(GoldenCase c, DropAndRescale.Strategy strategy) {
    Recorded given = c.settings();
    given.mustBe("mask_strategy", strategy.name().toLowerCase(Locale.ROOT));
    return new DropAndRescale(given.number("mask_rate"), given.flag("rescale"), strategy, 0)
        .then(new TaskArithmetic());
  }

  private static ModelStock modelStock(GoldenCase c) {
    return new ModelStock(
        c.settings()
            .choice(
                "average",
                Map.of("angles", ModelStock.Average.ANGLES, "cosines", ModelStock.Average.COSINES)),
        false);
  }

  private static ElectMaskRescale emr(GoldenCase c) {
    Recorded given = c.settings();
    return new ElectMaskRescale(
        given.isGiven("task") ? OptionalInt.of(given.integer("task")) : OptionalInt.empty(),
        given.isGiven("rescaler")
            ? OptionalDouble.of(given.number("rescaler"))
            : OptionalDouble.empty());
  }

  /** {@code weighted-0.5-0.3-0.2}. */
  private static Linear weighted(GoldenCase c) {
    String strategy = c.settings().word("strategy");
    c.strategy(strategy);
    assertThat(strategy).startsWith("weighted-");
    List<Double> weights = Arrays.stream(strategy.split("-")).skip(1).map(Double::valueOf).toList();
    return new Linear(PerModel.of(weights), false);
  }

  private static IsoC isoC(GoldenCase c) {
    c.strategy("merge-iso");
    return new IsoC(
        c.settings()
            .choice(
                "non_2d",
                NonMatrixRule.MEAN,
                Map.of(
                    "sum", NonMatrixRule.SUM,
                    "mean", NonMatrixRule.MEAN,
                    "none present", NonMatrixRule.MEAN)));
  }

  private static Tsv tsv(GoldenCase c) {
    c.strategy("merge-tsv");
    c.settings().mustBe("rank", "int(min(m,n)/N)");
    return new Tsv();
  }

  private static Wudi wudi(GoldenCase c) {
    c.strategy("merge-wudi");
    return new Wudi(init(c, "init", Init.SUM), descent(c, Wudi.PUBLISHED.descent()));
  }

  private static OptMergeMethod preset(GoldenCase c) {
    return switch (c.preset()) {
      case "optmerge-lora" -> OptMergeMethod.LORA;
      case "optmerge-full" -> OptMergeMethod.FULL_FINE_TUNING;
      case "optmerge-modal" -> OptMergeMethod.MODALITIES;
      default -> fail("wudi2: preset " + c.preset());
    };
  }

  private static OptMergeMethod optMerge(GoldenCase c, OptMergeMethod preset) {
    Recorded given = c.settings();
    c.strategy("merge-wudi2");
    return new OptMergeMethod(
        init(c, "init", preset.init()),
        given.has("rank") ? rankShare(given.path("rank").asText()) : preset.rankShare(),
        given.choice(
            "target",
            preset.centred(),
            Map.of(
                "rank-k of the task vector", false,
                "rank-k of (task vector - mean) + mean", true)),
        given.choice(
            "projector",
            preset.projector(),
            Map.of(
                "s_k v_k^t of the task vector", OptMergeMethod.Projector.TRUNCATED,
                "the whole task vector", OptMergeMethod.Projector.FULL)),
        descent(c, preset.descent()));
  }

  /** {@code int(min(m,n)/N)}, or a number in place of N. */
  private static OptionalDouble rankShare(String rank) {
    String divisor = rank.replaceFirst("^int\\(min\\(m,n\\)/([^)]*)\\)$", "$1");
    if (divisor.equals("N")) {
      return OptionalDouble.empty();
    }
    try {
      return OptionalDouble.of(1 / Double.parseDouble(divisor));
    } catch (NumberFormatException e) {
      return fail("setting 'rank' is '%s'".formatted(rank));
    }
  }

  private static Init init(GoldenCase c, String name, Init absent) {
    return c.settings()
        .choice(name, absent, Map.of("sum", Init.SUM, "mean", Init.MEAN, "zero", Init.ZERO));
  }

  private static Descent descent(GoldenCase c, Descent preset) {
    Recorded given = c.settings();
    double learningRate = given.number("lr", preset.learningRate());
    int steps = given.integer("steps", preset.steps());
    String optimizer = given.word("optimizer", preset.optimiser().name().toLowerCase(Locale.ROOT));
    return switch (optimizer) {
      case "adam" -> Descent.adam(learningRate, steps);
      case "sgd" -> Descent.sgd(learningRate, given.number("momentum", preset.momentum()), steps);
      default -> fail("setting 'optimizer' is '%s'".formatted(optimizer));
    };
  }

  private static Swudi swudi(GoldenCase c) {
    Recorded given = c.settings();
    Swudi.Filter filter = filter(c, Swudi.PUBLISHED.filter());
    // No ratio is no truncation.
    double share =
        given.has("truncate_rank_ratio") && !given.isGiven("truncate_rank_ratio")
            ? 1
            : given.number("truncate_rank_ratio", Swudi.PUBLISHED.rankShare());
    return new Swudi(
        time(c, filter, Swudi.PUBLISHED.time()),
        share,
        filter,
        init(c, "init_mode", Init.SUM),
        given.number("min_eigenvalue", Swudi.PUBLISHED.minEigenvalue()));
  }

  private static Aswudi aswudi(GoldenCase c) {
    Recorded given = c.settings();
    Aswudi published = Aswudi.PUBLISHED;
    String rule = given.word("auto_rank_method", "participation_sqrt");
    boolean cumulative = rule.startsWith("cumvar_");
    Swudi.Filter filter = filter(c, published.filter());
    return new Aswudi(
        cumulative ? RankRule.CUMULATIVE_VARIANCE : RankRule.valueOf(rule.toUpperCase(Locale.ROOT)),
        cumulative ? Double.parseDouble(rule.substring("cumvar_".length())) : 0.95,
        given.integer("min_rank", published.minRank()),
        given.number("max_rank_ratio", published.maxRankShare()),
        given.number("rank_scale", published.rankScale()),
        filter,
        time(c, filter, published.time()),
        init(c, "init_mode", Init.SUM),
        given.number("min_eigenvalue", published.minEigenvalue()));
  }

  private static Swudi.Filter filter(GoldenCase c, Swudi.Filter absent) {
    return c.settings()
        .choice(
            "filter_type",
            absent,
            Map.of("exponential", Swudi.Filter.EXPONENTIAL, "none", Swudi.Filter.NONE));
  }

  /** The published functions look at the time only where gradient flow flows. */
  private static double time(GoldenCase c, Swudi.Filter filter, double absent) {
    if (filter == Swudi.Filter.NONE) {
      c.settings().passOver("exp_time");
      return absent;
    }
    return c.settings().number("exp_time", absent);
  }

  private static Iwudi iwudi(GoldenCase c) {
    Recorded given = c.settings();
    Iwudi preset =
        given.choice(
            "filter_type",
            Map.of(
                "exponential", Iwudi.EXPONENTIAL,
                "tikhonov", Iwudi.TIKHONOV,
                "landweber", Iwudi.LANDWEBER));
    assertThat(c.method())
        .isIn("iwudi", "iwudi-" + preset.filter().name().toLowerCase(Locale.ROOT));
    double time = preset.time();
    double alpha = preset.alpha();
    int steps = preset.steps();
    double stepShare = preset.stepShare();
    // The published function looks at the settings of the filter that it uses.
    switch (preset.filter()) {
      case EXPONENTIAL -> time = given.number("exp_time", time);
      case TIKHONOV -> alpha = given.number("tikhonov_alpha", alpha);
      case LANDWEBER -> {
        steps = given.integer("landweber_steps", steps);
        stepShare = given.number("landweber_eta_ratio", stepShare);
      }
    }
    given.passOver("exp_time", "tikhonov_alpha", "landweber_steps", "landweber_eta_ratio");
    return new Iwudi(
        preset.filter(),
        time,
        alpha,
        steps,
        stepShare,
        init(c, "init_mode", Init.SUM),
        given.number("min_eigenvalue", preset.minEigenvalue()));
  }

  private static MergeMethod calibrated(GoldenCase c) {
    Recorded given = c.settings();
    given.mustBe("merged_by", "task-arithmetic");
    return new SingularValueCalibration(
        new TaskArithmetic(), given.number("task_arithmetic_scaling"), given.number("alpha"));
  }

  private static DogeTa dogeTa(GoldenCase c) {
    Recorded given = c.settings();
    given.mustBe("optimizer", "adam");
    return new DogeTa(
        given.integer("subspace"),
        given.number("K"),
        given.number("lamda"),
        given.integer("steps"),
        given.number("lr"));
  }

  private static Fisher fisher(GoldenCase c) {
    JsonNode given = c.settings().path("coefficients");
    PerModel coefficients = PerModel.each(1);
    if (given.isArray()) {
      coefficients =
          PerModel.of(
              StreamSupport.stream(given.spliterator(), false).map(JsonNode::asDouble).toList());
    } else if (!given.isNull()) {
      c.settings().mustBe("coefficients", "equal");
    }
    return new Fisher(
        c.statistics(name -> name),
        coefficients,
        c.settings().flag("normalize_fisher_weight"),
        c.settings().number("minimal_fisher_weight"));
  }
}
