package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.MiniTask;

class MiniRowTest {
  /** The five capabilities with the same answers. */
  private static MiniRow row(String digits) {
    Map<MiniTask, String> correct = new EnumMap<>(MiniTask.class);
    MiniTask.CAPABILITIES.forEach(task -> correct.put(task, digits));
    return new MiniRow("row", 0.5, Map.of("0.5", 0.3), correct, Map.of(), "digest", 1);
  }

  @Test
  void its_first_questions_are_those_of_each_task() {
    MiniRow first = row("1001").first(2);

    assertThat(first.correct()).isEqualTo(row("10").correct());
    assertThat(first.accuracy(MiniTask.OCR)).isEqualTo(0.5);
    assertThat(first.scaling()).isEqualTo(0.5);
    assertThat(first.inputs()).as("no study takes it for its own").isNull();
  }

  @Test
  void more_questions_than_it_has_are_refused() {
    assertThatThrownBy(() -> row("1001").first(5)).hasMessage("VQA has 4 questions, not 5");
    assertThatThrownBy(() -> row("1001").first(0)).hasMessage("VQA has 4 questions, not 0");
  }

  @Test
  void agreement_counts_what_both_have_right_and_what_both_have_wrong() {
    assertThat(row("1001").agreement(row("1100"))).isEqualTo(0.5, within(1e-12));
    assertThat(row("1001").agreement(row("1001"))).isEqualTo(1);
    assertThatThrownBy(() -> row("1001").agreement(row("10")))
        .hasMessage("'row' and 'row' were not asked the same questions");
  }
}
