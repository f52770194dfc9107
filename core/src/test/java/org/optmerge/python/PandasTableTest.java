package org.optmerge.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PandasTableTest {
  @TempDir private Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static List<String> texts(List<Cell> cells) {
    return cells.stream().map(Cell::text).toList();
  }

  /** The parts of a workbook that matter here, as openpyxl and XlsxWriter write them. */
  private Path workbook(String rows, String sharedStrings) throws IOException {
    Path file = folder.resolve("table.xlsx");
    String main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    String office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    String packages = "http://schemas.openxmlformats.org/package/2006/";
    Map<String, String> parts =
        Map.of(
            "[Content_Types].xml",
            ("<Types xmlns=\"%scontent-types\"><Override PartName=\"/xl/workbook.xml\" ContentType="
                    + "\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>"
                    + "<Override PartName=\"/xl/sharedStrings.xml\" ContentType="
                    + "\"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml\"/>"
                    + "</Types>")
                .formatted(packages),
            "_rels/.rels",
            "<Relationships xmlns=\"%srelationships\"><Relationship Id=\"rId1\" Type=\"%s/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                .formatted(packages, office),
            "xl/_rels/workbook.xml.rels",
            "<Relationships xmlns=\"%srelationships\"><Relationship Id=\"rId1\" Type=\"%s/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
                .formatted(packages, office),
            "xl/workbook.xml",
            "<workbook xmlns=\"%s\" xmlns:r=\"%s\"><sheets><sheet name=\"Sheet1\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
                .formatted(main, office),
            "xl/sharedStrings.xml",
            "<sst xmlns=\"%s\">%s</sst>".formatted(main, sharedStrings),
            "xl/worksheets/sheet1.xml",
            "<worksheet xmlns=\"%s\"><sheetData>%s</sheetData></worksheet>".formatted(main, rows));
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, String> part : parts.entrySet()) {
        zip.putNextEntry(new ZipEntry(part.getKey()));
        zip.write(part.getValue().getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
      }
    }
    return file;
  }

  @Test
  void cells_of_a_workbook_are_what_openpyxl_sees() throws IOException {
    Path file =
        workbook(
            "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"inlineStr\"><is><t>prediction</t></is></c></row>"
                + "<row r=\"2\"><c r=\"A2\"><v>7</v></c><c r=\"B2\"><f>1</f><v>0</v></c></row>"
                + "<row r=\"3\"><c r=\"A3\"><v>2.5</v></c><c r=\"B3\" t=\"s\"><v>1</v></c></row>"
                + "<row r=\"4\"><c r=\"A4\"><v>3</v></c><c r=\"B4\" t=\"s\"><v>2</v></c></row>"
                + "<row r=\"5\"><c r=\"A5\"><v>4</v></c><c r=\"B5\" t=\"b\"><v>1</v></c></row>"
                + "<row r=\"7\"><c r=\"A7\"><v>6</v></c><c r=\"B7\" t=\"str\"><f>x</f><v>kept</v></c></row>"
                + "<row r=\"8\"><c r=\"A8\"><v>8</v></c></row>",
            "<si><t>index</t></si><si><t>a_x000D_\nb</t></si><si><r><t>_x005F_x000D_</t></r><r><t>!</t></r></si>");

    PandasTable table = PandasTable.read(file);

    assertThat(table.rows()).isEqualTo(7);
    // The number of row 2 is a formula's value; row 6 is not there, so the column has a gap.
    assertThat(texts(table.column("index")))
        .containsExactly("7.0", "2.5", "3.0", "4.0", "nan", "6.0", "8.0");
    assertThat(texts(table.column("prediction")))
        .containsExactly("0", "a_x000D_\nb", "_x000D_!", "True", "nan", "kept", "nan");
  }

  @Test
  void a_column_of_numbers_is_numbers_and_one_word_keeps_it_text() throws IOException {
    PandasTable table =
        PandasTable.read(
            file("t.tsv", "index\ta\tb\tc\td\n0\t07\t07\t1\ttrue\n1\t8\tx\t\tFalse\n"));

    assertThat(texts(table.column("a"))).containsExactly("7", "8");
    assertThat(texts(table.column("b"))).containsExactly("07", "x");
    assertThat(texts(table.column("c"))).containsExactly("1.0", "nan");
    assertThat(texts(table.column("d"))).containsExactly("True", "False");
    assertThat(texts(table.column("no such column"))).containsExactly("nan", "nan");
  }

  @Test
  void quotes_lines_and_marks_are_cut_as_pandas_cuts_them() throws IOException {
    PandasTable table =
        PandasTable.read(
            file(
                "t.csv",
                "\ufeffindex,text\r\n0,\"a \"\"b\"\"\r\nc\"\r\n\r\n1,d\"e\"\n2,\"f\"g\n3,\"\"\n"));

    assertThat(table.rows()).isEqualTo(4);
    assertThat(texts(table.column("text"))).containsExactly("a \"b\"\r\nc", "d\"e\"", "fg", "nan");
  }

  @Test
  void huge_whole_numbers_stay_text_and_floats_keep_seventeen_digits() {
    PandasColumn rules = PandasColumn.DEFAULT;

    assertThat(texts(rules.infer(List.of(Cell.text("1" + "0".repeat(20)), Cell.text("1")))))
        .containsExactly("1" + "0".repeat(20), "1");
    assertThat(PandasColumn.parse("0.30000000000000004")).isEqualTo(0.3);
    assertThat(PandasColumn.parse("1e400")).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(PandasColumn.parse("1e-330")).isZero();
    assertThat(PandasColumn.parse(" -2.5e+1 ")).isEqualTo(-25);
    assertThat(PandasColumn.parse("1e")).isNaN();
    assertThat(PandasColumn.parse(".")).isNaN();
    assertThat(PandasColumn.parse("1,5")).isNaN();
  }

  @Test
  void long_texts_and_links_are_lost_as_in_a_spreadsheet() {
    assertThat(PandasTable.roundTrip(List.of("x".repeat(40_000), "y"), true, PandasColumn.DEFAULT))
        .first()
        .satisfies(cell -> assertThat(cell.text()).hasSize(32_767));
    assertThat(
            texts(
                PandasTable.roundTrip(
                    List.of("http://" + "x".repeat(3_000), "y"), true, PandasColumn.DEFAULT)))
        .containsExactly("nan", "y");
  }

  @Test
  void what_is_no_table_is_told_from_what_is() throws IOException {
    assertThatThrownBy(() -> PandasTable.read(file("t.xlsx", "index\tprediction\n")))
        .isInstanceOf(TableException.class)
        .hasMessageEndingWith(
            "t.xlsx: not an .xlsx workbook: it does not begin as one; is it text with the wrong"
                + " ending?");
    assertThatThrownBy(() -> PandasTable.read(file("u.xlsx", "PK\u0003\u0004 cut off")))
        .isInstanceOf(TableException.class)
        .hasMessageContaining("u.xlsx: ");
    assertThatThrownBy(() -> PandasTable.read(file("e.tsv", "")))
        .hasMessageEndingWith("e.tsv: is empty; expected a header row");
    assertThatThrownBy(() -> PandasTable.read(file("q.tsv", "a\tb\n1\t\"open\n2\tx\n")))
        .hasMessageEndingWith("q.tsv: the file ends inside quotes that were opened on line 2");
    assertThatThrownBy(() -> PandasTable.read(file("w.tsv", "a\tb\n1\t2\t3\n")))
        .hasMessageEndingWith("w.tsv: row 1 has 3 cells, the header has 2; is a quote missing?");
    assertThatThrownBy(() -> PandasTable.read(file("d.tsv", "a\ta\n1\t2\n")))
        .hasMessageEndingWith("d.tsv: has columns of the same name: [a]");
    Path latin = folder.resolve("l.tsv");
    Files.write(latin, "a\nf\u00fcnf\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> PandasTable.read(latin))
        .hasMessageContaining("l.tsv: not valid UTF-8");
  }

  @Test
  void what_looks_like_an_escape_survives_and_a_mark_does_not() {
    assertThat(
            texts(
                PandasTable.roundTrip(
                    List.of("_x000D_", "_x005F_", "a\rb", "\uffff"), true, PandasColumn.DEFAULT)))
        .containsExactly("_x000D_", "_", "a_x000D_b", "_xFFFF_");
  }
}
