package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.python.PythonLiteral;

/**
 * Laws that hold for any answer, under every profile: bounds, sameness, order of answers, more
 * agreement, symmetry. A row is one answer with ten references, which goes through some 120
 * scorings.
 *
 * <p>{@link #main} is the long run of the same rows, whose command and outcome stand in
 * ARCHITECTURE.md.
 */
class RandomRowsTest {
  private static final int ROWS = 500;
  private static final double CLOSE = 1e-9;

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

  private static final Map<BoxFormat, List<Metric>> THRESHOLDS =
      Stream.of(BoxFormat.values())
          .collect(
              Collectors.toMap(
                  Function.identity(),
                  format ->
                      DoubleStream.of(0.1, 0.3, 0.5, 0.7, 0.9)
                          .<Metric>mapToObj(
                              least -> new BoxScore(format, new BoxScore.OverlapAtLeast(least)))
                          .toList()));

  private static final List<String> LETTERS = List.of("A", "B", "C", "D");

  @ParameterizedTest
  @EnumSource
  void laws_hold_for_random_rows(ScoringProfile profile) {
    assertThatCode(() -> new Rows(profile, true, 1).check(ROWS)).doesNotThrowAnyException();
  }

  @Test
  void a_law_that_does_not_hold_is_told() {
    assertThatThrownBy(() -> law(false, "more answers", "given", List.of("right")))
        .hasMessage("more answers: 'given' for [right]");
  }

  /**
   * Checks many rows under every profile; the rules of kits, which are the same under each, under
   * the first.
   *
   * @param args how many rows of each profile, and a seed
   */
  public static void main(String[] args) {
    int rows = Integer.parseInt(args[0]);
    long seed = Long.parseLong(args[1]);
    int parts = Math.min(rows, 100);
    for (ScoringProfile profile : ScoringProfile.values()) {
      IntStream.range(0, parts)
          .parallel()
          .forEach(
              part ->
                  new Rows(profile, profile.ordinal() == 0, seed * parts + part)
                      .check(rows / parts + (part < rows % parts ? 1 : 0)));
      System.out.printf("%s: %,d rows, seed %d: every law holds%n", profile, rows, seed);
    }
  }

  private static void law(boolean holds, String name, String given, List<String> answers) {
    if (!holds) {
      throw new AssertionError("%s: '%s' for %s".formatted(name, given, answers));
    }
  }

  private static double score(
      Metric metric, String given, List<String> answers, Map<String, String> fields) {
    Reference reference = new Reference(answers, fields);
    if (metric.lacking(reference).isPresent()) {
      law(false, "%s finds all that it needs".formatted(metric), given, answers);
    }
    return score(metric, new Prediction(given), reference);
  }

  private static double score(Metric metric, Prediction given, Reference reference) {
    double score = metric.score(given, reference);
    if (!(score >= 0 && score <= 1)) {
      law(false, "%s is from 0 to 1".formatted(metric), given.text(), reference.answers());
    }
    return score;
  }

  /** Rows of one seed, under one profile. */
  private static final class Rows {
    private final Random random;
    private final boolean kits;
    private final List<Metric> vqa;
    private final List<Metric> texts;
    private final ExactMatch exact;
    private final ExactMatch averaged;
    private final MultipleChoice options;
    private final MultipleChoice official;
    private final Metric mathVision;
    private final Metric mathVista;

    /**
     * @param kits whether the rules of kits take part that no profile changes
     */
    Rows(ScoringProfile profile, boolean kits, long seed) {
      random = new Random(seed);
      this.kits = kits;
      vqa = with(List.of(VqaAccuracy.of(profile)), VqaAccuracy.LMMS_EVAL, VqaAccuracy.INTERNVL);
      exact = ExactMatch.of(profile);
      averaged = ExactMatch.averaged(profile);
      texts =
          with(
              List.of(exact, RelaxedAccuracy.of(profile)),
              RelaxedAccuracy.INTERNVL,
              RelaxedAccuracy.LMMS_EVAL,
              new Anls(),
              TextMatch.VERBATIM,
              TextMatch.LMMS_EVAL);
      options = MultipleChoice.of(profile, false);
      official = MultipleChoice.of(profile, true);
      mathVision = MathVision.of(profile);
      mathVista = MathVista.of(profile);
    }

    private List<Metric> with(List<Metric> metrics, Metric... ofKits) {
      List<Metric> all = new ArrayList<>(metrics);
      all.addAll(kits ? List.of(ofKits) : List.of());
      return all;
    }

    void check(int rows) {
      for (int row = 0; row < rows; row++) {
        String own = random.nextInt(3) == 0 ? text() : null;
        List<String> answers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
          answers.add(i > 0 && random.nextBoolean() ? answers.get(0) : text());
        }
        String given = own == null ? answers.get(random.nextInt(10)) : own;
        vqa(given, answers);
        texts(given, answers);
        choices(given, answers.subList(0, 4));
        mathematics(given, answers.get(0));
        if (kits) {
          ofKits(given, answers);
        }
      }
    }

    private String text() {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(4); i >= 0; i--) {
        text.append(WORDS[random.nextInt(WORDS.length)]).append(random.nextInt(3) == 0 ? "" : " ");
      }
      return text.toString();
    }

    private void vqa(String given, List<String> answers) {
      List<String> turned = new ArrayList<>(answers.subList(3, 10));
      turned.addAll(answers.subList(0, 3));
      List<String> agreeing = new ArrayList<>(answers);
      agreeing.add(given);
      agreeing.add(given);
      for (Metric metric : vqa) {
        double score = score(metric, given, answers, Map.of());
        law(
            Math.abs(score - score(metric, given, turned, Map.of())) <= CLOSE,
            "order of answers",
            given,
            answers);
        law(
            score(metric, given, agreeing, Map.of()) >= score - CLOSE,
            "more who agree",
            given,
            answers);
      }
    }

    private void texts(String given, List<String> answers) {
      List<String> first = answers.subList(0, 1);
      for (Metric metric : texts) {
        double best = score(metric, given, answers, Map.of());
        law(best >= score(metric, given, first, Map.of()), "more answers", given, answers);
      }
      List<String> itself = List.of(given);
      law(score(exact, given, itself, Map.of()) == 1, "the same text", given, itself);
      law(
          score(exact, given, first, Map.of()) == score(exact, answers.get(0), itself, Map.of()),
          "symmetry of exact match",
          given,
          first);
      law(
          score(averaged, given, answers, Map.of()) <= score(exact, given, answers, Map.of()),
          "the mean is at most the best",
          given,
          answers);
    }

    private void choices(String given, List<String> texts) {
      Map<String, String> fields = new LinkedHashMap<>();
      for (int i = 0; i < texts.size(); i++) {
        fields.put(LETTERS.get(i), texts.get(i));
      }
      double right = 0;
      for (String letter : LETTERS) {
        List<String> answer = List.of(letter);
        right += score(options, given, answer, fields);
        score(official, given, answer, fields);
      }
      law(right <= 1, "one answer means one option", given, texts);
    }

    private void mathematics(String given, String right) {
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("choices", "[]");
      List<String> itself = List.of(given);
      List<String> answer = List.of(right);
      law(score(mathVision, given, itself, fields) == 1, "the same formula", given, itself);
      score(mathVision, given, answer, fields);
      fields.put("choices", PythonLiteral.text(List.of(right, "x")));
      fields.put("precision", "2");
      fields.put("answer_option", "A");
      for (String type : List.of("integer", "float", "text", "list")) {
        fields.put("answer_type", type);
        for (String question : List.of("free_form", "multi_choice")) {
          fields.put("question_type", question);
          score(mathVista, given, answer, fields);
        }
      }
    }

    private void ofKits(String given, List<String> answers) {
      List<String> first = answers.subList(0, 1);
      score(new VqaTeamAccuracy(), given, answers, Map.of());
      law(
          score(TextMatch.VERBATIM, given, List.of(given), Map.of()) == 1,
          "the same text",
          given,
          List.of(given));
      law(
          Anls.distance(given, answers.get(0)) == Anls.distance(answers.get(0), given),
          "symmetry of the distance",
          given,
          first);
      score(OptionLetter.LLAVA, given, List.of("A"), Map.of());
      score(OptionLetter.LMMS_EVAL, given, List.of("A"), Map.of());
      score(new MmmuMatch(), given, answers, Map.of("question_type", "open"));
      score(new MathVisionAnswer(), given, first, Map.of("choices", "[]"));
      Map<String, String> fields =
          Map.of(
              "choices",
              PythonLiteral.text(List.of(first.get(0), "x")),
              "question_type",
              "free_form",
              "answer_type",
              "float",
              "precision",
              "2");
      score(new MathVistaExtraction(), given, first, fields);
      boxes(given);
    }

    private void boxes(String given) {
      // As few digits as a real box has.
      double x = (1 + random.nextInt(1000)) / 1000.0;
      double y = (1 + random.nextInt(1000)) / 1000.0;
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("bbox", BoxScore.field(x / 2, y / 2, x, y));
      fields.put("height", "1");
      fields.put("width", "1");
      Reference reference = new Reference(List.of(), fields);
      Prediction prediction = new Prediction(given);
      String own = "[" + x / 2 + ", " + y / 2 + ", " + x + ", " + y + "]";
      for (BoxFormat format : BoxFormat.values()) {
        double previous = 1;
        for (Metric threshold : THRESHOLDS.get(format)) {
          double score = score(threshold, prediction, reference);
          law(score <= previous, "a higher threshold", given, List.of());
          previous = score;
        }
        score(new BoxScore(format, new BoxScore.CentreInside()), prediction, reference);
        // No kit reads exponents.
        if (!own.contains("E")) {
          law(
              score(BoxScore.accuracy(format), own, List.of(), fields) == 1,
              "the box itself",
              own,
              List.of());
        }
      }
    }
  }
}
