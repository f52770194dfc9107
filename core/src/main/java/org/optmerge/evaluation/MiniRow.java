package org.optmerge.evaluation;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.MiniTask;

/**
 * One row of a table: a model or a merge, and which test questions it answered correctly.
 *
 * @param label for tables
 * @param scaling λ that was chosen; null for a model
 * @param curve mean accuracy on the validation set by λ; empty for a model
 * @param correct for each task one character for each question, {@code 1} where the answer was
 *     right, in the order of the examples
 * @param heldOut the same for whether the question's type was held out from the instruct family's
 *     base
 * @param inputs a digest of all that the row follows from, by which {@link MiniStudy} knows whether
 *     it still does; null if that was not noted
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record MiniRow(
    String label,
    @Nullable Double scaling,
    Map<String, Double> curve,
    Map<MiniTask, String> correct,
    Map<MiniTask, String> heldOut,
    @Nullable String inputs) {
  /** A curve that is empty is not written, and so not there when it is read. */
  public MiniRow {
    curve = Objects.requireNonNullElse(curve, Map.of());
  }

  /** Of a model's answers. */
  static MiniRow of(String label, MiniResult result) {
    return of(label, null, Map.of(), result);
  }

  /** Of a search over λ. */
  static MiniRow of(MergeSearch.Outcome outcome) {
    Map<String, Double> curve = new LinkedHashMap<>();
    outcome
        .tried()
        .forEach(tried -> curve.put(Double.toString(tried.scaling()), tried.validation().mean()));
    return of(
        outcome.label(),
        outcome.best().scaling(),
        curve,
        Objects.requireNonNull(outcome.test(), "no test"));
  }

  private static MiniRow of(
      String label, @Nullable Double scaling, Map<String, Double> curve, MiniResult result) {
    Map<MiniTask, String> correct = new LinkedHashMap<>();
    Map<MiniTask, String> heldOut = new LinkedHashMap<>();
    for (MiniResult.Answer answer : result.answers()) {
      correct.merge(answer.task(), answer.correct() ? "1" : "0", String::concat);
      heldOut.merge(answer.task(), answer.heldOut() ? "1" : "0", String::concat);
    }
    return new MiniRow(label, scaling, curve, correct, heldOut, null);
  }

  MiniRow madeFrom(String digest) {
    return new MiniRow(label, scaling, curve, correct, heldOut, digest);
  }

  /** Scores of a task's questions, 0 or 1. */
  public double[] scores(MiniTask task) {
    return digits(correct.getOrDefault(task, ""));
  }

  /** Scores of the five capabilities. */
  public List<double[]> capabilities() {
    return MiniTask.CAPABILITIES.stream().map(this::scores).toList();
  }

  /** The share of right answers of a task. */
  public double accuracy(MiniTask task) {
    return mean(scores(task));
  }

  /** The mean of the accuracies of the capabilities. */
  public double mean() {
    return capabilities().stream().mapToDouble(MiniRow::mean).average().orElse(Double.NaN);
  }

  /** The mean over the capabilities of the accuracy on held-out types. */
  public double newSkills() {
    List<Double> means = new ArrayList<>();
    for (MiniTask task : MiniTask.CAPABILITIES) {
      double[] scores = scores(task);
      double[] mask = digits(heldOut.getOrDefault(task, ""));
      double right = 0;
      double count = 0;
      for (int i = 0; i < scores.length; i++) {
        right += scores[i] * mask[i];
        count += mask[i];
      }
      if (count > 0) {
        means.add(right / count);
      }
    }
    return means.stream().mapToDouble(it -> it).average().orElse(Double.NaN);
  }

  private static double[] digits(String text) {
    return text.chars().mapToDouble(character -> character - '0').toArray();
  }

  private static double mean(double[] scores) {
    double sum = 0;
    for (double score : scores) {
      sum += score;
    }
    return sum / scores.length;
  }
}
