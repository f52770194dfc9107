package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.python.PythonLiteral;

/**
 * Laws that hold for any answer, under every profile: bounds, sameness, order of answers, more
 * agreement, symmetry. The system properties {@code random.rows} and {@code random.seed} make the
 * run longer and another (a row is some 130 scorings).
 */
class RandomRowsTest {
  private static final int ROWS = Integer.getInteger("random.rows", 500);
  private static final long SEED = Long.getLong("random.seed", 1);

  private static final String[] WORDS = {
    "yes",
    "no",
    "a",
    "the",
    "two",
    "2",
    "none",
    "don't",
    "14",
    "14.0",
    "0",
    "3.5",
    "1,000",
    "5%",
    "-5",
    "N/A",
    "nan",
    "inf",
    "A",
    "B",
    "(A)",
    "B)",
    "１２",
    "²",
    "É",
    "ß",
    "İ",
    "中",
    "\u00a0",
    "e\u0301",
    "😀",
    "1_000",
    ".5",
    "5.",
    "U.S.A.",
    "\"q\"",
    "[1]",
    "{z}",
    "a/b",
    "answer is",
    "The answer is B.",
    "=",
    "\n",
    "\t",
    "</think>",
    "\\boxed{B}",
    "$5$",
    "\\frac{1}{2}",
    "[0.1, 0.2, 0.3, 0.4]",
    "(1,2),(3,4)",
    "2^3",
    "None"
  };

  private final Random random = new Random(SEED);

  private String text() {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(4); i >= 0; i--) {
      text.append(WORDS[random.nextInt(WORDS.length)]).append(random.nextInt(3) == 0 ? "" : " ");
    }
    return text.toString();
  }

  private static double score(
      Metric metric, String given, List<String> answers, Map<String, String> fields) {
    Reference reference = new Reference(answers, fields);
    assertThat(metric.lacking(reference)).isEmpty();
    double score = metric.score(new Prediction(given), reference);
    assertThat(score).as("%s: %s for %s", metric, given, answers).isBetween(0.0, 1.0);
    return score;
  }

  @ParameterizedTest
  @EnumSource
  void laws_hold_for_random_rows(ScoringProfile profile) {
    for (int row = 0; row < ROWS; row++) {
      String given = random.nextInt(3) == 0 ? text() : null;
      List<String> answers = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        answers.add(i > 0 && random.nextBoolean() ? answers.get(0) : text());
      }
      given = given == null ? answers.get(random.nextInt(10)) : given;
      vqa(profile, given, answers);
      texts(profile, given, answers);
      choices(profile, given, answers.subList(0, 4));
      mathematics(profile, given, answers.get(0));
      boxes(given);
    }
  }

  private static void vqa(ScoringProfile profile, String given, List<String> answers) {
    for (Metric metric :
        List.of(
            VqaAccuracy.of(profile),
            VqaAccuracy.LMMS_EVAL,
            VqaAccuracy.INTERNVL,
            new VqaTeamAccuracy())) {
      double score = score(metric, given, answers, Map.of());
      List<String> turned = new ArrayList<>(answers.subList(3, 10));
      turned.addAll(answers.subList(0, 3));
      assertThat(score(metric, given, turned, Map.of())).isCloseTo(score, within());
      List<String> agreeing = new ArrayList<>(answers);
      agreeing.add(given);
      agreeing.add(given);
      if (!(metric instanceof VqaTeamAccuracy)) {
        assertThat(score(metric, given, agreeing, Map.of())).isGreaterThanOrEqualTo(score - 1e-9);
      }
    }
  }

  private static org.assertj.core.data.Offset<Double> within() {
    return org.assertj.core.data.Offset.offset(1e-9);
  }

  private static void texts(ScoringProfile profile, String given, List<String> answers) {
    for (Metric metric :
        List.of(
            ExactMatch.of(profile),
            RelaxedAccuracy.of(profile),
            RelaxedAccuracy.INTERNVL,
            RelaxedAccuracy.LMMS_EVAL,
            new Anls(),
            TextMatch.VERBATIM,
            TextMatch.LMMS_EVAL)) {
      double best = score(metric, given, answers, Map.of());
      double first = score(metric, given, answers.subList(0, 1), Map.of());
      assertThat(best).as("more answers to %s", metric).isGreaterThanOrEqualTo(first);
    }
    assertThat(score(ExactMatch.of(profile), given, List.of(given), Map.of())).isOne();
    assertThat(score(TextMatch.VERBATIM, given, List.of(given), Map.of())).isOne();
    assertThat(score(ExactMatch.of(profile), given, answers.subList(0, 1), Map.of()))
        .isEqualTo(score(ExactMatch.of(profile), answers.get(0), List.of(given), Map.of()));
    assertThat(Anls.distance(given, answers.get(0)))
        .isEqualTo(Anls.distance(answers.get(0), given));
    assertThat(score(ExactMatch.averaged(profile), given, answers, Map.of()))
        .isLessThanOrEqualTo(score(ExactMatch.of(profile), given, answers, Map.of()));
  }

  private static void choices(ScoringProfile profile, String given, List<String> options) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (int i = 0; i < options.size(); i++) {
      fields.put(String.valueOf((char) ('A' + i)), options.get(i));
    }
    double right = 0;
    for (String letter : List.of("A", "B", "C", "D")) {
      right += score(MultipleChoice.of(profile, false), given, List.of(letter), fields);
      score(MultipleChoice.of(profile, true), given, List.of(letter), fields);
      score(OptionLetter.LLAVA, given, List.of(letter), Map.of());
      score(OptionLetter.LMMS_EVAL, given, List.of(letter), Map.of());
    }
    assertThat(right).as("options that one answer means").isLessThanOrEqualTo(1);
    fields.put("question_type", "open");
    score(new MmmuMatch(), given, options, fields);
  }

  private static void mathematics(ScoringProfile profile, String given, String answer) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("choices", "[]");
    assertThat(score(MathVision.of(profile), given, List.of(given), fields)).isOne();
    score(MathVision.of(profile), given, List.of(answer), fields);
    score(new MathVisionAnswer(), given, List.of(answer), fields);
    fields.put("choices", PythonLiteral.text(List.of(answer, "x")));
    fields.put("precision", "2");
    for (String type : List.of("integer", "float", "text", "list")) {
      fields.put("answer_type", type);
      for (String question : List.of("free_form", "multi_choice")) {
        fields.put("question_type", question);
        fields.put("answer_option", "A");
        score(MathVista.of(profile), given, List.of(answer), fields);
        score(new MathVistaExtraction(), given, List.of(answer), fields);
      }
    }
  }

  private void boxes(String given) {
    double x = random.nextDouble();
    double y = random.nextDouble();
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("bbox", BoxScore.field(x / 2, y / 2, x, y));
    fields.put("height", "1");
    fields.put("width", "1");
    for (BoxFormat format : BoxFormat.values()) {
      double previous = 1;
      for (double threshold : new double[] {0.1, 0.3, 0.5, 0.7, 0.9}) {
        Metric metric = new BoxScore(format, new BoxScore.OverlapAtLeast(threshold));
        double score = score(metric, given, List.of(), fields);
        assertThat(score).as("overlap at a higher threshold").isLessThanOrEqualTo(previous);
        previous = score;
      }
      score(new BoxScore(format, new BoxScore.CentreInside()), given, List.of(), fields);
      String own = "[%s, %s, %s, %s]".formatted(x / 2, y / 2, x, y);
      if (!own.contains("E")) {
        assertThat(score(BoxScore.accuracy(format), own, List.of(), fields)).isOne();
      }
    }
  }
}
