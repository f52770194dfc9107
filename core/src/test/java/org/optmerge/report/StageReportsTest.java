package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.stage.StageCeilings;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.StageRow;
import org.optmerge.evaluation.StageStudy;
import tech.tablesaw.api.Table;

@Tag("slow")
class StageReportsTest {
  private static final PaperTables PAPER = PaperTables.read();
  private static final List<StageRow> ROWS = StageReports.recordedSeeds().get(0);

  @Test
  void recordedRowsAreThoseOfTheStudy() {
    assertThat(ROWS).extracting(StageRow::label).contains(StageStudy.WORDS, StageStudy.UNMERGED);
    StageStudy.methods()
        .forEach(method -> assertThat(ROWS).extracting(StageRow::label).contains(method.label()));
    assertThat(ROWS).allMatch(row -> row.questions() == StageStudy.TEST);
    assertThat(ROWS).allMatch(row -> row.correct().size() == StageQuestionType.ALL.size());
  }

  @Test
  void table5HasARowForEachModelBesideThePublishedTable() {
    MiniReport report = StageReports.table5(ROWS, PAPER);
    assertThat(report.miniature().rowCount()).isEqualTo(ROWS.size());
    Table published = report.published();
    assertThat(published).isNotNull();
    assertThat(published.stringColumn("model").asList()).contains("NaiveMC", "DAMC");
    // The mean is that of the groups.
    double sum =
        report.miniature().row(3).getDouble("vision+audio")
            + report.miniature().row(3).getDouble("audio+video");
    assertThat(report.miniature().row(3).getDouble("mean")).isCloseTo(sum / 2, within(1e-9));
  }

  @Test
  void noSingleModalityIsAboveItsCeilingByMoreThanChance() {
    for (StageModality modality : StageModality.ALL) {
      StageRow single =
          ROWS.stream()
              .filter(row -> row.given().equals(List.of(modality.key())))
              .findFirst()
              .orElseThrow();
      for (StageQuestionType type : StageQuestionType.ALL) {
        if (type.isCrossModal()) {
          // Three standard deviations of a hundred questions at a half.
          assertThat(single.accuracy(type))
              .as("%s, %s", modality, type)
              .isLessThan(StageCeilings.single(type) + .15);
        }
      }
    }
  }

  @Test
  void table4StepsFromWudiToOptMerge() {
    MiniReport report = StageReports.table4(ROWS, PAPER);
    assertThat(report.miniature().stringColumn("model").asList())
        .containsExactly("WUDI Merging", "+ SGD", "+ Initialization", "OptMerge");
    assertThat(report.findings()).hasSize(3);
  }

  @Test
  void ceilingsListEveryQuestionOfSeveralModalities() {
    Table ceilings = StageReports.ceilings();
    assertThat(ceilings.rowCount())
        .isEqualTo(
            (int) StageQuestionType.ALL.stream().filter(StageQuestionType::isCrossModal).count());
    assertThat(ceilings.doubleColumn("vision").max()).isLessThanOrEqualTo(50 + 1e-9);
  }
}
