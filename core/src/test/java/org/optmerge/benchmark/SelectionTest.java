package org.optmerge.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelectionTest {
  private static List<Long> of(Selection selection, long questions) {
    return LongStream.range(0, questions).filter(selection::has).boxed().toList();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 9, 10, 11, 20, 37, 100})
  void its_size_is_that_of_what_it_has_and_shards_divide_it(long questions) {
    for (Selection.Split split : Selection.Split.values()) {
      for (long limit : new long[] {1, 3, Long.MAX_VALUE}) {
        Selection whole = new Selection(split, limit, 1, 1);
        assertThat(whole.of(questions)).isEqualTo(of(whole, questions).size());
        TreeSet<Long> parts = new TreeSet<>();
        long count = 0;
        for (int shard = 1; shard <= 3; shard++) {
          Selection part = new Selection(split, limit, shard, 3);
          assertThat(part.of(questions)).isEqualTo(of(part, questions).size());
          parts.addAll(of(part, questions));
          count += part.of(questions);
        }
        assertThat(parts).containsExactlyElementsOf(of(whole, questions)).hasSize((int) count);
      }
    }
  }

  @Test
  void validation_and_test_share_no_question_and_leave_none_out() {
    List<Long> validation = of(new Selection(Selection.Split.VAL, 100, 1, 1), 25);
    List<Long> test = of(new Selection(Selection.Split.TEST, 100, 1, 1), 25);

    assertThat(validation).containsExactly(9L, 19L);
    assertThat(test).hasSize(23).doesNotContainAnyElementsOf(validation);
    assertThatThrownBy(() -> new Selection(Selection.Split.ALL, 0, 1, 1))
        .hasMessageContaining("limit 0");
  }
}
