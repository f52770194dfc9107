package org.optmerge.metric;

/**
 * 1 if the answer begins with the right letter, in the right case and with nothing before it. AVQA,
 * as ModelCompose scores it.
 */
public record AvqaChoice() implements Metric {
  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String text = prediction.text();
    String first = text.isEmpty() ? "" : text.substring(0, text.offsetByCodePoints(0, 1));
    steps.step("first character", first);
    return first.equals(reference.answer()) ? 1 : 0;
  }
}
