package org.optmerge;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Progress;
import org.optmerge.benchmark.QuestionFile;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.Grouping;
import org.optmerge.evaluation.MergeSearch;
import org.optmerge.evaluation.Metrics;
import org.optmerge.evaluation.ModelEvaluation;
import org.optmerge.evaluation.Study;
import org.optmerge.merge.AdapterMerger;
import org.optmerge.merge.MergeException;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergeResult;
import org.optmerge.merge.MergedWeights;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.method.MergeMethod;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.Prompt;
import org.optmerge.model.media.Media;

/**
 * The entry point: a merge from its recipe to a checkpoint, an adapter, or a model that answers.
 *
 * <pre>{@code
 * try (OptMerge merge = OptMerge.open(Path.of("recipe.yaml"))) {
 *   System.out.println(merge.plan());
 *   merge.writeTo(Path.of("merged"));
 *   merge.with("largest", tau -> tau.stack().max(new int[] {0})).writeTo(Path.of("largest"));
 *   Evaluator mine = OptMerge.questions(Path.of("questions.jsonl"));
 *   System.out.println(merge.tune(mine).best().scaling());
 *   System.out.println(merge.evaluate(mine).scores());
 * }
 * }</pre>
 *
 * <p>What it opens stays open until it is closed; a merge that {@link #with} makes shares it.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class OptMerge implements AutoCloseable {
  private final MergePlan plan;
  private @Nullable MergedWeights weights;
  private @Nullable MultimodalModel answering;

  private OptMerge(MergePlan plan) {
    this.plan = plan;
  }

  /**
   * Plans the merge of a recipe's file; paths of models are relative to its folder, then to the
   * working directory. A model's folder is a merge of nothing: the model as it is.
   *
   * @throws RecipeException if anything does not fit; all problems are in it, one line each
   */
  public static OptMerge open(Path recipe) {
    if (!Files.isDirectory(recipe)) {
      return of(RecipeParser.parse(recipe));
    }
    Path folder = recipe.toAbsolutePath().normalize();
    return of(
        "merge_method: passthrough\nmodels: [{model: '%s'}]\n"
            .formatted(folder.toString().replace("'", "''")),
        folder);
  }

  /**
   * Plans the merge of a recipe that is given as text.
   *
   * @param folder what paths of models are relative to
   * @throws RecipeException if anything does not fit; all problems are in it, one line each
   */
  public static OptMerge of(String recipe, Path folder) {
    return of(RecipeParser.parse(recipe, "recipe", folder));
  }

  private static OptMerge of(Recipe recipe) {
    return new OptMerge(Planner.plan(recipe, List.of(recipe.folder(), Path.of(""))));
  }

  /**
   * The same merge by another method, such as a lambda.
   *
   * @param name by which results and messages call it
   * @throws IllegalArgumentException if the method does not fit the plan
   */
  public OptMerge with(String name, MergeMethod method) {
    return new OptMerge(plan.withMethod(name, method));
  }

  /** Everything that the merge will do; its text is a summary. */
  public MergePlan plan() {
    return plan;
  }

  /**
   * Writes the merged checkpoint.
   *
   * @param out absent or empty; appears complete or not at all
   * @throws MergeException if a value is not finite, or the folder cannot be written
   */
  public MergeResult writeTo(Path out) {
    return writeTo(out, MergeOptions.DEFAULT, Progress.NONE);
  }

  /** {@link #writeTo(Path)} with options of its own; the progress is told how far it is. */
  public MergeResult writeTo(Path out, MergeOptions options, Progress progress) {
    return Merger.run(plan, out, options, progress);
  }

  /**
   * Writes the merged change of the base as a LoRA adapter.
   *
   * @param rank of every matrix; 0: as much as an exact result needs
   * @throws MergeException if an adapter cannot hold the merge, or the folder cannot be written
   */
  public AdapterMerger.Result writeAdapterTo(Path out, int rank) {
    return AdapterMerger.run(plan, rank, out, MergeOptions.DEFAULT, Progress.NONE);
  }

  /**
   * The merged weights in memory, for any λ; they are merged when first asked for.
   *
   * @throws MergeException if a value is not finite
   */
  public MergedWeights weights() {
    MergedWeights merged = weights;
    if (merged == null) {
      merged = MergedWeights.of(plan);
      weights = merged;
    }
    return merged;
  }

  /**
   * The merged model with the recipe's own λ, in memory; the caller closes it.
   *
   * @throws MergeException if the merge is more than changed weights of its base, or a value is not
   *     finite
   */
  public MultimodalModel model() {
    return base(
        model -> {
          MergedWeights merged = weights();
          merged.names().forEach(name -> model.load(name, merged.weights(name)));
        });
  }

  /** {@link #model()} with another λ. */
  public MultimodalModel model(double scaling) {
    return base(model -> MergeSearch.load(model, weights(), scaling));
  }

  /** The base's model, checked to be all but the merged weights, before these are merged. */
  private MultimodalModel base(Consumer<MultimodalModel> then) {
    MultimodalModel model = MultimodalModel.open(plan.donor().folder());
    try {
      MergeSearch.requireWholeIn(plan, model);
      then.accept(model);
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /**
   * The merged model's answer to a question about a picture, a sound or a film, with the recipe's
   * own λ, in memory. The model stays until this is closed.
   *
   * @throws MergeException as {@link #model()}
   */
  public String answer(Media medium, String question) {
    MultimodalModel model = answering;
    if (model == null) {
      model = model();
      answering = model;
    }
    return model.answer(List.of(Prompt.of(medium, question)), model.decoding()).get(0);
  }

  /** Asks the merged model, with the recipe's own λ, in memory. */
  public ModelEvaluation evaluate(Evaluator questions) {
    try (MultimodalModel model = model()) {
      return questions.evaluate(plan.method(), model, more -> {});
    }
  }

  /**
   * Searches λ on some questions, in memory, over the paper's grid; the recipe's own λ is not used.
   */
  public MergeSearch.Outcome tune(Evaluator questions) {
    try (MultimodalModel model = base(opened -> {})) {
      return new MergeSearch(model, questions, Grouping.GROUPS, null)
          .search(
              plan.method(),
              weights(),
              MergeSearch.PAPER_GRID,
              MergeSearch.BEYOND,
              MergeSearch.Listener.NONE);
    }
  }

  /** A model folder, or {@code BASE+ADAPTER}, opened to answer; the caller closes it. */
  public static MultimodalModel model(String reference) {
    return MultimodalModel.open(reference);
  }

  /**
   * Questions of one's own, scored by equality but for letter case and white space at the ends.
   *
   * @param file {@code .jsonl}, {@code .tsv} or {@code .csv}, see {@link QuestionFile}
   */
  public static Evaluator questions(Path file) {
    return new Evaluator(QuestionFile.open(file), Metrics.named(Metrics.EXACT));
  }

  /**
   * The recorded rows of a study.
   *
   * @param file such as {@code notebooks/results/miniature/seed-1.json}
   */
  public static Study study(Path file) {
    return Study.recorded(file);
  }

  @Override
  public void close() {
    MultimodalModel model = answering;
    if (model != null) {
      model.close();
      answering = null;
    }
    plan.close();
  }
}
