package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergedWeights;
import org.optmerge.model.InternVL;

/**
 * Searches λ of a merge in memory: the merged task vector is computed once, and a model that stays
 * loaded answers for each λ. Nothing is written.
 *
 * <p>The rule: the paper's grid; then, as long as the largest λ tried is the best, one more from
 * those beyond. Methods that start from the mean need more than those that start from the sum.
 *
 * @param model with the base's weights; it has them again after each search
 * @param validation what λ is chosen by
 * @param test what the chosen merge is judged by; null: not
 */
public record MergeSearch(InternVL model, MiniEvaluator validation, @Nullable MiniEvaluator test) {
  /** λ in the paper's search, for every method. */
  public static final List<Double> PAPER_GRID = List.of(0.1, 0.3, 0.5, 0.7, 1.0, 1.5);

  /** What is tried if the largest of the grid is the best. */
  public static final List<Double> BEYOND = List.of(2.0, 3.0);

  /**
   * One λ.
   *
   * @param scaling λ
   * @param validation the answers with it
   */
  public record Tried(double scaling, MiniResult validation) {}

  /** Is told how a search goes on. */
  public interface Listener {
    /** Wants to know nothing. */
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

  /**
   * What a search found.
   *
   * @param label of the merge, for tables
   * @param tried each λ, in rising order
   * @param best λ with the best mean of capabilities on the validation set; of equals the smallest
   * @param test answers to the test set with it, if there is one
   */
  public record Outcome(String label, List<Tried> tried, Tried best, @Nullable MiniResult test) {}

  /**
   * Merges as a plan says, and tries each λ.
   *
   * @param grid rising
   * @param beyond rising, above the grid
   * @throws IllegalArgumentException if the grid is empty
   */
  public Outcome search(
      String label, MergePlan plan, List<Double> grid, List<Double> beyond, Listener listener) {
    MergedWeights merged = MergedWeights.of(plan);
    Map<String, float[]> original = new TreeMap<>();
    merged
        .names()
        .forEach(
            name ->
                original.put(
                    name, Objects.requireNonNull(model.parameters().get(name)).toFloatArray()));
    try {
      List<Tried> tried = new ArrayList<>();
      for (double scaling : grid) {
        tried.add(tryOne(label, merged, scaling, listener));
      }
      for (double scaling : beyond) {
        if (best(tried) == tried.get(tried.size() - 1)) {
          tried.add(tryOne(label, merged, scaling, listener));
        }
      }
      Tried best = best(tried);
      if (test == null) {
        return new Outcome(label, tried, best, null);
      }
      load(merged, best.scaling);
      MiniResult result =
          test.evaluate(label, model, more -> listener.answered(best.scaling, more));
      return new Outcome(label, tried, best, result);
    } finally {
      original.forEach(model::load);
    }
  }

  private Tried tryOne(String label, MergedWeights merged, double scaling, Listener listener) {
    load(merged, scaling);
    Tried tried =
        new Tried(
            scaling, validation.evaluate(label, model, more -> listener.answered(scaling, more)));
    listener.tried(tried);
    return tried;
  }

  /** Of equals the smallest. */
  private static Tried best(List<Tried> tried) {
    return tried.stream()
        .max(
            Comparator.<Tried>comparingDouble(it -> it.validation.mean())
                .thenComparing(Comparator.comparingDouble(Tried::scaling).reversed()))
        .orElseThrow(() -> new IllegalArgumentException("no λ to try"));
  }

  private void load(MergedWeights merged, double scaling) {
    merged.names().forEach(name -> model.load(name, merged.weights(name, scaling)));
  }
}
