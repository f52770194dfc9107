package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.train.TrainingException;

/** The whole chain, in a handful of steps. */
class MiniatureTrainingTest {
  @TempDir private Path folder;
  private CapabilityRecipe recipe;

  @BeforeEach
  void read() throws IOException {
    Path file = folder.resolve("recipe.yaml");
    Files.writeString(file, MiniRecipes.TINY);
    recipe = TrainingRecipe.read(CapabilityRecipe.class, file);
  }

  private MiniatureTraining training(String name, Progress progress) {
    return new MiniatureTraining(recipe, 1, folder.resolve(name), progress);
  }

  @Tag("slow")
  @Test
  void an_expert_changes_what_is_merged_and_nothing_else() {
    MiniatureTraining training = training("one", Progress.NONE);
    Path expert = training.train("expert-ocr");
    try (Checkpoint base = Checkpoint.open(training.folder("base"));
        Checkpoint tuned = Checkpoint.open(expert);
        Checkpoint early = Checkpoint.open(expert.resolveSibling("expert-ocr-1"))) {
      assertThat(tuned.tensors()).hasSameSizeAs(base.tensors());
      for (TensorInfo tensor : base.tensors()) {
        boolean merged =
            tensor.name().matches("language_model\\.model\\.layers\\..*_proj\\.weight")
                || tensor.name().matches("mlp1\\.[13]\\.weight");
        float[] before = values(base, tensor.name());
        if (merged) {
          assertThat(values(tuned, tensor.name())).isNotEqualTo(before);
          assertThat(values(early, tensor.name())).isNotEqualTo(values(tuned, tensor.name()));
        } else {
          assertThat(values(tuned, tensor.name())).isEqualTo(before);
        }
      }
    }
    assertThat(expert).isDirectoryContaining("glob:**/tokenizer.json");
    assertThat(expert).isDirectoryContaining("glob:**/config.json");
  }

  private static float[] values(Checkpoint checkpoint, String name) {
    TensorInfo tensor = checkpoint.find(name).orElseThrow();
    float[] values = new float[(int) tensor.size()];
    checkpoint.read(tensor, 0, values.length, values);
    return values;
  }

  @Tag("slow")
  @Test
  void an_adapter_is_in_peft_layout_and_says_nothing_of_this_machine() throws IOException {
    Path adapter = training("one", Progress.NONE).train("lora-chart");
    try (LoraAdapter opened = LoraAdapter.open(adapter)) {
      assertThat(opened.deltas()).hasSize(4 * 7);
      assertThat(opened.deltas().values()).allMatch(delta -> delta.rank() == 2);
    }
    assertThat(Files.readString(adapter.resolve("adapter_config.json")))
        .contains("\"base_model_name_or_path\" : \"base\"")
        .doesNotContain(folder.toString());
  }

  @Tag("slow")
  @Test
  void killed_in_any_step_and_begun_again_it_ends_with_the_same_weights() throws IOException {
    Path expected = training("whole", Progress.NONE).train("base");
    int[] steps = {0};
    // In the vision tower's first step; two steps after it; in the fifth of the base's six.
    for (int at : new int[] {1, 4, 5}) {
      steps[0] = 0;
      assertThatThrownBy(
              () ->
                  training(
                          "killed",
                          new Progress() {
                            @Override
                            public void advanced(long amount) {
                              if (++steps[0] == at) {
                                throw new IllegalStateException("killed");
                              }
                            }
                          })
                      .train("base"))
          .hasMessage("killed");
    }
    Path resumed = training("killed", Progress.NONE).train("base");
    assertThat(Files.readAllBytes(resumed.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(expected.resolve("model.safetensors")));
  }

  @Test
  void what_is_there_is_not_trained_again() {
    training("one", Progress.NONE).train("base");
    List<String> trained = new ArrayList<>();
    training(
            "one",
            new Progress() {
              @Override
              public void started(String what, long total, String unit) {
                trained.add("%s, %d %s".formatted(what, total, unit));
              }
            })
        .train("expert-vqa");
    assertThat(trained).containsExactly("training expert-vqa, 3 steps");
  }

  @Test
  void an_unknown_model_is_an_error_that_lists_the_known_ones() {
    assertThatThrownBy(() -> training("one", Progress.NONE).train("expert-opera"))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("no model 'expert-opera'")
        .hasMessageContaining("expert-ocr");
  }
}
