package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.Recorded;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.plan.Stages;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.RecipeParser;

/**
 * Recipes that mergekit was run on, and what it wrote.
 *
 * <p>The set is that of the system property {@code golden.dir}, a folder that holds {@code
 * mergekit/} or is it; without the property, the part that is among the test resources. A case of a
 * method, kind or grammar that is not known fails.
 */
class GoldenMergekitTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Recipe.MergekitVersion V0_1_4 = Recipe.MergekitVersion.V0_1_4;
  private static final Recipe.MergekitVersion V0_1_5 = Recipe.MergekitVersion.V0_1_5;
  private static final MergeOptions FOUR_THREADS = MergeOptions.DEFAULT.withThreads(4);

  @TempDir Path scratch;

  @TestFactory
  Stream<DynamicTest> recipes_give_what_mergekit_wrote() throws IOException {
    return of("cases", "as of 0.1.4", (golden, it) -> run(golden, it, V0_1_4, ""));
  }

  @TestFactory
  Stream<DynamicTest> recipes_give_what_mergekit_0_1_5_wrote() throws IOException {
    return Stream.concat(
        of("cases", "as of 0.1.5", (golden, it) -> run(golden, it, V0_1_5, "_0_1_5")),
        of("cases_0_1_5", "", (golden, it) -> run(golden, it, V0_1_5, "")));
  }

  @TestFactory
  Stream<DynamicTest> recipes_that_did_not_change_give_the_same_as_of_0_1_4() throws IOException {
    return of(
        "cases_0_1_5",
        it -> it.path("mergekit_0_1_4").asText().equals("same"),
        "as of 0.1.4",
        (golden, it) -> run(golden, it, V0_1_4, ""));
  }

  @TestFactory
  Stream<DynamicTest> invalid_recipes_are_refused_with_a_clear_error() throws IOException {
    return of("invalid", "as of 0.1.4", (golden, it) -> refuse(golden, it, V0_1_4));
  }

  @TestFactory
  Stream<DynamicTest> recipes_are_refused_that_mergekit_0_1_5_refuses() throws IOException {
    return Stream.concat(
        of(
            "invalid",
            "as of 0.1.5",
            (golden, it) -> {
              if (it.path("expected_0_1_5").isTextual()) {
                run(golden, it, V0_1_5, "_0_1_5");
              } else {
                refuse(golden, it, V0_1_5);
              }
            }),
        of(
            "invalid_0_1_5",
            it -> it.path("ours_may_accept").isMissingNode(),
            "",
            (golden, it) -> refuse(golden, it, V0_1_5)));
  }

  /** Runs one recorded case. */
  @FunctionalInterface
  private interface Case {
    void run(Path golden, Recorded it) throws Exception;
  }

  private static Stream<DynamicTest> of(String list, String variant, Case action)
      throws IOException {
    return of(list, it -> true, variant, action);
  }

  private static Stream<DynamicTest> of(
      String list, Predicate<Recorded> which, String variant, Case action) throws IOException {
    Path golden = golden();
    return elements(cases(golden).path(list))
        .filter(which)
        .map(
            it ->
                dynamicTest(
                    (it.path("id").asText() + " " + variant).strip(),
                    () -> known(it, () -> action.run(golden, it))));
  }

  /**
   * Runs a case; what mergekit said and how exact it is are no settings, and others are unknown.
   */
  private static void known(Recorded it, Executable test) throws Throwable {
    it.passOver("method", "computed_in", "observed_mergekit_vs_fp64", "worst_tensor", "source");
    it.passOver("note", "expectation", "mergekit_exit", "mergekit_error_type", "mergekit_message");
    it.passOver("raised_in", "mergekit_wrote_output");
    it.passOver("difference_0_1_5", "observed_0_1_5_vs_fp64", "note_0_1_5", "mergekit_0_1_4");
    it.passOver("mergekit_config_dtype", "ours_may_accept", "expected", "expected_0_1_5");
    it.passOver("mergekit_error", "what_is_wrong");
    it.passOver("tolerance", "tolerance_0_1_5");
    test.execute();
    it.requireAllRead("case '%s'".formatted(it.path("id").asText()));
  }

  static Path golden() {
    String given = System.getProperty("golden.dir");
    if (given != null) {
      Path folder = Path.of(given).toAbsolutePath();
      Path inner = folder.resolve("mergekit");
      return Files.isDirectory(inner) ? inner : folder;
    }
    URL resource =
        Objects.requireNonNull(GoldenMergekitTest.class.getResource("/golden/mergekit/cases.json"));
    try {
      return Objects.requireNonNull(Path.of(resource.toURI()).getParent());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JsonNode cases(Path golden) throws IOException {
    Recorded set = Recorded.object(Recorded.tree(golden.resolve("cases.json")));
    set.mustBe("format", "1");
    set.passOver("run_from", "cases", "invalid", "cases_0_1_5", "invalid_0_1_5");
    set.requireAllRead("cases.json");
    return set;
  }

  private static Stream<Recorded> elements(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .map(it -> Recorded.object(Recorded.tree(it)));
  }

  private static List<String> elementsAsText(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
  }

  /**
   * @param suffix of the fields with another version's result, where it is another
   */
  private void run(Path golden, Recorded it, Recipe.MergekitVersion version, String suffix)
      throws IOException {
    String expected =
        it.path("expected" + suffix).isTextual()
            ? it.path("expected" + suffix).asText()
            : it.path("expected").asText();
    double tolerance =
        it.path("expected" + suffix).isTextual()
            ? it.path("tolerance" + suffix).asDouble()
            : it.path("tolerance").asDouble();
    Path file = golden.resolve(it.path("recipe").asText());
    switch (it.has("kind") ? it.path("kind").asText() : "deterministic") {
      case "deterministic" -> {
        Path out = merge(recipe(file, version, it), golden, it.path("id").asText());
        compare(golden, it, out, expected, tolerance);
      }
      case "random" -> checkStatistics(golden, it, recipe(file, version, it));
      case "stages" -> runStages(golden, it, version, expected, tolerance);
      default -> throw new AssertionError("unknown kind of case: " + it.path("kind").asText());
    }
  }

  private void runStages(
      Path golden, Recorded it, Recipe.MergekitVersion version, String expected, double tolerance)
      throws IOException {
    List<Recipe> stages =
        Stages.inOrder(
            RecipeParser.parseStages(
                text(golden.resolve(it.path("recipe").asText()), version), "r.yaml", golden));
    assertThat(stages).hasSize(it.integer("documents"));
    Path results = scratch.resolve("%s %s".formatted(it.path("id").asText(), version.label()));
    for (Recipe stage : stages) {
      Recipe.Located<String> name = stage.mergekit().stage();
      Path out = results.resolve(name == null ? "the end" : name.value());
      Files.createDirectories(results);
      try (MergePlan plan = Planner.plan(stage, List.of(results, golden))) {
        Merger.run(plan, out, FOUR_THREADS, Progress.NONE);
      }
      if (name == null) {
        compare(golden, it, out, expected, tolerance);
      } else {
        Recorded recorded = Recorded.object(it.path("stages").path(name.value()));
        compareTensors(out, golden.resolve(recorded.path("expected").asText()), tolerance, null);
        assertThat(JSON.readTree(out.resolve("config.json").toFile()).path("num_hidden_layers"))
            .isEqualTo(recorded.path("num_hidden_layers"));
        assertThat(recorded.path("tensor_dtypes")).isNotEmpty();
        recorded.requireAllRead("stage " + name.value());
      }
    }
    if (!it.path("expected").isTextual()) {
      assertThat(stages).allMatch(stage -> stage.mergekit().stage() != null);
      it.passOver("output_config", "tensor_dtypes");
    }
  }

  /** A recipe's text, for another version than the latest with its own key in each document. */
  private static String text(Path file, Recipe.MergekitVersion version) throws IOException {
    String key = version == V0_1_5 ? "" : "mergekit_version: " + version.label() + "\n";
    String text = Files.readString(file).stripTrailing() + "\n";
    return text.replace("\n---\n", "\n" + key + "---\n") + key;
  }

  /** The recipe, for another version than the latest by its own key. */
  private static Recipe recipe(Path file, Recipe.MergekitVersion version, Recorded it)
      throws IOException {
    Recipe recipe = RecipeParser.parse(text(file, version), file.toString(), file.getParent());
    if (!it.has("arguments")) {
      return recipe;
    }
    assertThat(elementsAsText(it.path("arguments")))
        .containsExactly("--unsafe-truncate-embeddings");
    return recipe.withTruncatedVocabularies();
  }

  private Path merge(Recipe recipe, Path golden, String name) {
    return merge(recipe, golden, name, FOUR_THREADS);
  }

  private Path merge(Recipe recipe, Path golden, String name, MergeOptions options) {
    Path out = scratch.resolve(name);
    try (MergePlan plan = Planner.plan(recipe, List.of(golden))) {
      Merger.run(plan, out, options, Progress.NONE);
    }
    return out;
  }

  // ---- deterministic methods

  private static void compare(
      Path golden, Recorded it, Path out, String expectedFile, double tolerance)
      throws IOException {
    JsonNode config = it.path("output_config");
    JsonNode types = it.path("tensor_dtypes");
    boolean arcee = it.path("method").asText().equals("arcee_fusion");
    if (!arcee && !types.isMissingNode()) {
      assertThat(types).isNotEmpty().allMatch(config.path("torch_dtype")::equals);
    }
    compareTensors(out, golden.resolve(expectedFile), tolerance, arcee ? type(config) : null);
    if (it.has("added_tokens")) {
      assertThat(addedTokens(out)).isEqualTo(elementsAsText(it.path("added_tokens")));
    }
    if (it.has("token_ids_from_256")) {
      assertThat(tokensFrom256(out)).isEqualTo(asMap(it.path("token_ids_from_256")));
    }
    JsonNode written = JSON.readTree(out.resolve("config.json").toFile());
    for (Map.Entry<String, JsonNode> entry : config.properties()) {
      assertThat(written.path(entry.getKey())).as(entry.getKey()).isEqualTo(entry.getValue());
    }
  }

  /**
   * @param type of every tensor, if it is not the expected one's
   */
  private static void compareTensors(
      Path out, Path expectedFile, double tolerance, @Nullable DType type) {
    try (Checkpoint ours = Checkpoint.open(out);
        Checkpoint theirs = Checkpoint.open(expectedFile)) {
      assertThat(byName(ours).keySet()).isEqualTo(byName(theirs).keySet());
      for (TensorInfo expected : theirs.tensors()) {
        TensorInfo actual = ours.find(expected.name()).orElseThrow();
        assertThat(actual.shape()).as("shape of %s", expected.name()).isEqualTo(expected.shape());
        // mergekit's arcee_fusion writes float32 whatever dtype says; what it says holds here.
        assertThat(actual.dtype())
            .as("type of %s", expected.name())
            .isEqualTo(type == null ? expected.dtype() : type);
        assertThat(relativeError(values(ours, actual), values(theirs, expected)))
            .as("relative error of %s", expected.name())
            .isLessThanOrEqualTo(tolerance);
      }
    }
  }

  private static List<String> addedTokens(Path out) throws IOException {
    return JSON.readTree(out.resolve("tokenizer.json").toFile())
        .path("added_tokens")
        .findValuesAsText("content");
  }

  private static Map<String, Integer> tokensFrom256(Path out) throws IOException {
    JsonNode tokenizer = JSON.readTree(out.resolve("tokenizer.json").toFile());
    Map<String, Integer> ids = asMap(tokenizer.path("model").path("vocab"));
    tokenizer
        .path("added_tokens")
        .forEach(token -> ids.put(token.path("content").asText(), token.path("id").asInt()));
    ids.values().removeIf(id -> id < 256);
    return ids;
  }

  private static Map<String, Integer> asMap(JsonNode object) {
    Map<String, Integer> map = new TreeMap<>();
    object.properties().forEach(entry -> map.put(entry.getKey(), entry.getValue().asInt()));
    return map;
  }

  private static DType type(JsonNode config) {
    return DType.ofTorch(config.path("torch_dtype").asText()).orElseThrow();
  }

  private static Map<String, TensorInfo> byName(Checkpoint checkpoint) {
    Map<String, TensorInfo> tensors = new TreeMap<>();
    checkpoint.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
    return tensors;
  }

  private static float[] values(Checkpoint checkpoint, TensorInfo tensor) {
    return TestCheckpoints.values(checkpoint, tensor.name());
  }

  private static double relativeError(float[] actual, float[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      double d = (double) actual[i] - expected[i];
      difference += d * d;
      size += (double) expected[i] * expected[i];
    }
    return size == 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
  }

  // ---- random methods

  private void checkStatistics(Path golden, Recorded it, Recipe recipe) throws IOException {
    String id = it.path("id").asText();
    Path base = model(golden, Objects.requireNonNull(recipe.base()));
    List<Path> experts =
        recipe.slices().get(0).sources().stream()
            .map(source -> model(golden, source.model()))
            .filter(folder -> !folder.equals(base))
            .toList();
    for (int seed = 1; seed <= it.integer("seeds"); seed++) {
      Recipe seeded = recipe.withSeed(seed);
      Path out = merge(seeded, golden, id + "-" + seed, FOUR_THREADS);
      try (Checkpoint merged = Checkpoint.open(out);
          Checkpoint origin = Checkpoint.open(base);
          Checkpoint expert = Checkpoint.open(experts.get(0))) {
        assertThat(it.path("per_tensor").isEmpty()).isFalse();
        for (Map.Entry<String, JsonNode> entry : it.path("per_tensor").properties()) {
          Recorded statistics = Recorded.object(entry.getValue());
          // mergekit's own draws.
          statistics.passOver("kept_fraction", "changed_fraction");
          statistics.passOver("l1_ratio_output_to_task_vector", "expected_keep_probability");
          float[] theta0 = TestCheckpoints.values(origin, entry.getKey());
          checkTensor(
              entry.getKey(),
              it,
              statistics,
              difference(TestCheckpoints.values(merged, entry.getKey()), theta0),
              difference(TestCheckpoints.values(expert, entry.getKey()), theta0),
              origin.find(entry.getKey()).orElseThrow().shape());
        }
      }
    }
    sameBytesForAnyThreads(golden, id, recipe.withSeed(1));
  }

  private static void checkTensor(
      String name, Recorded it, Recorded statistics, float[] delta, float[] tau, List<Long> shape) {
    JsonNode norms = statistics.path("l1_task_vector");
    double norm = (norms.isArray() ? norms.path(0) : norms).asDouble();
    assertThat(delta).as(name).hasSize(statistics.integer("numel"));
    assertThat(l1(tau))
        .as("L1 norm of the task vector %s", name)
        .isCloseTo(norm, within(1e-5 * norm));
    double density = it.number("density");
    long changed = IntStream.range(0, delta.length).filter(i -> delta[i] != 0).count();
    double fraction = (double) changed / delta.length;
    if (statistics.has("expected_changed_fraction")) {
      // Any of the experts may change an entry; the sum has no norm to compare.
      double expected = statistics.number("expected_changed_fraction");
      assertThat(expected).isCloseTo(1 - Math.pow(1 - density, norms.size()), within(1e-9));
      it.passOver("rescale");
      double sigma = Math.sqrt(expected * (1 - expected) / delta.length);
      assertThat(fraction).as("changed part of %s", name).isCloseTo(expected, within(5 * sigma));
      return;
    }
    JsonNode bounds = statistics.path("kept_fraction_bounds");
    assertThat(density).isBetween(bounds.path(0).asDouble(), bounds.path(1).asDouble());
    assertThat(fraction)
        .as("kept part of %s", name)
        .isBetween(bounds.path(0).asDouble(), bounds.path(1).asDouble());
    if (it.flag("rescale")) {
      // One factor for the tensor gives the result the L1 norm of the task vector; the output is
      // rounded to float32, an error of 1e-4 of a task vector this small.
      assertThat(l1(delta) / norm).as("L1 norm of %s", name).isCloseTo(1, within(1e-3));
    } else {
      for (int i = 0; i < delta.length; i++) {
        if (delta[i] != 0) {
          assertThat(delta[i]).as("%s[%d]", name, i).isCloseTo(tau[i], within(1e-6f));
        }
      }
    }
    if (statistics.has("kept_fraction_by_magnitude_quartile_in_row")) {
      checkQuartiles(name, it, delta, tau, shape);
    }
  }

  /** Larger entries of a row are kept more often: density − ε + 2ε · rank, rank from 0 to 1. */
  private static void checkQuartiles(
      String name, Recorded it, float[] delta, float[] tau, List<Long> shape) {
    int columns = Math.toIntExact(shape.get(shape.size() - 1));
    int rows = delta.length / columns;
    double[] kept = new double[4];
    double[] expected = new double[4];
    double[] variance = new double[4];
    double density = it.number("density");
    double epsilon = it.number("epsilon");
    for (int row = 0; row < rows; row++) {
      int from = row * columns;
      List<Integer> ranked =
          new ArrayList<>(IntStream.range(from, from + columns).boxed().toList());
      ranked.sort(Comparator.comparingDouble(i -> Math.abs(tau[i])));
      for (int rank = 0; rank < columns; rank++) {
        int quartile = 4 * rank / columns;
        double p = density - epsilon + 2 * epsilon * rank / Math.max(1, columns - 1);
        kept[quartile] += delta[ranked.get(rank)] != 0 ? 1 : 0;
        expected[quartile] += p;
        variance[quartile] += p * (1 - p);
      }
    }
    for (int quartile = 0; quartile < 4; quartile++) {
      assertThat(kept[quartile])
          .as("kept in quartile %d of %s", quartile + 1, name)
          .isCloseTo(expected[quartile], within(5 * Math.sqrt(variance[quartile]) + 1));
    }
  }

  private void sameBytesForAnyThreads(Path golden, String id, Recipe recipe) throws IOException {
    Path one = merge(recipe, golden, id + "-one", MergeOptions.DEFAULT.withThreads(1));
    Path four = merge(recipe, golden, id + "-four", FOUR_THREADS);
    assertThat(one.resolve("model.safetensors"))
        .hasSameBinaryContentAs(four.resolve("model.safetensors"));
  }

  private static Path model(Path golden, Recipe.Model model) {
    return golden.resolve(model.text());
  }

  private static float[] difference(float[] a, float[] b) {
    float[] difference = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      difference[i] = a[i] - b[i];
    }
    return difference;
  }

  private static double l1(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += Math.abs(value);
    }
    return sum;
  }

  // ---- invalid recipes

  private static void refuse(Path golden, Recorded it, Recipe.MergekitVersion version) {
    Path file = golden.resolve(it.path("recipe").asText());
    it.passOver("kind");
    assertThatThrownBy(
            () -> {
              List<Recipe> stages =
                  Stages.inOrder(
                      RecipeParser.parseStages(
                          text(file, version), file.toString(), file.getParent()));
              Planner.plan(stages.get(0), List.of(golden)).close();
            })
        .as(it.path("what_is_wrong").asText())
        .isInstanceOf(RecipeException.class)
        .satisfies(
            error ->
                assertThat(((RecipeException) error).problems())
                    .isNotEmpty()
                    .allSatisfy(
                        problem ->
                            assertThat(problem)
                                .matches("(?s).*\\.yaml:\\d+:\\d+: \\S.{10,}")
                                .doesNotContain("Exception", "null")));
  }
}
