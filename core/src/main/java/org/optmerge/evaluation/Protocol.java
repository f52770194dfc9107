package org.optmerge.evaluation;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.optmerge.metric.Anls;
import org.optmerge.metric.AvqaChoice;
import org.optmerge.metric.BoxFormat;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.ExactMatch;
import org.optmerge.metric.MathVision;
import org.optmerge.metric.MathVista;
import org.optmerge.metric.Metric;
import org.optmerge.metric.MultipleChoice;
import org.optmerge.metric.MusicAvqaMatch;
import org.optmerge.metric.RelaxedAccuracy;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.metric.VqaAccuracy;

/** The scoring of a data set: the metric, the column with the reference, the shape of its table. */
public enum Protocol {
  VIZWIZ("VizWiz", "answers", Report.PERCENT, VqaAccuracy::of, "VizWiz"),
  TEXTVQA("TextVQA", "answer", Report.PERCENT, VqaAccuracy::of, "TextVQA_VAL"),
  GQA("GQA", "answer", Report.PERCENT, ExactMatch::of, "GQA_TestDev_Balanced"),
  OCRVQA("OCRVQA", "answer", Report.PERCENT, ExactMatch::of, "OCRVQA_TESTCORE", "OCRVQA_TEST"),
  CHARTQA(
      "ChartQA",
      "answer",
      Report.PERCENT,
      RelaxedAccuracy::of,
      "ChartQA_TEST",
      "chartqa_test_human",
      "chartqa_test_augmented"),
  DOCVQA("DocVQA", "answer", Report.PERCENT, profile -> new Anls(), "DocVQA_VAL", "DocVQA_TEST"),
  INFOVQA(
      "InfoVQA",
      "answer",
      Report.PERCENT,
      profile -> new Anls(),
      "InfoVQA_VAL",
      "InfoVQA_TEST",
      "infographicsvqa_val",
      "InfographicVQA"),
  MATHVISTA("MathVista", "answer", Report.MATHVISTA, MathVista::of, "MathVista_MINI"),
  MATHVISION(
      "MathVision", "answer", Report.MATHVISION, MathVision::of, "MathVision_MINI", "MATH-Vision"),
  MMMU(
      "MMMU", "answer", Report.CHOICE, profile -> MultipleChoice.of(profile, true), "MMMU_DEV_VAL"),
  SCIENCEQA(
      "ScienceQA",
      "answer",
      Report.CHOICE,
      profile -> MultipleChoice.of(profile, false),
      "ScienceQA_VAL",
      "ScienceQA_TEST"),
  AI2D(
      "AI2D",
      "answer",
      Report.CHOICE,
      profile -> MultipleChoice.of(profile, false),
      "AI2D_TEST",
      "AI2D_TEST_NO_MASK"),
  REFCOCO(
      "RefCOCO",
      "bbox",
      Report.GROUNDING,
      Protocol::box,
      "refcoco_val",
      "refcoco_testA",
      "refcoco_testB",
      "refcoco_bbox_rec_val"),
  REFCOCO_PLUS(
      "RefCOCO+",
      "bbox",
      Report.GROUNDING,
      Protocol::box,
      "refcoco+_val",
      "refcoco+_testA",
      "refcoco+_testB",
      "refcoco+_bbox_rec_val"),
  REFCOCOG(
      "RefCOCOg",
      "bbox",
      Report.GROUNDING,
      Protocol::box,
      "refcocog_val",
      "refcocog_test",
      "refcocog_bbox_rec_val"),
  AVQA("AVQA", "answer", Report.PERCENT, profile -> new AvqaChoice()),
  MUSIC_AVQA("MUSIC-AVQA", "answer", Report.PERCENT, profile -> new MusicAvqaMatch());

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

  private final String title;
  private final String answerColumn;
  private final Report report;
  private final Function<ScoringProfile, Metric> metric;
  private final List<String> dataSets;

  Protocol(
      String title,
      String answerColumn,
      Report report,
      Function<ScoringProfile, Metric> metric,
      String... dataSets) {
    this.title = title;
    this.answerColumn = answerColumn;
    this.report = report;
    this.metric = metric;
    this.dataSets = List.of(dataSets);
  }

  private static Metric box(ScoringProfile profile) {
    return BoxScore.accuracy(
        profile == ScoringProfile.OPTMERGE_FORK ? BoxFormat.LMMS_EVAL_FORK : BoxFormat.LMMS_EVAL);
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

  /** The metric under a profile, in a kit's own variant where the file is of that kit. */
  public Metric metric(ScoringProfile profile, FileFormat format) {
    return switch (format) {
      case INTERNVL_GROUNDING -> BoxScore.accuracy(BoxFormat.INTERNVL);
      case INTERNVL_VQA -> this == CHARTQA ? RelaxedAccuracy.INTERNVL : metric.apply(profile);
      default -> metric.apply(profile);
    };
  }

  /**
   * The protocol of a data set.
   *
   * @param name a title or a kit's name for the data set, in any case; {@code refcoco+_testA} or
   *     {@code ChartQA_TEST}
   * @throws IllegalArgumentException if it is unknown; the message lists those known
   */
  public static Protocol named(String name) {
    for (Protocol protocol : values()) {
      if (protocol.title.equalsIgnoreCase(name)
          || protocol.dataSets.stream().anyMatch(name::equalsIgnoreCase)) {
        return protocol;
      }
    }
    String lower = name.toLowerCase(Locale.ROOT);
    return Arrays.stream(values())
        .filter(protocol -> lower.startsWith(protocol.title.toLowerCase(Locale.ROOT) + "_"))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no benchmark '%s'; known: %s".formatted(name, names())));
  }

  /** The titles of all. */
  public static List<String> names() {
    return Arrays.stream(values()).map(Protocol::title).toList();
  }
}
