package org.optmerge.evaluation;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.stage.ModalityRecipe;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.checkpoint.LoraAdapter;

/**
 * A base model, experts that were fine-tuned from it, and a model trained on all of them together.
 *
 * @param name as results have it
 * @param title as tables have it
 * @param base of the experts
 * @param experts a model folder, or an adapter's, for each group of questions, in order
 * @param adapters whether its experts were trained as adapters, which decides the published setting
 *     of OptMerge
 * @param mixture trained on everything, the upper reference; null if there is none
 */
@API(status = API.Status.EXPERIMENTAL)
public record ModelFamily(
    String name,
    String title,
    Path base,
    Map<String, Path> experts,
    boolean adapters,
    @Nullable Path mixture) {
  /** The families of capabilities, as commands name them. */
  public static final List<String> NAMES =
      List.of("full", "lora", "instruct", "independent", "large");

  /** The family of picture, sound and film. */
  public static final String MODALITY = "modality";

  /** Copies the map. */
  public ModelFamily {
    experts = Collections.unmodifiableMap(new LinkedHashMap<>(experts));
  }

  /**
   * A family among the models that {@code optmerge train} leaves.
   *
   * @param name {@code full} or {@code lora}: fine-tuned from a base that knows the facts but
   *     hardly the form of a question; {@code instruct}: from a base that answers elementary
   *     questions; {@code independent}: from the first base, on other images and by other recipes;
   *     {@code large}: as {@code lora}, eight times as large; {@code modality}: adapters for picture, sound and film
   * @param models the folder with one folder for each model
   * @throws IllegalArgumentException if there is no such family
   */
  public static ModelFamily of(String name, Path models) {
    return switch (name) {
      case "full" ->
          capabilities(name, "Base, full fine-tuning", models, "base", "expert-", false, "mixture");
      case "lora" -> capabilities(name, "Base, LoRA", models, "base", "lora-", true, "mixture");
      case "instruct" ->
          capabilities(
              name,
              "Instruct, full fine-tuning",
              models,
              "instruct",
              "instruct-expert-",
              false,
              "instruct-mixture");
      case "independent" ->
          capabilities(
              name, "Independent experts", models, "base", "independent-", false, "mixture");
      case "large" ->
          capabilities(
              name,
              "Larger sibling, LoRA",
              models,
              "large-base",
              "large-lora-",
              true,
              "large-mixture");
      case MODALITY -> modalities(models);
      default ->
          throw new IllegalArgumentException(
              "no family '%s' of miniature models; there are %s and %s"
                  .formatted(name, NAMES, MODALITY));
    };
  }

  private static ModelFamily capabilities(
      String name,
      String title,
      Path models,
      String base,
      String expert,
      boolean adapters,
      String mixture) {
    Map<String, Path> experts = new LinkedHashMap<>();
    for (MiniTask task : MiniTask.CAPABILITIES) {
      experts.put(task.label(), models.resolve(expert + task.key()));
    }
    return new ModelFamily(
        name, title, models.resolve(base), experts, adapters, models.resolve(mixture));
  }

  private static ModelFamily modalities(Path models) {
    Map<String, Path> experts = new LinkedHashMap<>();
    for (StageModality modality : StageModality.ALL) {
      experts.put(modality.key(), models.resolve(ModalityRecipe.adapter(modality)));
    }
    return new ModelFamily(
        MODALITY, "Modalities, LoRA", models.resolve(ModalityRecipe.BASE), experts, true, null);
  }

  /** A family of the same base and mixture with other experts, under another name. */
  public ModelFamily withExperts(String other, String otherTitle, Map<String, Path> others) {
    return new ModelFamily(other, otherTitle, base, others, adapters, mixture);
  }

  /** The experts as a recipe names them: an adapter stands behind its base. */
  public List<String> recipeModels() {
    return experts.values().stream().map(this::reference).toList();
  }

  /** A model of the family as a recipe names it. */
  public String reference(Path model) {
    return LoraAdapter.isAdapter(model)
        ? "%s+%s".formatted(full(base), full(model))
        : full(model).toString();
  }

  private static Path full(Path path) {
    return path.toAbsolutePath().normalize();
  }

  /** The key of an expert's row. */
  public static String expertKey(String group) {
    return "expert-" + group.toLowerCase(Locale.ROOT);
  }

  /** The single models of the family: base, experts, mixture. */
  public List<Study.Single> singles() {
    List<Study.Single> singles = new ArrayList<>();
    singles.add(new Study.Single(this, Study.BASE, "Base", base));
    experts.forEach(
        (group, expert) ->
            singles.add(new Study.Single(this, expertKey(group), "Expert " + group, expert)));
    if (mixture != null) {
      singles.add(new Study.Single(this, Study.MIXTURE, "Mixture training", mixture));
    }
    return singles;
  }
}
