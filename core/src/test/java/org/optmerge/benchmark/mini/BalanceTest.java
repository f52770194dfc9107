package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What somebody scores who knows the best answer to each kind of question and sees no image. */
class BalanceTest {
  private static Map<String, Map<String, Integer>> answers(
      MiniSplit split, MiniTask task, int images) {
    MiniGenerator generator = new MiniGenerator(MiniGenerator.SEED);
    Map<String, Map<String, Integer>> answers = new TreeMap<>();
    for (int i = 0; i < images; i++) {
      ImageQuestion question = generator.generate(split, task, i).first();
      answers
          .computeIfAbsent(question.type(), any -> new TreeMap<>())
          .merge(question.answer(), 1, Integer::sum);
    }
    return answers;
  }

  private static double constant(Map<String, Map<String, Integer>> answers) {
    int best = answers.values().stream().mapToInt(each -> Collections.max(each.values())).sum();
    int all =
        answers.values().stream()
            .flatMap(each -> each.values().stream())
            .mapToInt(number -> number)
            .sum();
    return 100.0 * best / all;
  }

  @ParameterizedTest
  @CsvSource({"VQA, 32", "GEOMETRY, 13", "CHART, 15", "OCR, 3", "GROUNDING, 3", "COMBINED, 14"})
  void the_best_constant_answers_score_little(MiniTask task, double atMost) {
    assertThat(constant(answers(MiniSplit.TEST, task, 1000))).isBetween(0.0, atMost);
  }

  @Test
  void yes_and_no_come_equally_often() {
    Map<String, Map<String, Integer>> answers = answers(MiniSplit.TEST, MiniTask.VQA, 1000);

    assertThat(answers.get("exists")).isEqualTo(Map.of("yes", 100, "no", 100));
    assertThat(answers.get("relation")).isEqualTo(Map.of("yes", 100, "no", 100));
  }

  @Test
  void each_answer_of_a_count_a_colour_or_a_shape_comes_equally_often() {
    Map<String, Map<String, Integer>> answers = answers(MiniSplit.TEST, MiniTask.VQA, 1600);

    // 1600 images are 80 rounds of 20, with 5 questions about a colour, of 8, in each.
    assertThat(answers.get("color").values()).hasSize(8).containsOnly(50);
    assertThat(answers.get("shape").values()).hasSize(5).containsOnly(48);
    assertThat(answers.get("count").values()).hasSize(4).containsOnly(20);
    assertThat(answers.get("count-color").values()).hasSize(4).containsOnly(40);
    assertThat(answers.get("count-shape").values()).hasSize(4).containsOnly(20);
  }

  @Test
  void yes_is_no_likelier_for_any_word_of_a_question() {
    MiniGenerator generator = new MiniGenerator(MiniGenerator.SEED);
    Map<String, int[]> words = new TreeMap<>();
    for (int i = 0; i < 8000; i++) {
      ImageQuestion question = generator.generate(MiniSplit.TEST, MiniTask.VQA, i).first();
      if (question.answer().equals("yes") || question.answer().equals("no")) {
        for (String word : question.question().split(" ")) {
          words
              .computeIfAbsent(question.type() + " " + word, any -> new int[2])[
              question.answer().equals("yes") ? 1 : 0]++;
        }
      }
    }
    assertThat(words).hasSizeGreaterThan(30);
    words.forEach(
        (word, count) -> {
          int number = count[0] + count[1];
          // Four standard deviations of a fair coin.
          assertThat(Math.abs(count[1] - count[0]) / 2.0)
              .as(word)
              .isLessThanOrEqualTo(2 * Math.sqrt(number));
        });
  }

  @ParameterizedTest
  @EnumSource(MiniTask.class)
  void every_round_has_each_kind_as_often_as_any_other(MiniTask task) {
    int round = task == MiniTask.GROUNDING ? 16 : task == MiniTask.COMBINED ? 10 : 20;
    Map<String, Map<String, Integer>> one = answers(MiniSplit.VALIDATION, task, round);
    Map<String, Map<String, Integer>> five = answers(MiniSplit.VALIDATION, task, 5 * round);

    assertThat(one).isNotEmpty();
    five.forEach(
        (type, counts) ->
            assertThat(counts.values().stream().mapToInt(n -> n).sum())
                .as(type)
                .isEqualTo(5 * one.get(type).values().stream().mapToInt(number -> number).sum()));
  }
}
