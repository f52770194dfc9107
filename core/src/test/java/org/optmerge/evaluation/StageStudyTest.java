package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.mini.MiniatureTraining;
import org.optmerge.benchmark.mini.TrainingRecipe;
import org.optmerge.benchmark.mini.stage.ModalityRecipe;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.model.OmniModel;
import org.optmerge.model.OnlineComposition;
import org.optmerge.train.TrainingException;
import org.optmerge.train.TrainingListener;

@Tag("slow")
class StageStudyTest {
  /** A few steps of everything: models that answer nothing, made as the shipped ones. */
  private static final String RECIPE =
      """
      optimiser: {beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weight-decay: 0.05, clip-norm: 1}
      language:
        - {steps: 2, peak: 1e-3, warm-up: 0, final: 1, batch: 2, questions: 2, captions: 1}
        - {steps: 1, peak: 1e-3, warm-up: 0, final: 1, batch: 2, questions: 1, captions: 0}
      encoder: {steps: 2, peak: 1e-3, warm-up: 0, final: 1, batch: 2}
      modality:
        {steps: 3, peak: 1e-2, warm-up: 0, final: 1, batch: 2, questions: 2, texts: 1, scenes: 4,
         rank: 2, alpha: 4, layers: 'language_model\\.model\\.layers\\.0\\.self_attn\\.[qv]_proj',
         weight-decay: 0}
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
    return new MiniatureTraining(recipe, 1, out, TrainingListener.NONE);
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

  @Test
  void everyRowOfTheStudyIsMadeWhateverTheMethod() {
    List<String> heard = new ArrayList<>();
    try (StageStudy study =
        new StageStudy(training.folder("omni-base").resolveSibling("."), 1, 2, heard::add)) {
      StageRow words = study.words();
      StageRow unmerged = study.unmerged();
      assertThat(words.correct()).hasSize(StageQuestionType.ALL.size());
      assertThat(words.questions()).isEqualTo(2);
      for (MiniMerge merge : StageStudy.methods()) {
        StageRow merged = study.merged(merge, EnumSet.allOf(StageModality.class));
        assertThat(merged.scaling()).as(merge.label()).isPositive();
      }
      assertThat(study.online(OnlineComposition.Mode.DECOUPLED).given()).hasSize(3);
      // Afterwards the model is the base again.
      assertThat(study.unmerged().correct()).isEqualTo(unmerged.correct());
    }
    assertThat(heard).contains("TSV Merging, test");
  }

  @Test
  void aRowIsReadAsItWasWritten() {
    StageRow row =
        new StageRow(
            "x", 0.5, List.of("vision"), 5, Map.of("sounding-colour", "15", "colour", "1f"), 1.5);
    Path file = folder.resolve("rows.json");
    StageRow.write(file, List.of(row));
    assertThat(StageRow.read(file)).containsExactly(row);
    // 15 is 10101, the highest bit the first question.
    assertThat(row.scores(StageQuestionType.SOUNDING_COLOUR)).containsExactly(1, 0, 1, 0, 1);
    assertThat(row.accuracy(StageQuestionType.COLOUR)).isEqualTo(1);
    assertThat(row.accuracy(StageQuestionType.PLACE)).isZero();
  }

  @Test
  void theBestOfEachTypeIsChosenTypeByType() {
    StageRow one = row(Map.of("sounding-colour", "3", "sounding-place", "0"));
    StageRow two = row(Map.of("sounding-colour", "1", "sounding-place", "2"));
    StageRow best = StageRow.bestOfEachType("best", List.of(one, two));
    assertThat(best.accuracy(StageQuestionType.SOUNDING_COLOUR)).isEqualTo(1);
    assertThat(best.accuracy(StageQuestionType.SOUNDING_PLACE)).isEqualTo(0.5);
  }

  private static StageRow row(Map<String, String> correct) {
    return new StageRow("x", null, List.of("vision"), 2, new LinkedHashMap<>(correct), 0);
  }
}
