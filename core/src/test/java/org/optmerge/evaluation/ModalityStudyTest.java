package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.Progress;
import org.optmerge.benchmark.mini.MiniatureTraining;
import org.optmerge.benchmark.mini.TrainingRecipe;
import org.optmerge.benchmark.mini.stage.ModalityRecipe;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.model.OmniModel;
import org.optmerge.report.ModalityExhibits;
import org.optmerge.train.TrainingException;

class ModalityStudyTest {
  /** A few steps of everything: models that answer nothing, made as the shipped ones. */
  private static final String RECIPE =
      """
      optimiser: {beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weight-decay: 0.05, clip-norm: 1}
      language:
        - {steps: 3, peak: 1e-3, warm-up: 0, final: 1, batch: 2, statements: 2, names: 1, alone: 2}
        - {steps: 1, peak: 1e-3, warm-up: 0, final: 1, batch: 2, statements: 1, names: 0, alone: 0}
      encoder: {steps: 2, peak: 1e-3, warm-up: 0, final: 1, batch: 2, seed: 1}
      modality:
        {steps: 3, peak: 1e-2, warm-up: 0, final: 1, batch: 2, questions: 2, statements: 3, texts: 1,
         scenes: 4,
         rank: 2, alpha: 4, layers: 'language_model\\.model\\.layers\\.0\\.self_attn\\.[qv]_proj',
         connector: false, weight-decay: 0}
      """;

  @TempDir static Path folder;
  private static MiniatureTraining training;

  @BeforeAll
  static void train() throws IOException {
    Path recipe = Files.writeString(folder.resolve("recipe.yaml"), RECIPE);
    training = training(TrainingRecipe.read(ModalityRecipe.class, recipe), folder.resolve("out"));
    training.names().forEach(training::train);
  }

  private static MiniatureTraining training(ModalityRecipe recipe, Path out) {
    return new MiniatureTraining(recipe, 1, out, Progress.NONE);
  }

  @Test
  void trainingLeavesEveryModelAndTrainsNoneTwice() throws IOException {
    assertThat(training.names())
        .containsExactly(
            "omni-language-1",
            "omni-language-2",
            "omni-encoder-vision",
            "omni-encoder-audio",
            "omni-encoder-video",
            "omni-vision",
            "omni-audio",
            "omni-video",
            "omni-base");
    for (String name : training.names()) {
      assertThat(training.folder(name)).isDirectory();
    }
    Path weights = training.folder("omni-base").resolve("model.safetensors");
    byte[] before = Files.readAllBytes(weights);
    training.train("omni-base");
    assertThat(Files.readAllBytes(weights)).isEqualTo(before);
    assertThatThrownBy(() -> training.train("omni-smell"))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("omni-smell");
  }

  @Test
  void theSameSeedTrainsTheSameWeights() throws IOException {
    MiniatureTraining again =
        training(
            TrainingRecipe.read(ModalityRecipe.class, folder.resolve("recipe.yaml")),
            folder.resolve("again"));
    again.train("omni-audio");
    assertThat(Files.readAllBytes(again.folder("omni-audio").resolve("adapter_model.safetensors")))
        .isEqualTo(
            Files.readAllBytes(training.folder("omni-audio").resolve("adapter_model.safetensors")));
  }

  @Test
  void theBaseHasEveryEncoderAndConnectorOfTheModalities() {
    try (OmniModel base = OmniModel.open(training.folder("omni-base"));
        OmniModel audio = OmniModel.open(training.folder("omni-audio-parts"))) {
      assertThat(base.config().modalities().keySet()).containsExactly("audio", "video", "vision");
      audio
          .parameters()
          .forEach(
              (name, values) ->
                  assertThat(base.parameters().get(name).toFloatArray())
                      .as(name)
                      .containsExactly(values.toFloatArray()));
    }
  }

  @Tag("slow")
  @Test
  void every_row_of_the_study_is_made_whatever_the_method() {
    ModelFamily family =
        ModelFamily.of(ModelFamily.MODALITY, training.folder("omni-base").resolveSibling("."));
    List<Study.Report> heard = new ArrayList<>();
    Path file = folder.resolve("rows.json");
    Examination few = Examination.modalities(1, 2);
    List<Study.Wanted> wanted = ModalityExhibits.rows(family);
    Map<String, AnswerSheet> rows = new Study(file, Map.of(), few, heard::add).byKey(wanted);

    AnswerSheet words = Objects.requireNonNull(rows.get("modality/base?form=words"));
    assertThat(words.right()).hasSize(StageQuestionType.ALL.size());
    assertThat(words.scores("sounding-colour")).hasSize(2);
    for (Study.Wanted one : wanted) {
      AnswerSheet row = Objects.requireNonNull(rows.get(one.key()));
      assertThat(row.given()).as(one.key()).isEqualTo(one.presentation().modalities());
      if (one instanceof Study.Merged) {
        assertThat(row.scaling()).as(one.key()).isPositive();
        assertThat(row.curve()).as(one.key()).containsKeys("0.1", "1.5");
      }
    }
    assertThat(heard).extracting(report -> report.wanted().label()).contains("TSV Merging");

    // Interrupted, it goes on; over, it makes nothing again.
    heard.clear();
    assertThat(new Study(file, Map.of(), few, heard::add).byKey(wanted)).isEqualTo(rows);
    assertThat(heard).isEmpty();
  }
}
