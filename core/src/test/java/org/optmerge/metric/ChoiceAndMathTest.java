package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChoiceAndMathTest {
  private static final OptionInference FORK = OptionInference.of(ScoringProfile.OPTMERGE_FORK);
  private static final OptionInference LATEST =
      OptionInference.of(ScoringProfile.VLMEVALKIT_LATEST);
  private static final MathVision MATH = MathVision.of(ScoringProfile.OPTMERGE_FORK);
  private static final MathVision LATEST_MATH = MathVision.of(ScoringProfile.VLMEVALKIT_LATEST);

  private static Map<String, String> options(String... texts) {
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i < texts.length; i++) {
      options.put(String.valueOf((char) ('A' + i)), texts[i]);
    }
    return options;
  }

  @Test
  void finds_the_letter_then_the_text() {
    Map<String, String> angles = options("145°", "45°", "35°");

    assertThat(FORK.infer("45°", angles)).contains("B");
    assertThat(FORK.infer("145°", angles)).as("two of them occur in it").isEmpty();
    assertThat(FORK.infer("A dog", angles)).as("the article").contains("A");
    assertThat(FORK.infer("C:35", angles)).contains("C");
    assertThat(FORK.infer("\\boxed{B}", angles)).contains("B");
    assertThat(FORK.infer("$B$", angles)).isEmpty();
    assertThat(FORK.infer("Cannot determine the answer", angles)).contains("Z");
  }

  @Test
  void the_latest_rules_want_the_letter_near_the_end() {
    Map<String, String> animals = options("cat", "dog", "bird", "fish");

    assertThat(FORK.infer("A w w w w", animals)).contains("A");
    assertThat(LATEST.infer("A w w w w", animals)).isEmpty();
    assertThat(LATEST.infer("A w w w", animals)).contains("A");
    assertThat(LATEST.infer("The answer is **d**, as far as one can see it from here", animals))
        .contains("D");
    assertThat(LATEST.infer("answer is, answer is c", animals)).contains("C");
    assertThat(LATEST.infer("a dog, and nothing else that could be seen here", animals)).isEmpty();
  }

  @Test
  void an_open_question_is_a_choice_between_its_answer_and_others() {
    MultipleChoice open = MultipleChoice.of(ScoringProfile.OPTMERGE_FORK, true);

    assertThat(open.score(new Prediction("It is RED"), Reference.of("red"))).isOne();
    assertThat(open.score(new Prediction("other answers"), Reference.of("red"))).isZero();
    assertThat(open.chosen(new Prediction("blue"), Reference.of("red"))).isEqualTo("Z");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "10.0|10",
        "5/2|2.5",
        "1_0|10",
        "0x10|16",
        "--10|10",
        "2**3|8",
        "2^3|8",
        "2^3|1",
        "\\frac{1}{2}|0.5",
        "$5$|5",
        "x=5|5",
        "5:2|5/2",
        "1,000|1000",
        "a+0|7",
        "(A)|7",
        "-2**2|-4",
        "7//2*2|6",
        "-7%3|2",
        "abs(-5)|5",
        "len('abc')|3",
        "1e-7|0",
        "3 \\times 4|12",
        "1 < 2 < 3|1",
        "~5|-6",
        "2\\%|0.02",
        "10^{2}|100",
        "\\left(24\\right)|24"
      })
  void these_are_equal(String prediction, String answer) {
    assertThat(MATH.equal(prediction, answer)).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\\sqrt{4}|2",
        "5 cm|5",
        "60°|60",
        "5%|5",
        "True|1",
        "b|5",
        "1/0|5",
        "9**9**9|5",
        "(3,-4)|5",
        "import os|5",
        "__import__('os')|0",
        "1+1j|1",
        "4,5|45",
        "1 000|1000"
      })
  void these_are_not(String prediction, String answer) {
    assertThat(MATH.equal(prediction, answer)).isFalse();
  }

  @Test
  void a_quoted_number_is_a_text_until_the_latest_formula_reader() {
    assertThat(MATH.equal("'5'", "5")).isFalse();
    assertThat(LATEST_MATH.equal("'5'", "5")).isTrue();
  }

  @Test
  void the_latest_formula_reader_knows_boxes_and_mixed_numbers_but_no_assignment() {
    assertThat(LATEST_MATH.equal("\\boxed{5}", "5")).isTrue();
    assertThat(LATEST_MATH.equal("1\\frac{1}{2}", "1.5")).isTrue();
    assertThat(LATEST_MATH.equal("60^\\circ", "60")).isTrue();
    assertThat(LATEST_MATH.equal("x=5", "5")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "-", "[", "\\frac{", "1+(", "2**", "{"})
  void nesting_without_end_is_no_number(String unit) {
    assertThat(MATH.equal(unit.repeat(4_000) + "1", "2")).isFalse();
    assertThat(LATEST_MATH.equal(unit.repeat(200_000), "2")).isFalse();
  }

  private static Reference vista(String type, String answer) {
    return new Reference(
        List.of(answer),
        Map.of(
            "question_type", "free_form",
            "answer_type", type,
            "answer_option", "",
            "choices", "[]"));
  }

  @Test
  void mathvista_truncates_numbers_and_refuses_texts() {
    MathVista vista = MathVista.of(ScoringProfile.OPTMERGE_FORK);

    assertThat(vista.score(Prediction.ofNumber(5.9), vista("integer", "5"))).isOne();
    assertThat(vista.score(new Prediction("5.9"), vista("integer", "5"))).isZero();
    assertThat(vista.score(Prediction.ofNumber(Double.POSITIVE_INFINITY), vista("integer", "5")))
        .isZero();
    assertThat(vista.score(new Prediction("1.20"), vista("float", "1.2"))).isOne();
    assertThat(vista.score(new Prediction("[1, 2]"), vista("list", "[1, 2]"))).isZero();
  }

  @Test
  void a_zero_is_never_prefetched_though_it_is_right() {
    MathVista vista = MathVista.of(ScoringProfile.OPTMERGE_FORK);

    assertThat(vista.prefetch(new Prediction("0"), vista("integer", "0"))).isEmpty();
    assertThat(vista.score(new Prediction("0"), vista("integer", "0"))).isOne();
    assertThat(vista.prefetch(new Prediction("7"), vista("integer", "7")))
        .contains(new Prediction("7", 7.0));
  }

  @Test
  void a_reference_without_what_the_metric_needs_is_an_error() {
    assertThatThrownBy(
            () ->
                MathVista.of(ScoringProfile.OPTMERGE_FORK)
                    .score(new Prediction("1"), Reference.of("1")))
        .isInstanceOf(MetricException.class)
        .hasMessage("the reference has no 'question_type'; it has []");
  }
}
