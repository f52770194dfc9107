package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.optmerge.metric.Anls;
import org.optmerge.metric.AvqaChoice;
import org.optmerge.metric.BoxFormat;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.ExactMatch;
import org.optmerge.metric.MathVision;
import org.optmerge.metric.MathVisionAnswer;
import org.optmerge.metric.MathVista;
import org.optmerge.metric.MathVistaExtraction;
import org.optmerge.metric.Metric;
import org.optmerge.metric.MmmuMatch;
import org.optmerge.metric.MultipleChoice;
import org.optmerge.metric.MusicAvqaMatch;
import org.optmerge.metric.OptionLetter;
import org.optmerge.metric.RecordedScore;
import org.optmerge.metric.RelaxedAccuracy;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.metric.TextMatch;
import org.optmerge.metric.VqaAccuracy;
import org.optmerge.metric.VqaTeamAccuracy;

/**
 * The rule for every kind of file and every data set, or none: a file is scored as the kit that
 * wrote it would score it, and a pair that is not here is refused.
 */
public final class ScoringRules {
  /**
   * The way to score one pair.
   *
   * @param words for people, such as {@code relaxed accuracy, 5 % of the reference}
   * @param metric under a profile
   */
  record Rule(String words, Function<ScoringProfile, Metric> metric) {}

  private static final Map<FileFormat, Map<Protocol, Rule>> TABLE = table();

  private ScoringRules() {}

  /** The rule of a pair; empty if no kit has one. */
  static Optional<Rule> of(Protocol protocol, FileFormat format) {
    return Optional.ofNullable(rules(format).get(protocol));
  }

  /** What the rule of a pair does, in words; empty if no kit has one. */
  public static Optional<String> words(Protocol protocol, FileFormat format) {
    return of(protocol, format).map(Rule::words);
  }

  /**
   * The metric of a pair.
   *
   * @throws PredictionFileException if there is no rule; the message names the formats that have
   *     one
   */
  static Metric metric(Protocol protocol, FileFormat format, ScoringProfile profile) {
    return of(protocol, format)
        .orElseThrow(
            () ->
                new PredictionFileException(
                    "there is no rule that scores %s from %s; there is one for %s"
                        .formatted(protocol.title(), format, formats(protocol))))
        .metric()
        .apply(profile);
  }

  /** The formats from which a data set can be scored. */
  static List<FileFormat> formats(Protocol protocol) {
    List<FileFormat> formats = new ArrayList<>();
    for (FileFormat format : FileFormat.values()) {
      if (of(protocol, format).isPresent()) {
        formats.add(format);
      }
    }
    return formats;
  }

  private static Map<Protocol, Rule> rules(FileFormat format) {
    return TABLE.getOrDefault(format, Map.of());
  }

  private static Map<FileFormat, Map<Protocol, Rule>> table() {
    Map<FileFormat, Map<Protocol, Rule>> table = new EnumMap<>(FileFormat.class);
    for (FileFormat format : FileFormat.values()) {
      table.put(format, new EnumMap<>(Protocol.class));
    }
    for (FileFormat format : List.of(FileFormat.OPTMERGE, FileFormat.VLMEVALKIT)) {
      vlmEvalKit(new Rules(table, format), format);
    }
    Rules judged = new Rules(table, FileFormat.VLMEVALKIT_JUDGED);
    judged.add(
        "the extracted answer, as MathVista in VLMEvalKit", MathVista::of, Protocol.MATHVISTA);
    judged.add(
        "the extracted answer, as MATH-Vision in VLMEvalKit", MathVision::of, Protocol.MATHVISION);
    Rules verdicts = new Rules(table, FileFormat.VLMEVALKIT_VERDICTS);
    verdicts.add(
        "the judge's hits",
        profile -> new RecordedScore(null),
        Protocol.MMMU,
        Protocol.SCIENCEQA,
        Protocol.AI2D);
    lmmsEval(new Rules(table, FileFormat.LMMS_EVAL));
    new Rules(table, FileFormat.INTERNVL_GROUNDING)
        .add(
            "overlap of at least one half, in pixels and float32",
            profile -> BoxScore.accuracy(BoxFormat.INTERNVL),
            Protocol.REFCOCO,
            Protocol.REFCOCO_PLUS,
            Protocol.REFCOCOG);
    internVl(new Rules(table, FileFormat.INTERNVL_VQA));
    authors(table);
    return table;
  }

  private static void vlmEvalKit(Rules rules, FileFormat format) {
    rules.add("VQA accuracy", VqaAccuracy::of, Protocol.VIZWIZ, Protocol.TEXTVQA);
    rules.add("exact match", ExactMatch::averaged, Protocol.GQA);
    rules.add("exact match", ExactMatch::of, Protocol.OCRVQA);
    rules.add("relaxed accuracy", RelaxedAccuracy::of, Protocol.CHARTQA);
    rules.add("ANLS", profile -> new Anls(), Protocol.DOCVQA, Protocol.INFOVQA);
    rules.add("answers that need no judge: a lower bound", MathVista::of, Protocol.MATHVISTA);
    rules.add("answers that need no judge: a lower bound", MathVision::of, Protocol.MATHVISION);
    rules.add(
        "option found in the answer, open questions as a choice",
        profile -> MultipleChoice.of(profile, true),
        Protocol.MMMU);
    rules.add(
        "option found in the answer",
        profile -> MultipleChoice.of(profile, false),
        Protocol.SCIENCEQA,
        Protocol.AI2D);
    rules.add(
        format == FileFormat.OPTMERGE
            ? "overlap of at least one half, as lmms-eval"
            : "overlap of at least one half, in pixels",
        profile ->
            format == FileFormat.OPTMERGE
                ? lmmsBox(profile)
                : BoxScore.accuracy(BoxFormat.VLMEVALKIT),
        Protocol.REFCOCO,
        Protocol.REFCOCO_PLUS,
        Protocol.REFCOCOG);
    rules.add("first letter, as ModelCompose", profile -> new AvqaChoice(), Protocol.AVQA);
    rules.add(
        "normalised match, as ModelCompose", profile -> new MusicAvqaMatch(), Protocol.MUSIC_AVQA);
  }

  private static void lmmsEval(Rules rules) {
    rules.add(
        "the score beside the answer, else VQA accuracy",
        profile -> new RecordedScore(VqaAccuracy.LMMS_EVAL),
        Protocol.VIZWIZ,
        Protocol.TEXTVQA);
    rules.add(
        "the score beside the answer, else exact match without ASCII punctuation",
        profile -> new RecordedScore(TextMatch.LMMS_EVAL),
        Protocol.GQA,
        Protocol.AI2D);
    rules.add(
        "the score beside the answer, else relaxed accuracy",
        profile -> new RecordedScore(RelaxedAccuracy.LMMS_EVAL),
        Protocol.CHARTQA);
    rules.add(
        "the score beside the answer, else ANLS",
        profile -> new RecordedScore(new Anls()),
        Protocol.DOCVQA,
        Protocol.INFOVQA);
    rules.add(
        "the score beside the answer, else the letter",
        profile -> new RecordedScore(OptionLetter.LMMS_EVAL),
        Protocol.SCIENCEQA);
    rules.add(
        "what the kit parsed, by MMMU's own rule",
        profile -> new RecordedScore(new MmmuMatch()),
        Protocol.MMMU);
    rules.add(
        "the judge's verdict beside the answer",
        profile -> new RecordedScore(null),
        Protocol.MATHVISTA,
        Protocol.MATHVISION);
    rules.add(
        "overlap of at least one half",
        ScoringRules::lmmsBox,
        Protocol.REFCOCO,
        Protocol.REFCOCO_PLUS,
        Protocol.REFCOCOG);
  }

  private static void internVl(Rules rules) {
    rules.add("VQA accuracy", profile -> VqaAccuracy.INTERNVL, Protocol.VIZWIZ, Protocol.TEXTVQA);
    rules.add("GQA's own match, no period at the end", profile -> TextMatch.GQA, Protocol.GQA);
    rules.add(
        "equal but for case and ends",
        profile -> new ExactMatch(false, false),
        Protocol.OCRVQA,
        Protocol.AI2D);
    rules.add(
        "relaxed accuracy, 5 % of the prediction",
        profile -> RelaxedAccuracy.INTERNVL, Protocol.CHARTQA);
    rules.add("ANLS", profile -> new Anls(), Protocol.DOCVQA, Protocol.INFOVQA);
    rules.add("equal to the last character", profile -> TextMatch.VERBATIM, Protocol.SCIENCEQA);
    rules.add("MMMU's own rule", profile -> new MmmuMatch(), Protocol.MMMU);
  }

  private static void authors(Map<FileFormat, Map<Protocol, Rule>> table) {
    Rules modelCompose = new Rules(table, FileFormat.MODELCOMPOSE);
    modelCompose.add("first letter", profile -> new AvqaChoice(), Protocol.AVQA);
    modelCompose.add("normalised match", profile -> new MusicAvqaMatch(), Protocol.MUSIC_AVQA);
    Rules llava = new Rules(table, FileFormat.LLAVA);
    llava.add("GQA's own match, no period at the end", profile -> TextMatch.GQA, Protocol.GQA);
    llava.add(
        "VQA accuracy, by M4C's evaluator",
        profile -> VqaAccuracy.INTERNVL,
        Protocol.VIZWIZ,
        Protocol.TEXTVQA);
    llava.add("the letter stated", profile -> OptionLetter.LLAVA, Protocol.SCIENCEQA);
    Rules vqa = new Rules(table, FileFormat.VQA);
    vqa.add("VQA accuracy, by VQA's own script", profile -> new VqaTeamAccuracy(), Protocol.VIZWIZ);
    vqa.add("VQA accuracy, by M4C's evaluator", profile -> VqaAccuracy.INTERNVL, Protocol.TEXTVQA);
    new Rules(table, FileFormat.GQA)
        .add("GQA's own match", profile -> TextMatch.VERBATIM, Protocol.GQA);
    new Rules(table, FileFormat.RRC)
        .add("ANLS", profile -> new Anls(), Protocol.DOCVQA, Protocol.INFOVQA);
    new Rules(table, FileFormat.SCIENCEQA)
        .add("the option chosen", profile -> TextMatch.VERBATIM, Protocol.SCIENCEQA);
    new Rules(table, FileFormat.MATHVISTA)
        .add(
            "MathVista's own: extracted, brought to the reference's type",
            profile -> new MathVistaExtraction(),
            Protocol.MATHVISTA);
    new Rules(table, FileFormat.MATHVISION)
        .add(
            "MATH-V's own: equal to two decimals",
            profile -> new RecordedScore(new MathVisionAnswer()),
            Protocol.MATHVISION);
    new Rules(table, FileFormat.MMMU)
        .add("MMMU's own rule", profile -> new MmmuMatch(), Protocol.MMMU);
    new Rules(table, FileFormat.MUSIC_AVQA)
        .add("the label, as a text", profile -> TextMatch.VERBATIM, Protocol.MUSIC_AVQA);
  }

  private static Metric lmmsBox(ScoringProfile profile) {
    return BoxScore.accuracy(boxFormat(profile));
  }

  /** The form of lmms-eval's boxes under a profile. */
  static BoxFormat boxFormat(ScoringProfile profile) {
    return profile == ScoringProfile.OPTMERGE_FORK ? BoxFormat.LMMS_EVAL_FORK : BoxFormat.LMMS_EVAL;
  }

  /** A column of the table that is being filled. */
  private record Rules(Map<FileFormat, Map<Protocol, Rule>> table, FileFormat format) {
    void add(String words, Function<ScoringProfile, Metric> metric, Protocol... protocols) {
      @Nullable Map<Protocol, Rule> column = table.get(format);
      for (Protocol protocol : protocols) {
        if (column != null) {
          column.put(protocol, new Rule(words, metric));
        }
      }
    }
  }
}
