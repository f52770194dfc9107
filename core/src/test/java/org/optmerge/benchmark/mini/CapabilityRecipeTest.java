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
import org.optmerge.benchmark.mini.stage.ModalityRecipe;
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
    assertThatThrownBy(() -> TrainingRecipe.read(CapabilityRecipe.class, file))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith(file + ", line ");
    Files.writeString(file, MiniRecipes.TINY.replace("warm-up: 1", "warmup: 1"));
    assertThatThrownBy(() -> TrainingRecipe.read(CapabilityRecipe.class, file))
        .hasMessageContaining("\"warmup\"");
  }

  @Test
  void a_stage_without_a_way_to_train_is_refused() throws IOException {
    Path file = folder.resolve("recipe.yaml");
    Files.writeString(file, MiniRecipes.TINY.replace("    train: language\n", ""));
    assertThatThrownBy(() -> TrainingRecipe.read(CapabilityRecipe.class, file))
        .hasMessageContaining("stages.base: the recipe lacks one of train and lora");
  }

  @Test
  void what_is_missing_is_named_with_its_place_and_a_misspelled_stage_too() throws IOException {
    Path file = folder.resolve("recipe.yaml");
    Files.writeString(file, MiniRecipes.TINY.replace("    questions: 0.5\n", ""));
    assertThatThrownBy(() -> TrainingRecipe.read(CapabilityRecipe.class, file))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith(file + ", line ")
        .hasMessageContaining("stages.base.questions: a value of type double is needed here");
    Files.writeString(file, MiniRecipes.TINY.replace("from: base", "from: bass"));
    assertThatThrownBy(() -> TrainingRecipe.read(CapabilityRecipe.class, file))
        .hasMessageStartingWith(file + ", line ")
        .hasMessageContaining("stage 'expert' continues 'bass'")
        .hasMessageContaining("[vision, base]");
    Files.writeString(file, MiniRecipes.TINY.replace("train: matrices", "train: matrixes"));
    assertThatThrownBy(() -> TrainingRecipe.read(CapabilityRecipe.class, file))
        .hasMessageContaining("no group of parameters 'matrixes'");
  }

  @Test
  void the_recipe_of_modalities_names_line_and_field_too() throws IOException {
    Path file = folder.resolve("recipe.yaml");
    String language = "{steps: 4, peak: 1e-3, warm-up: 1, final: 1, batch: 2, %s: 2, captions: 1}";
    Files.writeString(file, "language:\n  - " + language.formatted("qestions") + "\n");
    assertThatThrownBy(() -> TrainingRecipe.read(ModalityRecipe.class, file))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith(file + ", line 2: language.[0].");
    Files.writeString(file, "language:\n  - " + language.formatted("questions") + "\n");
    assertThatThrownBy(() -> TrainingRecipe.read(ModalityRecipe.class, file))
        .hasMessageStartingWith(file + ", line ")
        .hasMessageContaining("the recipe lacks optimiser");
  }
}
