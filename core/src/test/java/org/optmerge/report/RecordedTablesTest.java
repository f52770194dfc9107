package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import tech.tablesaw.api.Table;

/**
 * The tables of the recorded rows, to the last digit, are as they were first made: title, cells,
 * published table, findings.
 */
class RecordedTablesTest {
  private static final PaperTables PAPER = PaperTables.read();

  private static List<Exhibit> exhibits() {
    Path models = Project.file("data-manifests/mini");
    Study study = Study.recorded(Project.file(CapabilityExhibits.RECORDED).resolve("seed-1.json"));
    Study modalities =
        Study.recorded(Project.file(ModalityExhibits.RECORDED).resolve("seed-1.json"));
    ModelFamily full = ModelFamily.of("full", models);
    ModelFamily lora = ModelFamily.of("lora", models);
    ModelFamily instruct = ModelFamily.of("instruct", models);
    ModelFamily modality = ModelFamily.of(ModelFamily.MODALITY, models);
    return List.of(
        CapabilityExhibits.capabilities(study, full, null, PAPER),
        CapabilityExhibits.capabilities(study, instruct, PAPER.table("table2"), PAPER),
        CapabilityExhibits.capabilities(study, lora, PAPER.table("table3"), PAPER),
        CapabilityExhibits.table4(study, lora, PAPER),
        CapabilityExhibits.table6(study, ModelFamily.of("independent", models), PAPER),
        CapabilityExhibits.table8(study, full, PAPER),
        CapabilityExhibits.table10(study, full, PAPER),
        CapabilityExhibits.steps(study, full, models),
        CapabilityExhibits.seeds(full, CapabilityExhibits.recordedSeeds(), PAPER),
        ModalityExhibits.table4(modalities, modality, PAPER),
        ModalityExhibits.table5(modalities, modality, PAPER));
  }

  @TestFactory
  Stream<DynamicTest> a_table_comes_out_as_recorded() {
    return exhibits().stream()
        .map(
            exhibit ->
                DynamicTest.dynamicTest(
                    exhibit.name(),
                    () -> assertThat(text(exhibit)).isEqualTo(recorded(exhibit.name()))));
  }

  private static String text(Exhibit exhibit) {
    StringBuilder text = new StringBuilder(exhibit.title()).append('\n');
    append(text, exhibit.measured());
    Table published = exhibit.published();
    if (published != null) {
      append(text.append('\n'), published);
    }
    text.append('\n');
    exhibit.findings().forEach(finding -> text.append(finding).append('\n'));
    return text.toString();
  }

  private static void append(StringBuilder text, Table table) {
    text.append(table.name()).append('\n').append(table.write().toString("csv"));
  }

  private static String recorded(String name) throws IOException {
    try (var in =
        Objects.requireNonNull(
            RecordedTablesTest.class.getResourceAsStream("/recorded-tables/" + name + ".txt"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
