package org.optmerge.evaluation;

import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.benchmark.mini.MiniTask;

/**
 * A base model, an expert for each capability, and the model trained on all of them together.
 *
 * @param name as results have it
 * @param title as tables have it
 * @param base what the experts were fine-tuned from
 * @param experts a model folder, or an adapter's, for each task
 * @param adapters whether the experts are adapters
 * @param mixture trained on all tasks: the upper reference
 */
public record ModelFamily(
    String name,
    String title,
    Path base,
    Map<MiniTask, Path> experts,
    boolean adapters,
    Path mixture) {
  /** The names of the families, as commands have them. */
  public static final List<String> NAMES = List.of("full", "lora", "instruct");

  /** Copies the map. */
  public ModelFamily {
    experts = Collections.unmodifiableMap(new EnumMap<>(experts));
  }

  /**
   * A family among the models that {@code optmerge train mini} leaves.
   *
   * @param name {@code full} or {@code lora}: fine-tuned from a base that knows the facts but
   *     hardly the form of a question; {@code instruct}: from a base that answers elementary
   *     questions
   * @param models the folder with one folder for each model
   * @throws IllegalArgumentException if there is no such family
   */
  public static ModelFamily of(String name, Path models) {
    return switch (name) {
      case "full" ->
          family(name, "Base, full fine-tuning", models, "base", "expert-", false, "mixture");
      case "lora" -> family(name, "Base, LoRA", models, "base", "lora-", true, "mixture");
      case "instruct" ->
          family(
              name,
              "Instruct, full fine-tuning",
              models,
              "instruct",
              "instruct-expert-",
              false,
              "instruct-mixture");
      default ->
          throw new IllegalArgumentException(
              "no family '%s' of miniature models; there are %s".formatted(name, NAMES));
    };
  }

  private static ModelFamily family(
      String name,
      String title,
      Path models,
      String base,
      String expert,
      boolean adapters,
      String mixture) {
    Map<MiniTask, Path> experts = new EnumMap<>(MiniTask.class);
    for (MiniTask task : MiniTask.CAPABILITIES) {
      experts.put(task, models.resolve(expert + task.key()));
    }
    return new ModelFamily(
        name, title, models.resolve(base), experts, adapters, models.resolve(mixture));
  }

  /** The experts as a recipe names them: an adapter stands behind its base. */
  public List<String> recipeModels() {
    return experts.values().stream()
        .map(
            expert ->
                adapters ? "%s+%s".formatted(full(base), full(expert)) : full(expert).toString())
        .toList();
  }

  private static Path full(Path path) {
    return path.toAbsolutePath().normalize();
  }

  /** The single models of the family by the label that tables give them. */
  public Map<String, Path> singles() {
    Map<String, Path> singles = new LinkedHashMap<>();
    singles.put("Base", base);
    experts.forEach((task, expert) -> singles.put("Expert " + task.label(), expert));
    singles.put("Mixture training", mixture);
    return singles;
  }
}
