package org.optmerge.evaluation.published;

import java.util.Optional;
import org.optmerge.metric.JudgedMetric;
import org.optmerge.metric.Metric;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.metric.Steps;

/**
 * A judged metric without its judge: an answer that only a judge could extract counts as wrong.
 *
 * @param judged the metric
 */
record LowerBound(JudgedMetric judged) implements Metric {
  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    Optional<Prediction> extracted = judged.prefetch(prediction, reference);
    if (extracted.isEmpty()) {
      steps.step("only a judge could extract the answer", "counts as wrong");
      return 0;
    }
    return judged.score(extracted.get(), reference, steps);
  }
}
