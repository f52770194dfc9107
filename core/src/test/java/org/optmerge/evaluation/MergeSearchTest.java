package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.Progress;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.CapabilityMetric;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.model.MultimodalModel;

/** With the shipped experts for VQA and OCR. */
class MergeSearchTest {
  private static final ModelFamily FAMILY = ShippedFamilies.shipped();
  private static final StudyMerge SUM = StudyMerge.published("sum", "task-arithmetic");

  @TempDir private Path folder;

  private static Evaluator evaluator(MiniSplit split) {
    return new Evaluator(
        new CapabilityBenchmark(
            "mini", MiniGenerator.SEED, split, List.of(MiniTask.VQA, MiniTask.OCR), 12),
        new CapabilityMetric());
  }

  private static Map<String, float[]> weights(MultimodalModel model) {
    Map<String, float[]> weights = new TreeMap<>();
    model.parameters().forEach((name, values) -> weights.put(name, values.toFloatArray()));
    return weights;
  }

  @Test
  void each_scaling_is_tried_and_the_best_on_validation_is_tested_and_the_model_is_as_before() {
    List<Double> told = new ArrayList<>();
    int[] answered = {0};
    MergeSearch.Listener listener =
        new MergeSearch.Listener() {
          @Override
          public void answered(double scaling, int more) {
            answered[0] += more;
          }

          @Override
          public void tried(MergeSearch.Tried tried) {
            told.add(tried.scaling());
          }
        };
    try (MergePlan plan = SUM.plan(FAMILY, 0);
        MultimodalModel model = MultimodalModel.open(FAMILY.base())) {
      Map<String, float[]> before = weights(model);
      MergeSearch.Outcome outcome =
          new MergeSearch(
                  model,
                  evaluator(MiniSplit.VALIDATION),
                  Grouping.CAPABILITIES,
                  evaluator(MiniSplit.TEST))
              .search("sum", plan, List.of(0.0, 0.7, 40.0), List.of(50.0), listener);

      assertThat(told).containsExactly(0.0, 0.7, 40.0);
      assertThat(answered[0]).isEqualTo(4 * 24);
      assertThat(outcome.best().scaling()).isEqualTo(0.7);
      assertThat(outcome.best().mean())
          .isGreaterThan(outcome.tried().get(0).mean() + 0.1)
          .isGreaterThan(outcome.tried().get(2).mean() + 0.1);
      assertThat(outcome.test()).isNotNull();
      Map<String, float[]> after = weights(model);
      before.forEach((name, values) -> assertThat(after.get(name)).as(name).isEqualTo(values));
    }
  }

  @Test
  void with_a_scaling_of_zero_the_merge_answers_as_the_base() {
    try (MergePlan plan = SUM.plan(FAMILY, 0);
        MultimodalModel model = MultimodalModel.open(FAMILY.base())) {
      Evaluator validation = evaluator(MiniSplit.VALIDATION);
      MergeSearch.Outcome outcome =
          new MergeSearch(model, validation, Grouping.CAPABILITIES, null)
              .search("sum", plan, List.of(0.0), List.of(), MergeSearch.Listener.NONE);

      assertThat(outcome.tried().get(0).validation().items())
          .isEqualTo(validation.evaluate("base", model, more -> {}).items());
      assertThat(outcome.test()).isNull();
    }
  }

  @Test
  void the_search_goes_beyond_the_grid_only_as_long_as_the_largest_is_the_best() {
    try (MergePlan plan = SUM.plan(FAMILY, 0);
        MultimodalModel model = MultimodalModel.open(FAMILY.base())) {
      MergeSearch.Outcome outcome =
          new MergeSearch(model, evaluator(MiniSplit.VALIDATION), Grouping.CAPABILITIES, null)
              .search(
                  "sum", plan, List.of(0.0), List.of(0.7, 40.0, 50.0), MergeSearch.Listener.NONE);

      assertThat(outcome.tried())
          .extracting(MergeSearch.Tried::scaling)
          .containsExactly(0.0, 0.7, 40.0);
      assertThat(outcome.best().scaling()).isEqualTo(0.7);
    }
  }

  @Test
  void of_scalings_that_are_as_good_the_smallest_is_best() {
    try (MergePlan plan = SUM.plan(FAMILY, 0);
        MultimodalModel model = MultimodalModel.open(FAMILY.base())) {
      MergeSearch.Outcome outcome =
          new MergeSearch(model, evaluator(MiniSplit.VALIDATION), Grouping.CAPABILITIES, null)
              .search(
                  "sum", plan, List.of(0.0, 1e-12, 2e-12), List.of(), MergeSearch.Listener.NONE);

      assertThat(outcome.best().scaling()).isZero();
    }
  }

  @Test
  void an_empty_grid_is_refused() {
    try (MergePlan plan = SUM.plan(FAMILY, 0);
        MultimodalModel model = MultimodalModel.open(FAMILY.base())) {
      MergeSearch search =
          new MergeSearch(model, evaluator(MiniSplit.VALIDATION), Grouping.CAPABILITIES, null);
      assertThatThrownBy(
              () -> search.search("sum", plan, List.of(), List.of(), MergeSearch.Listener.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("no λ to try");
    }
  }

  @Test
  void the_recipe_of_a_merge_writes_the_model_that_was_searched_in_memory() throws IOException {
    Path recipe = folder.resolve("recipe.yaml");
    Files.writeString(recipe, SUM.recipe(FAMILY.base(), FAMILY.recipeModels(), 0.7, 0));
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe))) {
      Merger.run(plan, folder.resolve("merged"), MergeOptions.DEFAULT, Progress.NONE);
    }
    Evaluator test = evaluator(MiniSplit.TEST);
    List<Predicted> fromDisk;
    try (MultimodalModel model = MultimodalModel.open(folder.resolve("merged"))) {
      fromDisk = test.evaluate("merged", model, more -> {}).items();
    }
    try (MergePlan plan = SUM.plan(FAMILY, 0);
        MultimodalModel model = MultimodalModel.open(FAMILY.base())) {
      MergeSearch.Outcome outcome =
          new MergeSearch(model, evaluator(MiniSplit.VALIDATION), Grouping.CAPABILITIES, test)
              .search("sum", plan, List.of(0.7), List.of(), MergeSearch.Listener.NONE);
      assertThat(outcome.test()).isNotNull();
      assertThat(outcome.test().items()).isEqualTo(fromDisk);
    }
  }
}
