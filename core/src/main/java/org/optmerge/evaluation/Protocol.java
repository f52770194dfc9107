package org.optmerge.evaluation;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.metric.Metric;
import org.optmerge.metric.ScoringProfile;

/** The scoring of a data set: the metric, the column with the reference, the shape of its table. */
public enum Protocol {
  VIZWIZ("VizWiz", "answers", Report.PERCENT, "vizwiz_vqa"),
  TEXTVQA("TextVQA", "answer", Report.PERCENT, "textvqa_val_ocr", "textvqa_val_lmms"),
  GQA("GQA", "answer", Report.PERCENT, "GQA_TestDev_Balanced", "gqa_testdev_llava"),
  OCRVQA("OCRVQA", "answer", Report.PERCENT),
  CHARTQA("ChartQA", "answer", Report.PERCENT, "chartqa_test_human", "chartqa_test_augmented"),
  DOCVQA("DocVQA", "answer", Report.PERCENT),
  INFOVQA("InfoVQA", "answer", Report.PERCENT, "infographicsvqa", "InfographicVQA"),
  MATHVISTA(
      "MathVista",
      "answer",
      Report.MATHVISTA,
      "mathvista_testmini_cot",
      "mathvista_testmini_format",
      "mathvista_testmini_solution"),
  MATHVISION(
      "MathVision", "answer", Report.MATHVISION, "MATH-Vision", "MATH-V", "MathVision_reason"),
  MMMU("MMMU", "answer", Report.CHOICE, "mmmu_val_qwen", "mmmu_val_reasoning", "MMMU_DEV_VAL"),
  SCIENCEQA("ScienceQA", "answer", Report.CHOICE, "scienceqa_img", "ScienceQA-IMG", "sqa"),
  AI2D("AI2D", "answer", Report.CHOICE, "AI2D_TEST_NO_MASK", "ai2d_no_mask", "ai2diagram"),
  REFCOCO("RefCOCO", "bbox", Report.GROUNDING, "refcoco_bbox_rec"),
  REFCOCO_PLUS("RefCOCO+", "bbox", Report.GROUNDING, "refcoco+_bbox_rec", "refcocoplus"),
  REFCOCOG("RefCOCOg", "bbox", Report.GROUNDING, "refcocog_bbox_rec"),
  AVQA("AVQA", "answer", Report.PERCENT),
  MUSIC_AVQA("MUSIC-AVQA", "answer", Report.PERCENT, "MUSIC_AVQA");

  /** The shape of the official score table. */
  public enum Report {
    /** Splits, categories and all, in percent. */
    PERCENT,
    /** A row for each split, with categories, as fractions. */
    CHOICE,
    /** Tasks and skills, with how many needed no judge. */
    MATHVISTA,
    /** Subjects, with how many needed no judge. */
    MATHVISION,
    /** Accuracies at several overlaps, as fractions. */
    GROUNDING
  }

  /** The ends of names that say which questions of a data set are meant. */
  private static final Set<String> SPLITS =
      Set.of(
          "val",
          "validation",
          "test",
          "testa",
          "testb",
          "testdev",
          "testcore",
          "dev",
          "dev_val",
          "mini",
          "testmini",
          "lite",
          "val_lite",
          "test_lite",
          "full");

  private static final Map<Pattern, String> OTHER_TASKS =
      Map.of(
          Pattern.compile("refcoco[+g]?_(?:bbox|seg)(?:_.*)?"),
          "lmms-eval's task of describing a region, scored by CIDEr; boxes are those of"
              + " refcoco_bbox_rec_val and its like",
          Pattern.compile("refcoco.*_grounding.*"),
          "lmms-eval's task of finding all objects of a text, in pixels; for its answers there is no"
              + " rule here",
          Pattern.compile("mmmu_pro.*"),
          "MMMU-Pro, another data set than MMMU; for its answers there is no rule here");

  private final String title;
  private final String answerColumn;
  private final Report report;
  private final List<String> dataSets;

  Protocol(String title, String answerColumn, Report report, String... dataSets) {
    this.title = title;
    this.answerColumn = answerColumn;
    this.report = report;
    this.dataSets = List.of(dataSets);
  }

  /** As the paper's tables call it. */
  public String title() {
    return title;
  }

  /** The column of a VLMEvalKit table with the reference. */
  public String answerColumn() {
    return answerColumn;
  }

  /** The shape of its table. */
  public Report report() {
    return report;
  }

  /**
   * The metric under a profile, by the rule of the kit whose file it is.
   *
   * @throws PredictionFileException if no kit scores this data set from such a file
   */
  public Metric metric(ScoringProfile profile, FileFormat format) {
    return ScoringRules.metric(this, format, profile);
  }

  /**
   * The protocol of a data set.
   *
   * @param name a title or a kit's name for the data set or a split of it, in any case; {@code
   *     refcoco+_testA} or {@code ChartQA_TEST}
   * @throws IllegalArgumentException if it is unknown, or the name of another task on the same
   *     data; the message says which, or lists those known
   */
  public static Protocol named(String name) {
    String wanted = name.toLowerCase(Locale.ROOT);
    for (Protocol protocol : values()) {
      if (protocol.isNamed(wanted)) {
        return protocol;
      }
    }
    throw new IllegalArgumentException(
        OTHER_TASKS.entrySet().stream()
            .filter(task -> task.getKey().matcher(wanted).matches())
            .findFirst()
            .map(task -> "'%s' is %s".formatted(name, task.getValue()))
            .orElseGet(() -> "no benchmark '%s'; known: %s".formatted(name, names())));
  }

  private boolean isNamed(String wanted) {
    return Stream.concat(Stream.of(title), dataSets.stream())
        .map(known -> known.toLowerCase(Locale.ROOT))
        .anyMatch(
            known ->
                wanted.equals(known)
                    || (wanted.startsWith(known + "_")
                        && SPLITS.contains(wanted.substring(known.length() + 1))));
  }

  /** The titles of all. */
  public static List<String> names() {
    return Arrays.stream(values()).map(Protocol::title).toList();
  }
}
