package org.optmerge.evaluation;

/** The kit that wrote a prediction file. */
public enum FileFormat {
  /** One JSON object a line, see {@link Predictions#write}. */
  OPTMERGE("optmerge JSONL"),
  /** A table with a column {@code prediction}. */
  VLMEVALKIT("VLMEvalKit table"),
  /** A table with what a judge extracted in columns {@code res} and {@code log}. */
  VLMEVALKIT_JUDGED("VLMEvalKit table with a judge's extractions"),
  /** {@code *_samples_*.jsonl}. */
  LMMS_EVAL("lmms-eval samples"),
  /** An array of answers with boxes in pixels. */
  INTERNVL_GROUNDING("InternVL grounding results"),
  /** An array of answers with annotations. */
  INTERNVL_VQA("InternVL results"),
  /** {@code merge_*.jsonl}. */
  MODELCOMPOSE("ModelCompose answers");

  private final String words;

  FileFormat(String words) {
    this.words = words;
  }

  /** As people call it. */
  @Override
  public String toString() {
    return words;
  }
}
