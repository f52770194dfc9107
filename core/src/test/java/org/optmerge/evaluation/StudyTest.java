package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.mini.MiniTask;

/** With two questions of each task: what a study keeps, not what models can do. */
class StudyTest {
  private static final Examination FEW = Examination.capabilities(2, 2);
  private static final StudyMerge AVERAGE = StudyMerge.published("Average", "weight-average");

  @TempDir private Path folder;
  private Path file;
  private final List<Study.Report> reports = new ArrayList<>();

  @BeforeEach
  void name_the_file() {
    file = folder.resolve("study/rows.json");
  }

  private Study study() {
    return study(2);
  }

  private Study study(int test) {
    return new Study(file, Map.of(), Examination.capabilities(2, test), reports::add);
  }

  private static Study.Wanted base(ModelFamily family) {
    return new Study.Single(family, "base", "Base", family.base());
  }

  private static List<Study.Wanted> all() {
    ModelFamily family = ShippedFamilies.shipped();
    return List.of(
        base(family),
        new Study.Single(family, "mixture", "Mixture", family.mixture()),
        new Study.Merged(family, AVERAGE));
  }

  @Test
  void a_second_run_computes_nothing_and_gives_the_same_rows() throws IOException {
    List<AnswerSheet> rows = study().rows(all());
    assertThat(rows).extracting(AnswerSheet::label).containsExactly("Base", "Mixture", "Average");
    assertThat(rows.get(2).curve()).containsKeys("0.1", "1.5");
    assertThat(rows.get(0).right())
        .containsOnlyKeys(Stream.of(MiniTask.values()).map(MiniTask::label).toArray(String[]::new));
    assertThat(rows).allSatisfy(row -> assertThat(row.scores("OCR")).hasSize(2));
    String kept = Files.readString(file);

    reports.clear();
    assertThat(study().rows(all())).isEqualTo(rows);
    assertThat(reports).isEmpty();
    assertThat(file).hasContent(kept);
    assertThat(kept.lines()).hasSize(5); // a row a line
  }

  @Test
  void a_study_that_is_over_gives_what_its_file_has_and_makes_nothing() throws IOException {
    List<AnswerSheet> rows = study().rows(all());
    String kept = Files.readString(file);
    ModelFamily moved =
        new ModelFamily(
            all().get(0).family().name(),
            "gone",
            folder.resolve("no-base"),
            Map.of("OCR", folder.resolve("no-expert")),
            false,
            folder.resolve("no-mixture"));

    Study over = Study.recorded(file);

    assertThat(over.rows(List.of(base(moved)))).containsExactly(rows.get(0));
    assertThat(over.row(moved, "weight-average")).isEqualTo(rows.get(2));
    assertThatThrownBy(() -> over.row(moved, "median"))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("has no row '%s/median'".formatted(moved.name()));
    assertThat(file).hasContent(kept);
    assertThatThrownBy(() -> Study.recorded(folder.resolve("none.json")))
        .hasMessageEndingWith("there is no such file of recorded rows");
  }

  @Test
  void it_tells_where_it_is_up_to_the_last_question() {
    study().rows(all());

    Study.Report first = reports.get(0);
    Study.Report last = reports.get(reports.size() - 1);
    assertThat(first.wanted().label()).isEqualTo("Base");
    assertThat(first.row()).isEqualTo(1);
    assertThat(first.answered()).isZero();
    assertThat(first.secondsLeft()).isNaN();
    assertThat(last.wanted().label()).isEqualTo("Average");
    assertThat(last.row()).isEqualTo(last.rows()).isEqualTo(3);
    assertThat(last.answered()).isEqualTo(last.questions());
    assertThat(last.secondsLeft()).isZero();
    assertThat(reports).extracting(Study.Report::answered).isSorted();
    assertThat(reports.subList(1, reports.size()))
        .allSatisfy(
            report -> assertThat(report.answered()).isLessThanOrEqualTo(report.questions()));
  }

  @Test
  void a_study_that_was_interrupted_goes_on_with_the_row_it_was_at() {
    Study interrupted =
        new Study(
            file,
            Map.of(),
            FEW,
            report -> {
              if (report.row() == 2) {
                throw new IllegalStateException("interrupted");
              }
            });
    assertThatThrownBy(() -> interrupted.rows(all())).hasMessage("interrupted");

    study().rows(all().subList(0, 2));
    assertThat(reports).extracting(report -> report.wanted().label()).containsOnly("Mixture");
    assertThat(reports.get(0).rows()).isEqualTo(1);
  }

  @Test
  void rows_by_other_numbers_of_questions_are_made_anew() {
    Study.Wanted base = base(ShippedFamilies.shipped());
    study().row(base);
    AnswerSheet more = study(3).row(base);

    assertThat(more.scores("OCR")).hasSize(3);
  }

  @Test
  void rows_of_a_model_that_has_changed_since_are_made_anew() throws IOException {
    Path model = Files.createDirectory(folder.resolve("base"));
    try (Stream<Path> files = Files.list(ShippedFamilies.MODELS.resolve("base"))) {
      for (Path each : files.toList()) {
        Files.copy(each, model.resolve(each.getFileName()));
      }
    }
    ModelFamily family = ShippedFamilies.of(model);
    AnswerSheet before = study().row(base(family));
    reports.clear();
    assertThat(study().row(base(family))).isEqualTo(before);
    assertThat(reports).isEmpty();

    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 2] ^= 1;
    Files.write(weights, bytes);
    AnswerSheet after = study().row(base(family));
    assertThat(reports).isNotEmpty();
    assertThat(after.made()).isNotEqualTo(before.made());
  }

  @Test
  void an_adapter_is_judged_on_its_base() {
    ModelFamily lora =
        new ModelFamily(
            "adapters",
            "Adapters",
            ShippedFamilies.MODELS.resolve("base"),
            Map.of("OCR", ShippedFamilies.MODELS.resolve("lora-ocr")),
            true,
            ShippedFamilies.MODELS.resolve("mixture"));
    Study study = study(40);
    AnswerSheet expert =
        study.row(
            new Study.Single(
                lora, "expert-ocr", "Expert OCR", ShippedFamilies.MODELS.resolve("lora-ocr")));
    AnswerSheet base = study.row(base(lora));

    assertThat(expert.accuracy("OCR")).isGreaterThan(base.accuracy("OCR"));
  }

  @Test
  void two_different_rows_of_one_name_are_refused() {
    ModelFamily family = ShippedFamilies.shipped();
    List<Study.Wanted> same =
        List.of(
            new Study.Single(family, "model", "Model", family.base()),
            new Study.Single(family, "model", "Model", family.mixture()));

    assertThatThrownBy(() -> study().rows(same))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("two different rows are called 'two/model'");
  }

  @Test
  void a_file_that_holds_something_else_is_named_with_the_line() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "{\n\"two/base\": {\"label\": 1, \"curves\": {}}\n}\n");

    assertThatThrownBy(this::study)
        .isInstanceOf(BenchmarkException.class)
        .hasMessage(
            file
                + ": expected rows of an earlier study, line 2 is none; delete the file to begin"
                + " anew");
  }

  @Test
  void no_questions_are_too_few() {
    assertThatThrownBy(() -> Examination.capabilities(0, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has 0 for validation and 5 for the test");
  }

  @Test
  void rows_that_somebody_else_made_serve_as_long_as_they_follow_from_the_same() {
    List<AnswerSheet> rows = study().rows(all());
    Map<String, AnswerSheet> recorded = AnswerSheet.read(file);
    reports.clear();

    Path other = folder.resolve("other/rows.json");
    Study second = new Study(other, recorded, FEW, reports::add);
    assertThat(second.rows(all())).isEqualTo(rows);
    assertThat(second.taken()).isEqualTo(3);
    assertThat(reports).isEmpty();
    assertThat(other).doesNotExist();

    Study third = new Study(other, recorded, Examination.capabilities(2, 3), reports::add);
    assertThat(third.row(base(ShippedFamilies.shipped())).scores("OCR")).hasSize(3);
    assertThat(third.taken()).isZero();
    assertThat(reports).isNotEmpty();
  }

  @Test
  void the_mean_over_seeds_has_the_share_of_seeds_that_were_right() {
    AnswerSheet one = row("Base", "0101");
    AnswerSheet two = row("Base", "0011");

    AnswerSheet mean = AnswerSheet.mean(List.of(one, two));
    assertThat(mean.scores("OCR")).containsExactly(0, 0.5, 0.5, 1);
    assertThat(mean.accuracy("OCR")).isEqualTo(0.5);
    assertThat(mean.models()).isEqualTo(2);
    assertThatThrownBy(() -> AnswerSheet.mean(List.of(one, row("Base", "01"))))
        .hasMessageContaining("the same questions of OCR");
    assertThatThrownBy(() -> AnswerSheet.mean(List.of(one, row("Mixture", "0011"))))
        .hasMessageContaining("'Mixture'");
    assertThatThrownBy(() -> AnswerSheet.mean(List.of())).hasMessageContaining("1 to 9 rows");
  }

  private static AnswerSheet row(String label, String correct) {
    Map<String, String> answers = Map.of("OCR", correct);
    return new AnswerSheet(
        label,
        null,
        Map.of(),
        List.of(),
        Grouping.CAPABILITIES,
        answers,
        Map.of(),
        answers,
        null,
        null,
        1);
  }
}
