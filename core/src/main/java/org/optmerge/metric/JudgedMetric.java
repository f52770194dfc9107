package org.optmerge.metric;

import java.util.Optional;

/**
 * A metric whose official protocol asks a language model to extract the answer from what was said.
 * {@link #score} scores an extracted answer; {@link #prefetch} is what is extracted without asking.
 */
public interface JudgedMetric extends Metric {
  /**
   * The answer that the official code takes from a prediction without a judge.
   *
   * @return empty if it would ask the judge
   */
  Optional<Prediction> prefetch(Prediction prediction, Reference reference);
}
