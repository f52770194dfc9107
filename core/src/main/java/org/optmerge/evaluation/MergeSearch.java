package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.MergeException;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergedWeights;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.model.MultimodalModel;

/**
 * Searches λ of a merge in memory: the merged task vector is computed once, and a model that stays
 * loaded answers for each λ. Nothing is written.
 *
 * <p>The rule: the paper's grid; then, as long as the largest λ tried is the best, one more from
 * those beyond. Methods that start from the mean need more than those that start from the sum.
 *
 * @param model with the base's weights; it has them again after each search
 * @param validation questions by which λ is chosen
 * @param choice which groups of them the mean is over that decides
 * @param test questions by which the chosen merge is judged; null: none
 */
@API(status = API.Status.EXPERIMENTAL)
public record MergeSearch(
    MultimodalModel model, Evaluator validation, Grouping choice, @Nullable Evaluator test) {
  /** λ in the paper's search, for every method. */
  public static final List<Double> PAPER_GRID = List.of(0.1, 0.3, 0.5, 0.7, 1.0, 1.5);

  /** Tried if the largest of the grid is the best. */
  public static final List<Double> BEYOND = List.of(2.0, 3.0);

  /**
   * One λ.
   *
   * @param scaling λ
   * @param mean of the validation scores, by which λ is chosen
   * @param validation the answers with it
   */
  public record Tried(double scaling, double mean, ModelEvaluation validation) {}

  /** Receiver of a search's progress. */
  public interface Listener {
    /** Ignores everything. */
    Listener NONE = new Listener() {};

    /**
     * Questions were answered.
     *
     * @param scaling λ of the merge that answered them
     * @param more how many more
     */
    default void answered(double scaling, int more) {}

    /** A λ is done. */
    default void tried(Tried tried) {}
  }

  /** The way in which a model with some λ is asked; for searches that remember answers. */
  public interface Asking {
    /**
     * Asks the model.
     *
     * @param scaling λ that its weights have now
     * @param progress is told how many more questions were answered
     */
    ModelEvaluation ask(
        double scaling, Evaluator questions, MultimodalModel model, IntConsumer progress);
  }

  /**
   * The result of a search.
   *
   * @param label of the merge, for tables
   * @param tried each λ, in rising order
   * @param best λ with the best mean on the validation set; of equals the smallest
   * @param test answers to the test set with it, if there is one
   * @param milliseconds a test question; NaN if there is no test
   */
  public record Outcome(
      String label,
      List<Tried> tried,
      Tried best,
      @Nullable ModelEvaluation test,
      double milliseconds) {
    /** Mean accuracy on the validation questions by λ. */
    Map<String, Double> curve() {
      Map<String, Double> curve = new LinkedHashMap<>();
      tried.forEach(one -> curve.put(Double.toString(one.scaling), one.mean));
      return curve;
    }
  }

  /**
   * Merges as a plan says, and tries each λ.
   *
   * @param grid rising
   * @param beyond rising, above the grid
   * @throws IllegalArgumentException if the grid is empty
   * @throws MergeException if the merge is more than weights of the model's, or a value is not
   *     finite
   */
  public Outcome search(
      String label, MergePlan plan, List<Double> grid, List<Double> beyond, Listener listener) {
    requireWholeIn(plan, model);
    return search(label, MergedWeights.of(plan), grid, beyond, listener);
  }

  /**
   * The same, with answers that are remembered.
   *
   * @param asking keeps answers, and knows those of an earlier search
   */
  public Outcome search(
      String label,
      MergePlan plan,
      List<Double> grid,
      List<Double> beyond,
      Listener listener,
      Asking asking) {
    requireWholeIn(plan, model);
    return search(label, MergedWeights.of(plan), grid, beyond, listener, asking);
  }

  /** The same with weights that are merged already, of a plan that is {@link #requireWholeIn}. */
  public Outcome search(
      String label,
      MergedWeights merged,
      List<Double> grid,
      List<Double> beyond,
      Listener listener) {
    return search(
        label,
        merged,
        grid,
        beyond,
        listener,
        (scaling, questions, asked, progress) -> questions.evaluate(label, asked, progress));
  }

  /** The same with weights that are merged already, and answers that are remembered. */
  public Outcome search(
      String label,
      MergedWeights merged,
      List<Double> grid,
      List<Double> beyond,
      Listener listener,
      Asking asking) {
    MultimodalModel.Kept original = model.keep(merged.names());
    try {
      List<Tried> tried = new ArrayList<>();
      for (double scaling : grid) {
        tried.add(tryOne(merged, scaling, listener, asking));
      }
      for (double scaling : beyond) {
        if (best(tried) == tried.get(tried.size() - 1)) {
          tried.add(tryOne(merged, scaling, listener, asking));
        }
      }
      Tried best = best(tried);
      if (test == null) {
        return new Outcome(label, tried, best, null, Double.NaN);
      }
      load(model, merged, best.scaling);
      long begin = System.nanoTime();
      ModelEvaluation result =
          asking.ask(best.scaling, test, model, more -> listener.answered(best.scaling, more));
      double milliseconds = (System.nanoTime() - begin) / 1e6 / result.items().size();
      return new Outcome(label, tried, best, result, milliseconds);
    } finally {
      original.close();
    }
  }

  private Tried tryOne(MergedWeights merged, double scaling, Listener listener, Asking asking) {
    load(model, merged, scaling);
    ModelEvaluation answers =
        asking.ask(scaling, validation, model, more -> listener.answered(scaling, more));
    Tried tried = new Tried(scaling, answers.mean(choice), answers);
    listener.tried(tried);
    return tried;
  }

  /** Of equals the smallest. */
  private static Tried best(List<Tried> tried) {
    return tried.stream()
        .max(
            Comparator.<Tried>comparingDouble(it -> it.mean)
                .thenComparing(Comparator.comparingDouble(Tried::scaling).reversed()))
        .orElseThrow(() -> new IllegalArgumentException("no λ to try"));
  }

  /** Puts merged weights with some λ into a model of the base. */
  public static void load(MultimodalModel model, MergedWeights merged, double scaling) {
    merged.names().forEach(name -> model.load(name, merged.weights(name, scaling)));
  }

  /**
   * Checks that a model of the plan's base, given the merged weights, is all that the plan would
   * write.
   *
   * @throws MergeException if the plan copies tensors from elsewhere, or merges tensors that the
   *     model does not have; the message names one
   */
  public static void requireWholeIn(MergePlan plan, MultimodalModel model) {
    for (PlannedTensor tensor : plan.tensors()) {
      String reason =
          tensor.work() instanceof PlannedTensor.Copy copy && !isOfBase(plan, tensor, copy)
              ? "is copied from " + copy.from().checkpoint().folder()
              : tensor.work() instanceof PlannedTensor.Merge && !model.has(tensor.name())
                  ? "is no parameter of the base's model"
                  : null;
      if (reason != null) {
        throw new MergeException(
            "tensor '%s' %s: this merge cannot be asked in memory; write it with 'optmerge merge' and evaluate the folder"
                .formatted(tensor.name(), reason));
      }
    }
  }

  private static boolean isOfBase(MergePlan plan, PlannedTensor tensor, PlannedTensor.Copy copy) {
    return copy.from().checkpoint().folder().equals(plan.donor().folder())
        && copy.from().tensor().name().equals(tensor.name())
        && copy.from().shape().equals(copy.from().tensor().shape());
  }
}
