package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import org.optmerge.metric.Averages;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.JudgedMetric;
import org.optmerge.metric.Metric;
import org.optmerge.metric.MetricException;
import org.optmerge.metric.RecordedScore;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.metric.Steps;

/**
 * A prediction file with its scores.
 *
 * @param protocol of the data set
 * @param profile whose rules scored
 * @param format whose file it was
 * @param items with their scores, in the order of the file
 * @param scores of all and of each group, with intervals; the first is that of all
 * @param official the table of the official tool
 * @param findings what is odd about the file
 */
public record Evaluation(
    Protocol protocol,
    ScoringProfile profile,
    FileFormat format,
    List<Predicted> items,
    List<Score> scores,
    OfficialTable official,
    List<Finding> findings) {

  /** The group of all examples. */
  public static final String OVERALL = "Overall";

  private static final String UNSCORABLE = "cannot be scored, counts as wrong: ";
  private static final String DIFFERS =
      "the score beside the answer is not that of the kit's rule; the one beside it counts";
  private static final String LOWER_BOUND =
      "needs a judge, counts as wrong without one, so the score is a lower bound";
  private static final double LAST_BITS = 1e-9;

  public Evaluation {
    items = List.copyOf(items);
    scores = List.copyOf(scores);
    findings = List.copyOf(findings);
  }

  /**
   * Scores predictions.
   *
   * @param predictions of one file
   * @param protocol of its data set
   * @param profile whose rules score
   * @param bootstrap makes the intervals
   * @throws PredictionFileException if there is nothing to score
   */
  public static Evaluation of(
      Predictions predictions, Protocol protocol, ScoringProfile profile, Bootstrap bootstrap) {
    if (predictions.items().isEmpty()) {
      throw new PredictionFileException("there are no predictions to score");
    }
    Metric metric = protocol.metric(profile, predictions.format());
    Findings findings = new Findings();
    findings.addAll(predictions.findings());
    requireSomethingToScore(predictions, protocol, metric);
    List<Predicted> scored = new ArrayList<>(predictions.items().size());
    for (Predicted item : predictions.items()) {
      Predicted done = item.scored(score(item, metric, findings));
      remark(done, metric, predictions.format(), findings);
      scored.add(done);
    }
    if (scored.size() < Confidence.FEW && !Confidence.isCounted(values(scored))) {
      findings.add(
          "fewer than %d graded scores: resampled intervals are too narrow"
              .formatted(Confidence.FEW));
    }
    return new Evaluation(
        protocol,
        profile,
        predictions.format(),
        scored,
        scores(scored, protocol, bootstrap),
        OfficialTables.of(scored, protocol, profile, predictions.format()),
        findings.list());
  }

  /** The same with something more that a reader of its scores must know. */
  public Evaluation with(Finding finding) {
    List<Finding> more = new ArrayList<>(findings);
    more.add(finding);
    return new Evaluation(protocol, profile, format, items, scores, official, more);
  }

  /** Why an item counts as wrong whatever the metric; empty if it can be scored. */
  private static Optional<String> unscorable(Predicted item, Metric metric) {
    String wrong = item.field(InternalFields.WRONG);
    return wrong.isEmpty()
        ? metric.lacking(item.reference()).map("without "::concat)
        : Optional.of(wrong);
  }

  private static void requireSomethingToScore(
      Predictions predictions, Protocol protocol, Metric metric) {
    Map<String, Integer> reasons = new LinkedHashMap<>();
    for (Predicted item : predictions.items()) {
      Optional<String> reason = unscorable(item, metric);
      if (reason.isEmpty()) {
        return;
      }
      reasons.merge(reason.get(), 1, Integer::sum);
    }
    String why =
        reasons.entrySet().stream()
            .map(reason -> "%s: %d".formatted(reason.getKey(), reason.getValue()))
            .collect(Collectors.joining(", "));
    throw new PredictionFileException(
        "nothing can be scored as %s from %s: of %d examples, %s. %s"
            .formatted(
                protocol.title(),
                predictions.format(),
                predictions.items().size(),
                why,
                advice(reasons.keySet())));
  }

  private static String advice(Set<String> reasons) {
    if (reasons.stream().anyMatch(reason -> reason.contains("unknown id"))) {
      return "Is the answer file that of another data set?";
    }
    if (reasons.stream().anyMatch(reason -> reason.contains("box"))) {
      return "Are these answers of another task, such as describing regions?";
    }
    if (reasons.stream().anyMatch(reason -> reason.contains("prediction"))) {
      return "Did the run end before the model answered?";
    }
    return "Is it a test split, whose answers are not published? Else name the file that has them"
        + " with --answers";
  }

  private static double score(Predicted item, Metric metric, Findings findings) {
    if (!item.field(InternalFields.WRONG).isEmpty()) {
      return 0;
    }
    Optional<String> lacking = metric.lacking(item.reference());
    if (lacking.isPresent()) {
      findings.add("without %s, counts as wrong".formatted(lacking.get()), item.id());
      return 0;
    }
    try {
      return metric.score(item.prediction(), item.reference());
    } catch (MetricException e) {
      findings.add(UNSCORABLE + e.getMessage(), item.id());
      return 0;
    }
  }

  /** Says what a reader of the score must know of an answer that was compared. */
  private static void remark(Predicted item, Metric metric, FileFormat format, Findings findings) {
    if (unscorable(item, metric).isPresent()) {
      return;
    }
    if (metric instanceof BoxScore box) {
      box.remark(item.prediction(), item.reference())
          .ifPresent(what -> findings.add(what, item.id()));
    }
    if (metric instanceof RecordedScore recorded
        && recorded.differs(item.prediction(), item.reference(), LAST_BITS)) {
      findings.add(DIFFERS, item.id());
    }
    if (metric instanceof JudgedMetric judged
        && format == FileFormat.OPTMERGE
        && !item.isRight()
        && judged.prefetch(item.prediction(), item.reference()).isEmpty()) {
      findings.add(LOWER_BOUND, item.id());
    }
  }

  private static List<Score> scores(List<Predicted> items, Protocol protocol, Bootstrap bootstrap) {
    Map<String, List<Predicted>> groups = new LinkedHashMap<>();
    groups.put(OVERALL, items);
    for (Predicted item : items) {
      for (String group : OfficialTables.groups(item, protocol)) {
        groups.computeIfAbsent(group, name -> new ArrayList<>()).add(item);
      }
    }
    List<Score> scores = new ArrayList<>();
    groups.forEach(
        (name, members) ->
            scores.add(
                new Score(name, Confidence.mean(values(members), bootstrap), members.size())));
    return scores;
  }

  /** The scores of items that have been scored. */
  static double[] values(List<Predicted> items) {
    return items.stream()
        .mapToDouble(
            item -> {
              Double score = item.score();
              return score == null ? Double.NaN : score;
            })
        .toArray();
  }

  /** All examples' scores, in the order of the file. */
  public double[] values() {
    return values(items);
  }

  /** The mean of all examples with its interval. */
  public Score overall() {
    return scores.get(0);
  }

  /**
   * The paper's column for this data set, in percent: the score of all examples, but for MathVista
   * and MATH-Vision the mean of the geometry rows.
   *
   * @return empty if none of those rows is there
   */
  public OptionalDouble paperColumn() {
    boolean vista = protocol.report() == Protocol.Report.MATHVISTA;
    if (!vista && protocol.report() != Protocol.Report.MATHVISION) {
      return OptionalDouble.of(overall().interval().mean() * 100);
    }
    Map<String, Double> accuracies = new LinkedHashMap<>();
    for (Map<String, Object> row : official.rows()) {
      Object name = row.get(vista ? "Task&Skill" : "Subject");
      if (name != null && row.get("acc") instanceof Double accuracy) {
        accuracies.put(name.toString(), accuracy);
      }
    }
    return Averages.geometry(accuracies, vista);
  }

  /** The examples that scored less than 1, worst first and else in the order of the file. */
  public List<Predicted> errors() {
    return items.stream()
        .filter(item -> item.score() != null && item.score() < 1)
        .sorted(java.util.Comparator.comparingDouble(item -> values(List.of(item))[0]))
        .toList();
  }

  /**
   * The scoring of the examples of an id, step by step: each step in words and its value.
   *
   * @throws PredictionFileException if there is none of this id
   */
  public List<Explanation> explain(String id) {
    List<Predicted> found = items.stream().filter(item -> item.id().equals(id)).toList();
    if (found.isEmpty()) {
      throw new PredictionFileException(
          "no prediction with id '%s'; the first is '%s', the last '%s'"
              .formatted(id, items.get(0).id(), items.get(items.size() - 1).id()));
    }
    return found.stream().map(this::explained).toList();
  }

  private Explanation explained(Predicted item) {
    List<Explanation.Step> steps = new ArrayList<>();
    Steps collector = (what, value) -> steps.add(new Explanation.Step(what, String.valueOf(value)));
    if (item.reference().fields().containsKey(InternalFields.SAID)) {
      boolean fetched = item.field(InternalFields.PREFETCHED).equals("true");
      collector.step("what the model said", item.field(InternalFields.SAID));
      collector.step(
          fetched ? "extracted without a judge" : "extracted by a judge (nan: nothing)",
          item.prediction().text());
    }
    Metric metric = protocol.metric(profile, format);
    collector.step("metric", metric);
    Optional<String> unscorable = unscorable(item, metric);
    if (unscorable.isPresent()) {
      collector.step(unscorable.get(), "counts as wrong");
    } else {
      try {
        metric.score(item.prediction(), item.reference(), collector);
      } catch (MetricException e) {
        collector.step("cannot be scored, counts as wrong", e.getMessage());
      }
    }
    return new Explanation(item, steps);
  }
}
