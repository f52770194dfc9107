package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.optmerge.report.PaperTables.PaperTable;
import org.optmerge.report.PaperTables.Row;

class PaperTablesTest {
  private static final PaperTables PAPER = PaperTables.read();

  @Test
  void the_averages_printed_are_those_of_the_columns_where_a_table_has_both() {
    for (String name : new String[] {"table2", "table3"}) {
      PaperTable table = PAPER.table(name);
      assertThat(table.columns()).hasSize(10);
      int compared = 0;
      for (Row row : table.rows()) {
        if (row.average().isPresent() && row.scores().size() == 10) {
          // Two rows of the paper are off by more than rounding.
          assertThat(row.mean(table.columns()))
              .as("%s, %s", name, row.name())
              .isCloseTo(row.average().getAsDouble(), within(1.0));
          compared++;
        }
      }
      assertThat(compared).isGreaterThanOrEqualTo(14);
    }
  }

  @Test
  void every_table_has_rows_and_columns() {
    assertThat(PAPER.names()).contains("table2", "table4", "table7", "table10");
    for (String name : PAPER.names()) {
      assertThat(PAPER.table(name).rows()).isNotEmpty();
      assertThat(PAPER.table(name).columns()).isNotEmpty();
    }
  }

  @Test
  void rows_are_found_by_name_and_capabilities_group_their_columns() {
    Row mixture = PAPER.table("table2").row("Mixture Training");
    assertThat(mixture.mean(PAPER.groups().get("VQA"))).isCloseTo(45.56, within(1e-9));
    assertThatThrownBy(() -> PAPER.table("table2").row("Soup"))
        .hasMessageStartingWith("table2 has no row 'Soup'; it has [InternVL2.5-Instruct");
    assertThatThrownBy(() -> PAPER.table("table11")).hasMessageContaining("no 'table11'");
  }
}
