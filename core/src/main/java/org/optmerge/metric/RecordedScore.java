package org.optmerge.metric;

import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.PythonText;

/**
 * The score that a kit has written beside an answer, in the reference's field {@value #FIELD};
 * where there is none, that of a metric.
 *
 * @param otherwise scores what the kit has not; null if nothing but the kit can, as where it asked
 *     a language model
 */
public record RecordedScore(@Nullable Metric otherwise) implements Metric {
  /** The field with the score, in [0, 1]. */
  public static final String FIELD = "recorded score";

  /** The score that stands beside an answer; empty if there is none. */
  public static OptionalDouble of(Reference reference) {
    return PythonText.parseFloat(reference.fields().getOrDefault(FIELD, ""));
  }

  @Override
  public Optional<String> lacking(Reference reference) {
    if (of(reference).isPresent()) {
      return Optional.empty();
    }
    return otherwise == null ? Optional.of("the kit's own score") : otherwise.lacking(reference);
  }

  /** True if the metric gives another score than the one that was recorded. */
  public boolean differs(Prediction prediction, Reference reference, double margin) {
    OptionalDouble recorded = of(reference);
    return recorded.isPresent()
        && otherwise != null
        && otherwise.lacking(reference).isEmpty()
        && Math.abs(otherwise.score(prediction, reference) - recorded.getAsDouble()) > margin;
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    OptionalDouble recorded = of(reference);
    if (recorded.isPresent()) {
      steps.step("score beside the answer", recorded.getAsDouble());
      return recorded.getAsDouble();
    }
    if (otherwise == null) {
      throw new MetricException("the file has no score for this answer");
    }
    return otherwise.score(prediction, reference, steps);
  }
}
