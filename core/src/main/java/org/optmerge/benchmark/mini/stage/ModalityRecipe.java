package org.optmerge.benchmark.mini.stage;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.benchmark.mini.TrainingRecipe;
import org.optmerge.train.AdamW;

/**
 * The recipe of the audio-visual miniature's models, as {@code recipe.yaml} says it; the comments
 * there explain each setting.
 *
 * @param optimiser constants of AdamW
 * @param language trainings of the language model, one after another
 * @param encoder the pretraining of each encoder
 * @param modality the training of each modality's adapter and connector
 */
public record ModalityRecipe(
    AdamW.Settings optimiser, List<Language> language, Encoder encoder, Modality modality)
    implements TrainingRecipe {
  /** The model with every encoder and connector, which no adapter has changed. */
  public static final String BASE = "omni-base";

  /** Copies the list. */
  public ModalityRecipe {
    TrainingRecipe.require("optimiser", optimiser);
    TrainingRecipe.require("encoder", encoder);
    TrainingRecipe.require("modality", modality);
    TrainingRecipe.require("language", language == null || language.isEmpty() ? null : language);
    language = List.copyOf(language);
  }

  /** Texts with facts in words. */
  public record Language(
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      int batch,
      int statements,
      int names,
      int alone,
      @Nullable Double users)
      implements Steps {}

  /** The pretraining of an encoder: the content of an input, column by column. */
  public record Encoder(
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      int batch,
      long seed)
      implements Steps {}

  /** Conversations about one modality. */
  public record Modality(
      int steps,
      double peak,
      int warmUp,
      @JsonProperty("final") double finalShare,
      int batch,
      int questions,
      int statements,
      int texts,
      int scenes,
      int rank,
      double alpha,
      String layers,
      boolean connector,
      double weightDecay)
      implements Steps {
    /** Checks that nothing is missing. */
    public Modality {
      TrainingRecipe.require("layers", layers);
    }
  }

  /** The recipe of the shipped models. */
  public static ModalityRecipe shipped() {
    return TrainingRecipe.shipped(ModalityRecipe.class);
  }

  /** The name of a modality's adapter, such as {@code omni-audio}. */
  public static String adapter(StageModality modality) {
    return "omni-" + modality.key();
  }

  /** The name of a modality's pretrained encoder. */
  static String encoder(StageModality modality) {
    return "omni-encoder-" + modality.key();
  }

  /** The name of the language model after so many of its trainings. */
  static String language(int part) {
    return "omni-language-" + part;
  }

  @Override
  public List<Model> models() {
    ModalityTraining training = new ModalityTraining(this);
    List<Model> models = new ArrayList<>();
    for (int i = 1; i <= language.size(); i++) {
      int part = i;
      List<String> needs = part == 1 ? List.of() : List.of(language(part - 1));
      models.add(model(language(part), needs, (run, out) -> training.language(part, run, out)));
    }
    for (StageModality each : StageModality.ALL) {
      models.add(
          new Model(
              encoder(each), List.of(), true, (run, out) -> training.encoder(each, run, out)));
    }
    for (StageModality each : StageModality.ALL) {
      models.add(
          model(
              adapter(each),
              List.of(language(language.size()), encoder(each)),
              (run, out) -> training.adapter(each, run, out)));
    }
    models.add(
        model(
            BASE,
            StageModality.ALL.stream().map(ModalityRecipe::adapter).toList(),
            ModalityTraining::join));
    return models;
  }

  private static Model model(String name, List<String> needs, Maker maker) {
    return new Model(name, needs, false, maker);
  }
}
