package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.stage.StageCeilings;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Examination;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import tech.tablesaw.api.Table;

class ModalityExhibitsTest {
  private static final PaperTables PAPER = PaperTables.read();
  private static final ModelFamily FAMILY =
      ModelFamily.of(ModelFamily.MODALITY, Project.file("data-manifests/mini"));
  private static final Study STUDY =
      Study.recorded(Project.file(ModalityExhibits.RECORDED).resolve("seed-1.json"));

  @Test
  void recorded_rows_are_those_of_the_study() {
    List<Study.Wanted> wanted = ModalityExhibits.rows(FAMILY);
    Map<String, AnswerSheet> recorded = ModalityExhibits.recordedSeeds().get(0);
    assertThat(recorded.keySet())
        .containsExactlyElementsOf(wanted.stream().map(Study.Wanted::key).toList());
    assertThat(recorded.values())
        .allSatisfy(
            row -> {
              assertThat(row.right()).hasSize(StageQuestionType.ALL.size());
              assertThat(row.right().values())
                  .allMatch(digits -> digits.length() == Examination.MODALITY_TEST);
            });
  }

  @Test
  void table_5_has_a_row_for_each_model_beside_the_published_table() {
    Exhibit exhibit = ModalityExhibits.table5(STUDY, FAMILY, PAPER);
    assertThat(exhibit.measured().rowCount()).isEqualTo(ModalityExhibits.rows(FAMILY).size());
    Table published = exhibit.published();
    assertThat(published).isNotNull();
    assertThat(published.stringColumn("model").asList()).contains("NaiveMC", "DAMC");
    // The mean is that of the groups.
    double sum = 0;
    for (String group :
        List.of("vision+audio", "audio+video", "vision+video", "vision+audio+video")) {
      sum += exhibit.measured().row(3).getDouble(group);
    }
    assertThat(exhibit.measured().row(3).getDouble("mean")).isCloseTo(sum / 4, within(1e-9));
  }

  @Test
  void seeds_are_averaged_as_those_of_capabilities() {
    Map<String, AnswerSheet> seed = ModalityExhibits.recordedSeeds().get(0);
    Exhibit exhibit = ModalityExhibits.seeds(FAMILY, List.of(seed, seed));
    assertThat(exhibit.title()).endsWith("mean of 2 seeds");
    assertThat(exhibit.measured().doubleColumn("seed 2").asList())
        .isEqualTo(exhibit.measured().doubleColumn("seed 1").asList());
    assertThat(exhibit.findings())
        .extracting(Exhibit.Finding::holds)
        .isEqualTo(
            ModalityExhibits.table5(STUDY, FAMILY, PAPER).findings().stream()
                .map(Exhibit.Finding::holds)
                .toList());
  }

  @Tag("slow")
  @Test
  void no_single_modality_is_above_its_ceiling_by_more_than_chance() {
    for (StageModality modality : StageModality.ALL) {
      AnswerSheet single =
          STUDY.row(ModalityExhibits.single(FAMILY, modality, EnumSet.of(modality)));
      for (StageQuestionType type : StageQuestionType.ALL) {
        if (type.isCrossModal()) {
          // Three standard deviations of a hundred questions at a half.
          assertThat(single.accuracy(type.key()))
              .as("%s, %s", modality, type)
              .isLessThan(StageCeilings.single(type) + .15);
        }
      }
    }
  }

  @Tag("slow")
  @Test
  void ceilings_list_every_question_of_several_modalities() {
    Table ceilings = ModalityExhibits.ceilings();
    assertThat(ceilings.rowCount())
        .isEqualTo(
            (int) StageQuestionType.ALL.stream().filter(StageQuestionType::isCrossModal).count());
    assertThat(ceilings.doubleColumn("vision").max()).isLessThanOrEqualTo(50 + 1e-9);
  }
}
