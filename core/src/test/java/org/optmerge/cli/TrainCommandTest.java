package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.mini.CapabilityRecipe;
import org.optmerge.benchmark.mini.MiniRecipes;
import org.optmerge.benchmark.mini.TrainingRecipe;

class TrainCommandTest {
  @TempDir private Path folder;
  private Path recipe;
  private Path out;

  @BeforeEach
  void write_the_recipe() throws IOException {
    recipe = Files.writeString(folder.resolve("tiny.yaml"), MiniRecipes.TINY);
    out = folder.resolve("out");
  }

  private CommandRun train(Object... options) {
    Object[] all = new Object[options.length + 6];
    System.arraycopy(
        new Object[] {"train", "mini", "--recipe", recipe, "--out", out}, 0, all, 0, 6);
    System.arraycopy(options, 0, all, 6, options.length);
    return CommandRun.of(all);
  }

  @Test
  void a_model_is_trained_with_those_it_continues_and_not_a_second_time() {
    CommandRun run = train("--only", "expert-ocr", "--json");

    assertThat(run.code()).as(run.err()).isZero();
    Path expert = Path.of(run.json().at("/models/expert-ocr").asText());
    assertThat(expert).isEqualTo(out.resolve("seed-1/models/expert-ocr"));
    assertThat(expert.resolve("model.safetensors")).isNotEmptyFile();
    assertThat(out.resolve("seed-1/models/base/model.safetensors")).isNotEmptyFile();
    assertThat(out.resolve("seed-1/models/expert-vqa")).doesNotExist();
    assertThat(run.events()).anyMatch(event -> event.get("event").asText().equals("trained"));

    CommandRun again = train("--only", "expert-ocr");
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(again.err()).contains("expert-ocr: was trained before").doesNotContain("step");
  }

  @Test
  void the_list_of_models_follows_the_recipe_and_nothing_is_trained() {
    CommandRun run = train("--list");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out().lines()).startsWith("vision", "base").contains("expert-vqa", "lora-ocr");
    assertThat(out).doesNotExist();
  }

  @Test
  void the_shipped_recipe_has_the_shipped_models() {
    CommandRun run = CommandRun.of("train", "mini", "--list", "--json");

    assertThat(run.code()).as(run.err()).isZero();
    for (TrainingRecipe.Model model : CapabilityRecipe.shipped().models()) {
      assertThat(run.json().get("models").has(model.name())).as(model.name()).isTrue();
    }
    assertThat(run.json().get("models").has("expert-grounding")).isTrue();
  }

  @Test
  void a_model_that_the_recipe_has_not_is_a_wrong_request_and_nothing_is_trained() {
    CommandRun run = train("--only", "base,expert-maps");

    assertThat(run.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("no model 'expert-maps'; it has vision, base, expert-vqa");
    assertThat(out).doesNotExist();
  }

  @Test
  void only_the_miniature_can_be_trained() {
    CommandRun run = CommandRun.of("train", "qwen");

    assertThat(run.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(run.err())
        .contains("there is no recipe for 'qwen'; 'mini' and 'omni' can be trained");
  }

  @Test
  void a_recipe_that_is_not_there_is_named() {
    CommandRun run = CommandRun.of("train", "mini", "--recipe", folder.resolve("none.yaml"));

    assertThat(run.code()).isIn(Main.FAILED, Main.WRONG_REQUEST);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("none.yaml").doesNotContain("defect");
  }

  @Test
  void a_recipe_with_a_slip_is_named() throws IOException {
    Files.writeString(recipe, MiniRecipes.TINY.replace("clip-norm", "clipnorm"));
    CommandRun run = train("--list");

    assertThat(run.code()).isIn(Main.FAILED, Main.WRONG_REQUEST);
    assertThat(run.err())
        .contains("tiny.yaml, line 1: optimiser: ", "clip norm 0.0")
        .doesNotContain("defect");
  }
}
