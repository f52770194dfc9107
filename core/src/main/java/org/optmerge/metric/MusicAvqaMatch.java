package org.optmerge.metric;

/** 1 if prediction and answer are equal once normalised. MUSIC-AVQA, as ModelCompose scores it. */
public record MusicAvqaMatch() implements Metric {
  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String given = VqaNormaliser.EVAL_AI.normalise(prediction.text());
    String accepted = VqaNormaliser.EVAL_AI.normalise(reference.answer());
    steps.step("normalised prediction", given);
    steps.step("normalised answer", accepted);
    return given.equals(accepted) ? 1 : 0;
  }
}
