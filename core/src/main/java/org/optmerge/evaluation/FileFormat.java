package org.optmerge.evaluation;

/** The kit that wrote a prediction file, and which of its files it is. */
public enum FileFormat {
  /** One JSON object a line, see {@link Predictions#write}. */
  OPTMERGE("optmerge JSONL"),
  /**
   * A table with a column {@code prediction}: .xlsx, .tsv, .csv, or .json of {@code
   * PRED_FORMAT=json}.
   */
  VLMEVALKIT("VLMEvalKit table"),
  /** A table with what a judge extracted in columns {@code res} and {@code log}. */
  VLMEVALKIT_JUDGED("VLMEvalKit table with a judge's extractions"),
  /** A table with a judge's verdicts in columns {@code hit} and {@code log}. */
  VLMEVALKIT_VERDICTS("VLMEvalKit table with a judge's verdicts"),
  /** {@code *_samples_*.jsonl}, or {@code logs} of a .json until version 0.2.2. */
  LMMS_EVAL("lmms-eval samples"),
  /** An array of answers with boxes in pixels. */
  INTERNVL_GROUNDING("InternVL grounding results"),
  /** An array of answers with annotations, or ids of annotations. */
  INTERNVL_VQA("InternVL results"),
  /** {@code merge_*.jsonl}. */
  MODELCOMPOSE("ModelCompose answers"),
  /** {@code question_id}, {@code prompt} and {@code text}, one object a line. */
  LLAVA("LLaVA answers"),
  /** VQA's and VizWiz's own: {@code question_id} or {@code image}, and {@code answer}. */
  VQA("VQA results"),
  /** GQA's own: {@code questionId} and {@code prediction}. */
  GQA("GQA predictions"),
  /** The Robust Reading Competition's own: {@code questionId} and {@code answer}. */
  RRC("RRC results"),
  /** ScienceQA's own: {@code results} and {@code outputs} by problem. */
  SCIENCEQA("ScienceQA results"),
  /** MathVista's own: problems with {@code response} and {@code extraction}. */
  MATHVISTA("MathVista results"),
  /** MATH-V's own: {@code id}, {@code response} and {@code model_answer}. */
  MATHVISION("MATH-V results"),
  /** MMMU's own: answers by id, or {@code response} with {@code all_choices}. */
  MMMU("MMMU results"),
  /** {@code question_id} and an answer, beside MUSIC-AVQA's own questions. */
  MUSIC_AVQA("MUSIC-AVQA answers");

  private final String words;

  FileFormat(String words) {
    this.words = words;
  }

  /** True for VLMEvalKit's tables, which are read as pandas reads them. */
  public boolean isTable() {
    return this == VLMEVALKIT || this == VLMEVALKIT_JUDGED || this == VLMEVALKIT_VERDICTS;
  }

  /** As people call it. */
  @Override
  public String toString() {
    return words;
  }
}
