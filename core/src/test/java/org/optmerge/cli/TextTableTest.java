package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.optmerge.base.TextTable;

class TextTableTest {
  @Test
  void columns_are_as_wide_as_their_widest_cell() {
    TextTable table = new TextTable().left("tensor").right("size").left("file");
    table.row("lm_head.weight", "9", "a").row("x", "1000", "");

    assertThat(table.lines())
        .containsExactly(
            "tensor          size  file", //
            "lm_head.weight     9  a",
            "x               1000");
  }

  @Test
  void rejects_a_row_of_another_length() {
    TextTable table = new TextTable().left("tensor").right("size");

    assertThatThrownBy(() -> table.row("x")).hasMessage("a row of this table has 2 cells, not 1");
  }
}
