package org.optmerge.evaluation;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
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
 * @param correct for each task one digit for each question, in the order of the examples: how many
 *     models answered it correctly
 * @param heldOut for each task one character for each question, {@code 1} where its type was held
 *     out from the instruct family's base
 * @param inputs a digest of all that the row follows from, by which {@link MiniStudy} knows whether
 *     it still does; null if that was not noted
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record MiniRow(
    String label,
    @Nullable Double scaling,
    Map<String, Double> curve,
    @JsonSerialize(contentUsing = PackedBits.Writer.class)
        @JsonDeserialize(contentUsing = PackedBits.Reader.class)
        Map<MiniTask, String> correct,
    @JsonSerialize(contentUsing = PackedBits.Writer.class)
        @JsonDeserialize(contentUsing = PackedBits.Reader.class)
        Map<MiniTask, String> heldOut,
    @Nullable String inputs,
    @JsonIgnore int models) {
  /** More would need another digit for each question. */
  private static final int MOST_MODELS = 9;

  /** A curve that is empty is not written, and so not there when it is read. */
  public MiniRow {
    curve = Objects.requireNonNullElse(curve, Map.of());
    models = Math.max(1, models);
  }

  /**
   * The mean of one row over several seeds: each question's score is the share of the seeds whose
   * model answered it. Its intervals are those of the questions, with the seeds as they are.
   *
   * @param seeds rows of one label on the same questions; at least one, at most nine
   * @throws IllegalArgumentException if they are not
   */
  public static MiniRow mean(List<MiniRow> seeds) {
    if (seeds.isEmpty() || seeds.size() > MOST_MODELS) {
      throw new IllegalArgumentException(
          "a mean is of 1 to %d rows, not %d".formatted(MOST_MODELS, seeds.size()));
    }
    MiniRow first = seeds.get(0);
    Map<MiniTask, String> correct = new LinkedHashMap<>();
    first.correct.forEach(
        (task, answers) -> {
          char[] sum = answers.toCharArray();
          for (MiniRow other : seeds.subList(1, seeds.size())) {
            String more = other.correct.getOrDefault(task, "");
            if (more.length() != sum.length || !other.label.equals(first.label)) {
              throw new IllegalArgumentException(
                  "'%s' and '%s' did not answer the same questions of %s"
                      .formatted(first.label, other.label, task.label()));
            }
            for (int i = 0; i < sum.length; i++) {
              sum[i] += (char) (more.charAt(i) - '0');
            }
          }
          correct.put(task, new String(sum));
        });
    double[] scalings =
        seeds.stream()
            .filter(row -> row.scaling != null)
            .mapToDouble(row -> Objects.requireNonNull(row.scaling))
            .distinct()
            .toArray();
    return new MiniRow(
        first.label,
        scalings.length == 1 ? scalings[0] : null,
        Map.of(),
        correct,
        first.heldOut,
        null,
        seeds.size());
  }

  /** Of a model's answers. */
  public static MiniRow of(String label, MiniResult result) {
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
    return new MiniRow(label, scaling, curve, correct, heldOut, null, 1);
  }

  MiniRow madeFrom(String digest) {
    return new MiniRow(label, scaling, curve, correct, heldOut, digest, models);
  }

  /**
   * The same with the first questions of each task only, to be compared with a model that was asked
   * no more.
   *
   * @throws IllegalArgumentException if it is none, or a task has fewer
   */
  public MiniRow first(int questions) {
    return new MiniRow(
        label, scaling, curve, first(correct, questions), first(heldOut, questions), null, models);
  }

  private static Map<MiniTask, String> first(Map<MiniTask, String> all, int questions) {
    Map<MiniTask, String> first = new LinkedHashMap<>();
    all.forEach(
        (task, digits) -> {
          if (questions < 1 || questions > digits.length()) {
            throw new IllegalArgumentException(
                "%s has %d questions, not %d".formatted(task.label(), digits.length(), questions));
          }
          first.put(task, digits.substring(0, questions));
        });
    return first;
  }

  /**
   * The share of questions of the capabilities that this row and another have both right or both
   * wrong.
   *
   * @throws IllegalArgumentException if they were not asked equally many
   */
  public double agreement(MiniRow other) {
    List<double[]> mine = capabilities();
    List<double[]> theirs = other.capabilities();
    double same = 0;
    double count = 0;
    for (int t = 0; t < mine.size(); t++) {
      if (mine.get(t).length != theirs.get(t).length) {
        throw new IllegalArgumentException(
            "'%s' and '%s' were not asked the same questions".formatted(label, other.label));
      }
      for (int i = 0; i < mine.get(t).length; i++) {
        same += mine.get(t)[i] == theirs.get(t)[i] ? 1 : 0;
        count++;
      }
    }
    return same / count;
  }

  /** Scores of a task's questions: of one model 0 or 1, of several the share that was right. */
  public double[] scores(MiniTask task) {
    double[] scores = digits(correct.getOrDefault(task, ""));
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= models;
    }
    return scores;
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
