package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;
import org.optmerge.base.Suggestion;
import org.optmerge.benchmark.mini.CapabilityMetric;
import org.optmerge.metric.Anls;
import org.optmerge.metric.BoxFormat;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.ExactMatch;
import org.optmerge.metric.Metric;
import org.optmerge.metric.MetricException;
import org.optmerge.metric.MultipleChoice;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.metric.RelaxedAccuracy;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.metric.Steps;
import org.optmerge.metric.VqaAccuracy;

/** The metrics by name, for questions of one's own. */
@API(status = API.Status.EXPERIMENTAL)
public final class Metrics {
  /** Equal but for letter case and white space at the ends: the default. */
  public static final String EXACT = "exact";

  /** Equal to the last character. */
  public static final String VERBATIM = "verbatim";

  private static final ScoringProfile PROFILE = ScoringProfile.VLMEVALKIT_LATEST;
  private static final Map<String, Metric> METRICS = metrics();

  private Metrics() {}

  private static Map<String, Metric> metrics() {
    Map<String, Metric> metrics = new LinkedHashMap<>();
    metrics.put(EXACT, ExactMatch.of(PROFILE));
    metrics.put(VERBATIM, new Verbatim());
    metrics.put("relaxed", RelaxedAccuracy.of(PROFILE));
    metrics.put("vqa", VqaAccuracy.of(PROFILE));
    metrics.put("anls", new Anls());
    metrics.put("choice", MultipleChoice.of(PROFILE, false));
    metrics.put("box", BoxScore.accuracy(BoxFormat.LMMS_EVAL));
    metrics.put("mini", new CapabilityMetric());
    return Collections.unmodifiableMap(metrics);
  }

  private record Verbatim() implements Metric {
    @Override
    public double score(Prediction prediction, Reference reference, Steps steps) {
      if (reference.answers().isEmpty()) {
        throw new MetricException("verbatim: the reference has no answer");
      }
      return reference.answers().contains(prediction.text()) ? 1 : 0;
    }

    /** Part of what results are known by: not to be changed with the name of the class. */
    @Override
    public String toString() {
      return VERBATIM;
    }
  }

  /** The names of all: those of metrics, then data sets whose own metric is meant. */
  public static List<String> names() {
    List<String> names = new ArrayList<>(METRICS.keySet());
    names.addAll(Protocol.names());
    return names;
  }

  /**
   * A metric.
   *
   * @param name such as {@code exact}, or a data set's, such as {@code ChartQA}, for its own
   * @throws IllegalArgumentException if there is none of this name; the message lists all
   */
  public static Metric named(String name) {
    Metric metric = METRICS.get(name);
    if (metric != null) {
      return metric;
    }
    return Protocol.names().stream()
        .filter(name::equalsIgnoreCase)
        .findFirst()
        .map(title -> Protocol.named(title).metric(PROFILE, FileFormat.OPTMERGE))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no metric '%s'; there are %s%s"
                        .formatted(
                            name, String.join(", ", names()), Suggestion.forWord(name, names()))));
  }
}
