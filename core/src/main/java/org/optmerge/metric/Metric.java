package org.optmerge.metric;

import java.util.Optional;
import org.apiguardian.api.API;

/**
 * A score between 0 and 1 for one prediction.
 *
 * <p>Pure: the same arguments give the same score, whatever was scored before.
 */
@API(status = API.Status.EXPERIMENTAL)
@FunctionalInterface
public interface Metric {
  /**
   * Scores, and notes the steps.
   *
   * @param prediction what the model answered
   * @param reference what counts as right
   * @param steps receives each step
   * @return in [0, 1]
   * @throws MetricException if the reference lacks what the metric needs
   */
  double score(Prediction prediction, Reference reference, Steps steps);

  /** Scores. */
  default double score(Prediction prediction, Reference reference) {
    return score(prediction, reference, Steps.NONE);
  }

  /**
   * What a reference lacks so that nothing can be compared with it, whatever was predicted.
   *
   * @return such as {@code a reference answer}; empty if it lacks nothing
   */
  default Optional<String> lacking(Reference reference) {
    return reference.answers().isEmpty() ? Optional.of(Reference.AN_ANSWER) : Optional.empty();
  }
}
