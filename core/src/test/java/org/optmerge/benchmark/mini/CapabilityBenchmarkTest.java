package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.Question;

class CapabilityBenchmarkTest {
  @Test
  void an_example_is_the_first_question_of_an_image() {
    MiniImage image =
        new MiniGenerator(MiniGenerator.SEED).generate(MiniSplit.TEST, MiniTask.CHART, 3);
    Question example =
        CapabilityBenchmark.of("mini:chart").questions().skip(3).findFirst().orElseThrow();

    assertThat(example.id()).isEqualTo("chart-3");
    assertThat(example.group()).isEqualTo("Chart");
    assertThat(example.type()).isEqualTo(image.first().type());
    assertThat(example.media()).isEqualTo(List.of(image.image()));
    assertThat(example.text()).isEqualTo(image.first().question());
    assertThat(example.answers()).containsExactly(image.first().answer());
    assertThat(example.fields())
        .containsEntry("heldOut", String.valueOf(image.first().heldOut()))
        .containsEntry("statement", image.first().statement());
  }

  @Test
  void the_whole_is_five_tasks_one_after_the_other() {
    CapabilityBenchmark mini = CapabilityBenchmark.of("mini").withPerTask(2);
    assertThat(mini.size()).isEqualTo(10);
    try (Stream<Question> examples = mini.questions()) {
      assertThat(examples.map(Question::id))
          .containsExactly(
              "vqa-0",
              "vqa-1",
              "geometry-0",
              "geometry-1",
              "chart-0",
              "chart-1",
              "ocr-0",
              "ocr-1",
              "grounding-0",
              "grounding-1");
    }
  }

  @Test
  void splits_have_their_customary_sizes() {
    assertThat(CapabilityBenchmark.of("mini").size()).isEqualTo(5000);
    assertThat(CapabilityBenchmark.of("mini:combined", MiniSplit.VALIDATION).size()).isEqualTo(250);
    assertThat(CapabilityBenchmark.of("mini", MiniSplit.BASE).size()).isEqualTo(100_000);
    assertThat(CapabilityBenchmark.of("mini", MiniSplit.EXPERT).size()).isEqualTo(80_000);
  }

  @Test
  void examples_are_drawn_as_they_are_asked_for() {
    CapabilityBenchmark endless = CapabilityBenchmark.of("mini:ocr").withPerTask(Integer.MAX_VALUE);

    assertThat(endless.questions().limit(3)).hasSize(3);
  }

  @Test
  void a_name_that_is_not_known_is_answered_with_those_that_are() {
    assertThatThrownBy(() -> CapabilityBenchmark.of("mini:charts"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no task 'charts'")
        .hasMessageContaining("combined");
    assertThatThrownBy(() -> CapabilityBenchmark.of("mini").withPerTask(0))
        .hasMessageContaining("needs a task and an example");
  }
}
