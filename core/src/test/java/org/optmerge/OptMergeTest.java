package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.checkpoint.DType;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.MergeSearch;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import org.optmerge.merge.MergeException;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.report.Project;

/** The entry point, from a recipe to files and weights. */
class OptMergeTest {
  private static final String WEIGHT = "layer.weight";
  private static final String RECIPE =
      "merge_method: task-arithmetic\nbase_model: base\nmodels: [{model: one}, {model: two}]\n"
          + "parameters: {scaling: 0.5}\n";

  @TempDir private Path dir;

  @BeforeEach
  void write_models() {
    model("base", 1, 1, 1, 1);
    // τ = (1, -2, 0, 3) and (2, 2, 0, 1)
    model("one", 2, -1, 1, 4);
    model("two", 3, 3, 1, 2);
  }

  private void model(String name, float... values) {
    TestCheckpoints.folder(dir.resolve(name))
        .tensor(WEIGHT, DType.F32, List.of(2L, 2L), values)
        .config("{}")
        .write();
  }

  @Test
  void a_recipe_is_planned_written_and_held_in_memory() throws IOException {
    Path file = Files.writeString(dir.resolve("recipe.yaml"), RECIPE);

    try (OptMerge merge = OptMerge.open(file)) {
      merge.writeTo(dir.resolve("out"));

      // 1 + 0.5 · (τ_1 + τ_2)
      assertThat(TestCheckpoints.values(dir.resolve("out"), WEIGHT)).containsExactly(2.5f, 1, 1, 3);
      assertThat(merge.weights().weights(WEIGHT)).containsExactly(2.5f, 1, 1, 3);
      assertThat(merge.weights()).isSameAs(merge.weights());
      assertThat(merge.plan().toString())
          .startsWith(
              "task-arithmetic of base, one, two: 1 tensors merged, 0 copied; reads 48 bytes, writes 16");
    }
  }

  @Test
  void a_lambda_takes_the_place_of_the_method_of_a_recipe_given_as_text() throws IOException {
    try (OptMerge merge = OptMerge.of(RECIPE, dir)) {
      OptMerge largest = merge.with("largest", tau -> tau.stack().max(new int[] {0}));

      largest.writeAdapterTo(dir.resolve("adapter"), 2);

      assertThat(largest.weights().weights(WEIGHT)).containsExactly(2, 2, 1, 2.5f);
      assertThat(largest.plan().toString()).startsWith("largest of base, one, two: 1 tensors");
      assertThat(dir.resolve("adapter/adapter_model.safetensors")).exists();
    }
  }

  private static final String SHIPPED =
      """
      merge_method: %s
      base_model: base
      models: [{model: expert-ocr}, {model: expert-vqa}]
      parameters: {scaling: 0.5}
      %s
      """;

  private static final Path MINIATURE = Project.file("data-manifests/mini");

  private Path ownQuestions() throws IOException {
    List<String> lines = new ArrayList<>();
    try (Stream<Question> drawn =
        CapabilityBenchmark.of("mini:ocr", MiniSplit.VALIDATION).withPerTask(8).questions()) {
      for (Question question : drawn.toList()) {
        String picture = question.id() + ".png";
        Files.write(dir.resolve(picture), ImageFiles.png((Image) question.media().get(0)));
        lines.add(
            "{\"image\": \"%s\", \"question\": \"%s\", \"answer\": \"%s\"}"
                .formatted(picture, question.text(), question.reference().answer()));
      }
    }
    return Files.write(dir.resolve("mine.jsonl"), lines);
  }

  @Test
  void a_merge_answers_and_is_tuned_on_questions_of_ones_own_in_memory() throws IOException {
    Evaluator mine = OptMerge.questions(ownQuestions());
    String recipe = SHIPPED.formatted("task-arithmetic", "include: ['.*_proj\\.weight']");

    try (OptMerge merge = OptMerge.of(recipe, MINIATURE)) {
      merge.writeTo(dir.resolve("merged"));
      MergeSearch.Outcome tuned = merge.tune(mine);

      try (MultimodalModel written = OptMerge.model(dir.resolve("merged").toString())) {
        assertThat(merge.evaluate(mine).items())
            .isEqualTo(mine.evaluate("task-arithmetic", written, more -> {}).items());
      }
      assertThat(tuned.tried()).extracting(MergeSearch.Tried::scaling).contains(0.5, 1.5);
      try (MultimodalModel best = merge.model(tuned.best().scaling())) {
        assertThat(mine.evaluate("best", best, more -> {}).items())
            .isEqualTo(tuned.best().validation().items());
      }
    }
  }

  @Test
  void a_merge_that_is_more_than_weights_of_its_base_is_not_asked_in_memory() {
    TestCheckpoints.folder(dir.resolve("two"))
        .tensor(WEIGHT, DType.F32, List.of(2L, 2L), 3, 3, 1, 2)
        .tensor("encoder.weight", DType.F32, List.of(1L), 1)
        .config("{}")
        .write();
    try (MultimodalModel model = OptMerge.model(MINIATURE.resolve("base").toString());
        OptMerge another = OptMerge.of(RECIPE + "extra: union\n", dir);
        OptMerge union = OptMerge.of(RECIPE + "extra: union\nexclude: ['layer.*']\n", dir)) {
      assertThatThrownBy(() -> MergeSearch.requireWholeIn(another.plan(), model))
          .isInstanceOf(MergeException.class)
          .hasMessageContaining("'layer.weight' is no parameter of the base's model")
          .hasMessageContaining("write it with 'optmerge merge'");
      assertThatThrownBy(() -> MergeSearch.requireWholeIn(union.plan(), model))
          .hasMessageContaining("'encoder.weight' is copied from " + dir.resolve("two"));
    }
  }

  @Test
  void a_models_folder_answers_as_the_model_does() {
    Path folder = MINIATURE.resolve("instruct-mixture");
    Image picture =
        (Image)
            CapabilityBenchmark.of("mini:vqa").questions().findFirst().orElseThrow().media().get(0);
    String question = "how many objects are there ?";
    try (OptMerge merge = OptMerge.open(folder);
        MultimodalModel model = MultimodalModel.open(folder)) {
      assertThat(merge.answer(picture, question))
          .isNotEmpty()
          .isEqualTo(model.answer(picture, question))
          .isEqualTo(merge.answer(picture, question));
    }
  }

  @Test
  void a_recorded_study_is_opened_by_its_file() {
    Study study = OptMerge.study(Project.file("notebooks/results/miniature/seed-1.json"));

    assertThat(study.labelled(ModelFamily.of("full", MINIATURE), "TSV Merging").mean())
        .isCloseTo(0.606, within(0.0005));
  }
}
