package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

class CapabilityMetricTest {
  static boolean correct(MiniTask task, String answer, String prediction) {
    Map<String, String> fields =
        task == MiniTask.CHART ? Map.of(CapabilityMetric.TOLERANCE, "0.05") : Map.of();
    return new CapabilityMetric()
            .score(new Prediction(prediction), new Reference(List.of(answer), fields))
        == 1;
  }

  @ParameterizedTest
  @CsvSource({
    "VQA, red, red, true",
    "VQA, red, Red, true",
    "VQA, red, blue, false",
    "VQA, yes, '', false",
    "OCR, FOX, F O X, true",
    "OCR, FOX, FOX, true",
    "OCR, FOX, F O, false",
    "OCR, 12, 1 2, true",
    "GEOMETRY, 100, 1 0 0, true",
    "GEOMETRY, 100, 99, false",
    // 5 % of 20 is 1, of 19 less than 1
    "CHART, 20, 1 9, true",
    "CHART, 20, 21, true",
    "CHART, 20, 22, false",
    "CHART, 19, 20, false",
    "CHART, 0, 0, true",
    "CHART, 0, 1, false",
    "CHART, 20, red, false",
    "CHART, red, 20, false",
    "CHART, red, red, true",
    "COMBINED, 20, 19, false",
    "GROUNDING, <c2> <c2> <c5> <c5>, <c2> <c2> <c5> <c5>, true",
    // 4 × 4 and 4 × 2 cells: half of the union
    "GROUNDING, <c2> <c2> <c5> <c5>, <c2> <c2> <c5> <c3>, true",
    // 4 × 4 and 3 × 2 cells
    "GROUNDING, <c2> <c2> <c5> <c5>, <c2> <c2> <c4> <c3>, false",
    "GROUNDING, <c2> <c2> <c5> <c5>, <c5> <c5> <c2> <c2>, false",
    "GROUNDING, <c2> <c2> <c5> <c5>, <c2> <c2> <c5>, false",
    "GROUNDING, <c2> <c2> <c5> <c5>, red <c2> <c2> <c5> <c5>, false",
    "COMBINED, <c2> <c2> <c5> <c5>, <c2><c2><c5><c5>, true",
  })
  void an_answer_is_right_or_wrong(
      MiniTask task, String answer, String prediction, boolean correct) {
    assertThat(correct(task, answer, prediction)).isEqualTo(correct);
  }

  @ParameterizedTest
  @EnumSource(MiniTask.class)
  void every_answer_is_right_as_it_is_and_as_a_model_spells_it(MiniTask task) {
    MiniGenerator generator = new MiniGenerator(11);
    for (int i = 0; i < 100; i++) {
      String answer = generator.generate(MiniSplit.TEST, task, i).first().answer();
      assertThat(correct(task, answer, answer)).isTrue();
      long[] spelled = Arrays.stream(CapabilityModel.WORDS.encode(answer)).asLongStream().toArray();
      assertThat(correct(task, answer, WordVocabularyTest.decode(CapabilityModel.WORDS, spelled)))
          .isTrue();
    }
  }

  @Test
  void overlap_is_symmetric_between_nothing_and_all() {
    Random random = new Random(3);
    for (int i = 0; i < 500; i++) {
      PixelBox one = box(random);
      PixelBox other = box(random);
      double overlap = one.overlap(other);

      assertThat(overlap).isBetween(0.0, 1.0);
      assertThat(other.overlap(one)).isCloseTo(overlap, Offset.offset(1e-12));
      assertThat(overlap == 1).isEqualTo(one.equals(other));
    }
  }

  private static PixelBox box(Random random) {
    int left = random.nextInt(20);
    int top = random.nextInt(20);
    return new PixelBox(left, top, left + random.nextInt(4), top + random.nextInt(4));
  }

  @Test
  void no_text_is_too_odd_to_be_scored() {
    Random random = new Random(5);
    String[] parts = {"<c", "3", ">", " ", "<c99>", "9999999", "\t", "é", "<c-1>", "red"};
    for (int i = 0; i < 2000; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = random.nextInt(12); j > 0; j--) {
        text.append(parts[random.nextInt(parts.length)]);
      }
      String odd = text.toString();
      boolean same = correct(MiniTask.CHART, "<c3> <c3> <c3> <c3>", odd);
      assertThat(same).isEqualTo(odd.replaceAll("\\s", "").equals("<c3><c3><c3><c3>"));
      assertThat(correct(MiniTask.CHART, "1234567", odd)).isFalse();
    }
  }
}
