package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.train.TrainingException;

class CapabilityRecipeTest {
  @TempDir private Path folder;

  @Test
  void the_shipped_recipe_makes_both_families_each_model_after_what_it_continues() {
    List<CapabilityRecipe.Run> runs = CapabilityRecipe.shipped().runs();
    assertThat(runs)
        .extracting(CapabilityRecipe.Run::name)
        .contains("base", "mixture", "instruct", "instruct-mixture")
        .contains("expert-vqa", "expert-grounding", "lora-chart", "instruct-expert-ocr")
        .hasSize(20);
    Set<String> made = new HashSet<>(Set.of(CapabilityRecipe.VISION));
    for (CapabilityRecipe.Run run : runs) {
      assertThat(made).contains(run.stage().from());
      made.add(run.name());
    }
  }

  @Test
  void an_expert_sees_its_own_task_alone_and_the_mixture_sees_all() {
    List<CapabilityRecipe.Run> runs = CapabilityRecipe.shipped().runs();
    assertThat(runs.stream().filter(run -> run.name().equals("expert-ocr")))
        .singleElement()
        .satisfies(
            run -> {
              assertThat(run.tasks()).containsExactly(MiniTask.OCR);
              assertThat(run.stage().steps()).isGreaterThan(run.keep().get(0));
            });
    assertThat(runs.stream().filter(run -> run.name().equals("mixture")))
        .singleElement()
        .satisfies(run -> assertThat(run.tasks()).isEqualTo(MiniTask.CAPABILITIES));
  }

  @Test
  void an_unknown_setting_is_named_with_its_line() throws IOException {
    Path file = folder.resolve("recipe.yaml");
    Files.writeString(file, "optimiser: {beta1: 0.9}\nvison: {}\n");
    assertThatThrownBy(() -> CapabilityRecipe.read(file))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith(file + ", line ");
    Files.writeString(file, MiniRecipes.TINY.replace("warm-up: 1", "warmup: 1"));
    assertThatThrownBy(() -> CapabilityRecipe.read(file)).hasMessageContaining("\"warmup\"");
  }

  @Test
  void a_stage_without_a_way_to_train_is_refused() throws IOException {
    Path file = folder.resolve("recipe.yaml");
    Files.writeString(file, MiniRecipes.TINY.replace("    train: language\n", ""));
    assertThatThrownBy(() -> CapabilityRecipe.read(file))
        .hasMessageContaining("a stage of the recipe lacks one of train and lora");
  }
}
