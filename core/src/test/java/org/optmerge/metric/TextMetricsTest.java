package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.optmerge.metric.ScoringProfile.OPTMERGE_FORK;
import static org.optmerge.metric.ScoringProfile.VLMEVALKIT_BASE_2025_01;
import static org.optmerge.metric.ScoringProfile.VLMEVALKIT_LATEST;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exact match, relaxed accuracy, ANLS and the audio-visual metrics, worked out by hand. */
class TextMetricsTest {
  private static double score(Metric metric, String prediction, String... answers) {
    return metric.score(new Prediction(prediction), Reference.of(answers));
  }

  @Test
  void the_fork_overlooks_punctuation_and_its_base_does_not() {
    assertThat(score(ExactMatch.of(OPTMERGE_FORK), "Yes.", "yes")).isOne();
    assertThat(score(ExactMatch.of(VLMEVALKIT_BASE_2025_01), "Yes.", "yes")).isZero();
    assertThat(score(ExactMatch.of(OPTMERGE_FORK), "14.0", "140")).isOne();
    assertThat(score(ExactMatch.of(OPTMERGE_FORK), "a_b", "ab")).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    // prediction, answer, relative to the prediction, relative to the answer
    "14,14.7,1,1",
    "10,9.5,1,0",
    "9.5,10,0,1",
    "0,0.0,0,0",
    "10%%,0.1,1,1",
    "5 %,0.05,1,1",
    "inf,inf,0,0",
    "%,%,1,1",
    "-5,5,0,0",
    "2008,2010,1,1",
    "'1,000',1000,0,0"
  })
  void five_percent_of_the_prediction_is_not_five_percent_of_the_answer(
      String prediction, String answer, double fork, double latest) {
    assertThat(score(RelaxedAccuracy.of(OPTMERGE_FORK), prediction, answer)).isEqualTo(fork);
    assertThat(score(RelaxedAccuracy.of(VLMEVALKIT_LATEST), prediction, answer)).isEqualTo(latest);
  }

  @Test
  void half_of_the_letters_right_is_just_enough() {
    assertThat(score(new Anls(), "ab", "ac")).isEqualTo(0.5);
    assertThat(score(new Anls(), "abc", "axy")).isZero();
    assertThat(score(new Anls(), "", "")).isOne();
    // ß is one letter of the text but two of the length.
    assertThat(Anls.distance("Straße", "strasse")).isEqualTo(2 / 7.0);
    assertThat(score(new Anls(), "anything", "nothing like it", " ANYTHING ")).isOne();
  }

  @Test
  void the_distance_beyond_which_nothing_scores_changes_no_score() {
    for (String prediction : List.of("marble", "garble", "mar", "table top", "")) {
      double exact = 1 - Anls.distance(prediction, "marble");
      assertThat(score(new Anls(), prediction, "marble")).isEqualTo(exact < 0.5 ? 0 : exact);
    }
  }

  @Test
  void avqa_wants_the_letter_first() {
    assertThat(score(new AvqaChoice(), "B. dog", "B")).isOne();
    assertThat(score(new AvqaChoice(), "b", "B")).isZero();
    assertThat(score(new AvqaChoice(), " B", "B")).isZero();
    assertThat(score(new MusicAvqaMatch(), "Acoustic guitar.", "acoustic_guitar")).isOne();
  }

  @Test
  void the_steps_end_in_the_score() {
    List<String> steps = new ArrayList<>();
    RelaxedAccuracy.of(OPTMERGE_FORK)
        .score(
            new Prediction("10"),
            Reference.of("9.5"),
            (what, value) -> steps.add(what + ": " + value));

    assertThat(steps)
        .containsExactly("relative difference from 9.5, divided by the prediction: 0.05");
  }

  @Test
  void an_average_leaves_out_what_is_missing() {
    assertThat(Averages.ofColumns(Map.of("GQA", 50.0, "VizWiz", 70.0, "OCRVQA", Double.NaN)))
        .hasValue(60);
  }
}
