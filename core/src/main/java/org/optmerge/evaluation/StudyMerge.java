package org.optmerge.evaluation;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apiguardian.api.API;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

/**
 * A merge to be judged in a study: a method with its settings.
 *
 * @param key by which its row is found
 * @param label for tables
 * @param method as recipes have it
 * @param parameters further settings as a recipe has them, such as {@code rank_share: 0.1}; empty
 *     for the published ones
 */
@API(status = API.Status.EXPERIMENTAL)
public record StudyMerge(String key, String label, String method, String parameters) {
  /** The key of OptMerge as published for the kind of experts. */
  public static final String OPTMERGE = "optmerge";

  /** The key of task arithmetic, which others are compared with. */
  public static final String TASK_ARITHMETIC = "task-arithmetic";

  /** Published names of the matrices that experts of the miniature were trained on. */
  private static final List<String> INCLUDED =
      List.of("language_model\\.model\\.layers\\..*_proj\\.weight", "mlp1\\.[13]\\.weight");

  /** The methods of the paper's tables, in their order; OptMerge with the setting of the family. */
  public static List<StudyMerge> ofPaper(boolean adapters) {
    return List.of(
        published("Weight Average", "weight-average"),
        published("Task Arithmetic", "task-arithmetic"),
        published("TIES Merging", "ties-tensor"),
        published("TA w/ DARE", "dare-task-arithmetic"),
        published("TIES w/ DARE", "dare-ties"),
        published("TSV Merging", "tsv"),
        published("Iso-C", "iso-c"),
        published("WUDI Merging", "wudi"),
        new StudyMerge(OPTMERGE, "OptMerge", adapters ? "optmerge-lora" : "optmerge-full", ""));
  }

  /**
   * OptMerge and its relatives with steps that do not depend on the size of the weights: published
   * constants are tuned to models a thousand times larger.
   */
  public static List<StudyMerge> scaleAware() {
    return List.of(
        published("OptMerge, SGD 5e-2 (modalities)", "optmerge-modal"),
        published("OptMerge, relative Adam", "optmerge-full-rel"),
        published("OptMerge, flow t = 10", "optmerge-flow-10"),
        published("OptMerge, flow t = 100", "optmerge-flow-100"),
        published("SWUDI", "swudi"));
  }

  /** From WUDI to OptMerge, one change at a time: the paper's table 4. */
  public static List<StudyMerge> ablation() {
    String sgd = "init: %s, rank_share: 1.0, projector: full";
    return List.of(
        published("WUDI Merging", "wudi"),
        new StudyMerge("wudi-sgd", "+ SGD", "optmerge-lora", sgd.formatted("sum")),
        new StudyMerge("wudi-sgd-mean", "+ Initialization", "optmerge-lora", sgd.formatted("mean")),
        new StudyMerge(OPTMERGE, "OptMerge", "optmerge-lora", ""));
  }

  /** OptMerge and its variants. */
  public boolean isOptMerge() {
    return key.startsWith(OPTMERGE);
  }

  /** A method with its own settings. */
  public static StudyMerge published(String label, String method) {
    return new StudyMerge(method, label, method, "");
  }

  /**
   * Plans the merge of a family's experts with λ = 1.
   *
   * @param seed of methods that draw random numbers
   */
  public MergePlan plan(ModelFamily family, long seed) {
    return plan(family.base(), family.recipeModels(), seed);
  }

  /** Plans the merge of any experts of a miniature base with λ = 1. */
  public MergePlan plan(Path base, List<String> experts, long seed) {
    return plan(base, experts, seed, INCLUDED);
  }

  /**
   * Plans the merge of any experts with λ = 1.
   *
   * @param include patterns of the names of tensors that are merged; others stay the base's
   */
  public MergePlan plan(Path base, List<String> experts, long seed, List<String> include) {
    return Planner.plan(
        RecipeParser.parse(
            recipe(base, experts, 1, seed, include), label, Path.of("").toAbsolutePath()));
  }

  /**
   * The recipe of a merge, for {@code optmerge merge}.
   *
   * @param experts as recipes name models
   * @param scaling λ
   * @param seed of methods that draw random numbers
   */
  public String recipe(Path base, List<String> experts, double scaling, long seed) {
    return recipe(base, experts, scaling, seed, INCLUDED);
  }

  private String recipe(
      Path base, List<String> experts, double scaling, long seed, List<String> include) {
    return """
        # %s
        merge_method: %s
        base_model: %s
        models:
        %s
        parameters: {scaling: %s%s}
        include: [%s]
        random_seed: %d
        """
        .formatted(
            label,
            method,
            quoted(base.toAbsolutePath().normalize().toString()),
            experts.stream()
                .map(expert -> "  - model: %s".formatted(quoted(expert)))
                .collect(Collectors.joining("\n")),
            scaling,
            parameters.isEmpty() ? "" : ", " + parameters,
            include.stream().map(StudyMerge::quoted).collect(Collectors.joining(", ")),
            seed);
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "''") + "'";
  }
}
