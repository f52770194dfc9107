package org.optmerge.evaluation;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;

/**
 * What a model answered to the questions of the miniature.
 *
 * @param model its name, for tables
 * @param split which questions
 * @param form how they were put
 * @param answers one for each question, task by task
 */
public record MiniResult(String model, MiniSplit split, Dialogue.Form form, List<Answer> answers) {
  /** Copies the list. */
  public MiniResult {
    answers = List.copyOf(answers);
  }

  /**
   * One answer.
   *
   * @param id of the example
   * @param type of the question, within the task
   * @param heldOut whether the base of the instruct family never saw this type
   * @param expected the right answer
   * @param given the model's
   */
  public record Answer(
      String id,
      MiniTask task,
      String type,
      boolean heldOut,
      String expected,
      String given,
      boolean correct) {}

  /** The scores (0 or 1) of each task's answers, in the order of the examples. */
  public Map<MiniTask, double[]> scores(Predicate<Answer> which) {
    Map<MiniTask, double[]> scores = new EnumMap<>(MiniTask.class);
    for (MiniTask task : MiniTask.values()) {
      double[] of =
          answers.stream()
              .filter(answer -> answer.task == task && which.test(answer))
              .mapToDouble(answer -> answer.correct ? 1 : 0)
              .toArray();
      if (of.length > 0) {
        scores.put(task, of);
      }
    }
    return scores;
  }

  /** The scores of the five capabilities that experts are trained for. */
  public List<double[]> capabilities() {
    Map<MiniTask, double[]> scores = scores(answer -> true);
    return MiniTask.CAPABILITIES.stream().filter(scores::containsKey).map(scores::get).toList();
  }

  /** The share of right answers of a task. */
  public double accuracy(MiniTask task) {
    return mean(scores(answer -> true).getOrDefault(task, new double[0]));
  }

  /** The mean of the accuracies of the five capabilities. */
  public double mean() {
    return capabilities().stream().mapToDouble(MiniResult::mean).average().orElse(Double.NaN);
  }

  /** The mean over the capabilities of the accuracy on types that some base never saw. */
  public double newSkills() {
    return scores(Answer::heldOut).values().stream()
        .mapToDouble(MiniResult::mean)
        .average()
        .orElse(Double.NaN);
  }

  /**
   * What the best constant answer to each type of question would score, task by task: an accuracy
   * means little without it.
   */
  public Map<MiniTask, Double> constantAnswers() {
    Map<MiniTask, Map<String, Map<String, Integer>>> counts = new EnumMap<>(MiniTask.class);
    Map<MiniTask, Integer> totals = new EnumMap<>(MiniTask.class);
    for (Answer answer : answers) {
      counts
          .computeIfAbsent(answer.task, task -> new HashMap<>())
          .computeIfAbsent(answer.type, type -> new LinkedHashMap<>())
          .merge(answer.expected, 1, Integer::sum);
      totals.merge(answer.task, 1, Integer::sum);
    }
    Map<MiniTask, Double> best = new EnumMap<>(MiniTask.class);
    counts.forEach(
        (task, types) -> {
          int right =
              types.values().stream()
                  .mapToInt(of -> of.values().stream().mapToInt(n -> n).max().orElse(0))
                  .sum();
          best.put(task, (double) right / totals.getOrDefault(task, 0));
        });
    return best;
  }

  private static double mean(double[] scores) {
    double sum = 0;
    for (double score : scores) {
      sum += score;
    }
    return sum / scores.length;
  }
}
