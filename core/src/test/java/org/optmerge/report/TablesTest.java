package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.report.Tables.Format;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

class TablesTest {
  private static Table scores() {
    return Table.create(
        "Scores & <intervals>",
        StringColumn.create("method", "ties_tensor", "a|b*c", "100 % {x}"),
        DoubleColumn.create("score", 45.150000000000006, Double.NaN, 50.0),
        IntColumn.create("tensors", 12, 7, 1200));
  }

  @Test
  void html_is_escaped_rounded_and_marks_the_best() {
    assertThat(Tables.html(scores(), Format.DEFAULT.decimals(2).largest("score")))
        .isEqualTo(
            """
            <table>
            <caption>Scores &amp; &lt;intervals&gt;</caption>
            <thead><tr><th style="text-align:left">method</th><th style="text-align:right">score</th><th style="text-align:right">tensors</th></tr></thead>
            <tbody>
            <tr><td style="text-align:left">ties_tensor</td><td style="text-align:right">45.15</td><td style="text-align:right">12</td></tr>
            <tr><td style="text-align:left">a|b*c</td><td style="text-align:right">–</td><td style="text-align:right">7</td></tr>
            <tr><td style="text-align:left">100 % {x}</td><td style="text-align:right"><b>50.00</b></td><td style="text-align:right">1200</td></tr>
            </tbody>
            </table>\
            """);
  }

  @Test
  void markdown_keeps_bars_and_asterisks_of_the_text_apart_from_its_own() {
    assertThat(Tables.markdown(scores(), Format.DEFAULT.decimals(1).smallest("tensors")))
        .isEqualTo(
            """
            | method | score | tensors |
            |---|---:|---:|
            | ties\\_tensor | 45.2 | 12 |
            | a\\|b\\*c | – | **7** |
            | 100 % {x} | 50.0 | 1200 |
            """);
  }

  @Test
  void latex_uses_booktabs_and_escapes_what_has_a_meaning_there() {
    assertThat(Tables.latex(scores(), Format.DEFAULT.decimals(1).largest("score")))
        .isEqualTo(
            """
            \\begin{tabular}{lrr}
            \\toprule
            method & score & tensors \\\\
            \\midrule
            ties\\_tensor & 45.2 & 12 \\\\
            a|b*c & -- & 7 \\\\
            100 \\% \\{x\\} & \\textbf{50.0} & 1200 \\\\
            \\bottomrule
            \\end{tabular}
            """);
  }

  @Test
  void text_is_aligned_with_numbers_to_the_right() {
    assertThat(Tables.text(scores(), Format.DEFAULT.largest("score", "tensors")))
        .isEqualTo(
            """
            method        score  tensors
            ties_tensor  45.150       12
            a|b*c             –        7
            100 % {x}    50.000*    1200*
            """);
  }

  @Test
  void values_that_read_the_same_are_all_best() {
    Table table = Table.create("t", DoubleColumn.create("loss", 0.10001, 0.10002, 0.2));

    assertThat(Tables.markdown(table, Format.DEFAULT.smallest("loss")))
        .contains("| **0.100** |\n| **0.100** |\n| 0.200 |");
  }

  @Test
  void the_best_of_a_column_that_is_not_there_cannot_be_marked() {
    assertThatThrownBy(() -> Tables.html(scores(), Format.DEFAULT.largest("acuracy")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("column 'acuracy'")
        .hasMessageContaining("[score, tensors]");
    assertThatThrownBy(() -> Tables.text(scores(), Format.DEFAULT.largest("method")))
        .hasMessageContaining("column 'method'");
    assertThatThrownBy(() -> Format.DEFAULT.decimals(10))
        .hasMessage("Format: decimals must be in [0, 9], is 10");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 3, 0.000",
    "0.0005, 3, 0.001",
    "0.00049, 3, 4.90e-04",
    "-0.00001, 3, -1.00e-05",
    "1234.5678, 1, 1234.6",
    "1e12, 3, 1.00e+12",
    "-3.14159, 2, -3.14",
    "NaN, 2, –",
    "Infinity, 2, ∞"
  })
  void a_number_is_rounded_but_never_to_nothing(double value, int decimals, String text) {
    assertThat(Tables.number(value, decimals)).isEqualTo(text);
  }

  @Test
  void a_table_without_rows_has_its_head_only() {
    Table empty = Table.create("", StringColumn.create("method"));

    assertThat(Tables.text(empty)).isEqualTo("method\n");
    assertThat(Tables.html(empty)).doesNotContain("caption").contains("<tbody>\n</tbody>");
  }
}
