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
class MiniStudyTest {
  private static final MiniStudy.Sizes SIZES = new MiniStudy.Sizes(2, 2);
  private static final MiniMerge AVERAGE = MiniMerge.published("Average", "weight-average");

  @TempDir private Path folder;
  private Path file;
  private final List<MiniStudy.Report> reports = new ArrayList<>();

  @BeforeEach
  void name_the_file() {
    file = folder.resolve("study/rows.json");
  }

  private MiniStudy study() {
    return new MiniStudy(file, SIZES, reports::add);
  }

  private static MiniStudy.Wanted base(MiniFamily family) {
    return new MiniStudy.Single(family, "Base", family.base());
  }

  private static List<MiniStudy.Wanted> all() {
    MiniFamily family = MiniFamilies.shipped();
    return List.of(
        base(family),
        new MiniStudy.Single(family, "Mixture", family.mixture()),
        new MiniStudy.Merged(family, AVERAGE));
  }

  @Test
  void a_second_run_computes_nothing_and_gives_the_same_rows() throws IOException {
    List<MiniRow> rows = study().rows(all());
    assertThat(rows).extracting(MiniRow::label).containsExactly("Base", "Mixture", "Average");
    assertThat(rows.get(2).curve()).containsKeys("0.1", "1.5");
    assertThat(rows.get(0).correct()).containsOnlyKeys(MiniTask.values());
    assertThat(rows).allSatisfy(row -> assertThat(row.scores(MiniTask.OCR)).hasSize(2));
    String kept = Files.readString(file);

    reports.clear();
    assertThat(study().rows(all())).isEqualTo(rows);
    assertThat(reports).isEmpty();
    assertThat(file).hasContent(kept);
    assertThat(kept.lines()).hasSize(5); // a row a line
  }

  @Test
  void a_study_that_is_over_gives_what_its_file_has_and_makes_nothing() throws IOException {
    List<MiniRow> rows = study().rows(all());
    String kept = Files.readString(file);
    MiniFamily moved =
        new MiniFamily(
            all().get(0).family().name(),
            "gone",
            folder.resolve("no-base"),
            Map.of(MiniTask.OCR, folder.resolve("no-expert")),
            false,
            folder.resolve("no-mixture"));

    MiniStudy over = MiniStudy.recorded(file);

    assertThat(over.rows(List.of(base(moved)))).containsExactly(rows.get(0));
    assertThat(over.row(moved, "Average")).isEqualTo(rows.get(2));
    assertThatThrownBy(() -> over.row(moved, "Median"))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("has no row '%s/Median'".formatted(moved.name()));
    assertThat(file).hasContent(kept);
    assertThatThrownBy(() -> MiniStudy.recorded(folder.resolve("none.json")))
        .hasMessageEndingWith("there is no such file of recorded rows");
  }

  @Test
  void it_tells_where_it_is_up_to_the_last_question() {
    study().rows(all());

    MiniStudy.Report first = reports.get(0);
    MiniStudy.Report last = reports.get(reports.size() - 1);
    assertThat(first.wanted().label()).isEqualTo("Base");
    assertThat(first.row()).isEqualTo(1);
    assertThat(first.answered()).isZero();
    assertThat(first.secondsLeft()).isNaN();
    assertThat(last.wanted().label()).isEqualTo("Average");
    assertThat(last.row()).isEqualTo(last.rows()).isEqualTo(3);
    assertThat(last.answered()).isEqualTo(last.questions());
    assertThat(last.secondsLeft()).isZero();
    assertThat(reports).extracting(MiniStudy.Report::answered).isSorted();
    assertThat(reports.subList(1, reports.size()))
        .allSatisfy(
            report -> assertThat(report.answered()).isLessThanOrEqualTo(report.questions()));
  }

  @Test
  void a_study_that_was_interrupted_goes_on_with_the_row_it_was_at() {
    MiniStudy interrupted =
        new MiniStudy(
            file,
            SIZES,
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
    MiniStudy.Wanted base = base(MiniFamilies.shipped());
    study().row(base);
    MiniRow more = new MiniStudy(file, new MiniStudy.Sizes(2, 3), reports::add).row(base);

    assertThat(more.scores(MiniTask.OCR)).hasSize(3);
  }

  @Test
  void rows_of_a_model_that_has_changed_since_are_made_anew() throws IOException {
    Path model = Files.createDirectory(folder.resolve("base"));
    try (Stream<Path> files = Files.list(MiniFamilies.MODELS.resolve("base"))) {
      for (Path each : files.toList()) {
        Files.copy(each, model.resolve(each.getFileName()));
      }
    }
    MiniFamily family = MiniFamilies.of(model);
    MiniRow before = study().row(base(family));
    reports.clear();
    assertThat(study().row(base(family))).isEqualTo(before);
    assertThat(reports).isEmpty();

    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 2] ^= 1;
    Files.write(weights, bytes);
    MiniRow after = study().row(base(family));
    assertThat(reports).isNotEmpty();
    assertThat(after.inputs()).isNotEqualTo(before.inputs());
  }

  @Test
  void an_adapter_is_judged_on_its_base() {
    MiniFamily lora =
        new MiniFamily(
            "adapters",
            "Adapters",
            MiniFamilies.MODELS.resolve("base"),
            Map.of(MiniTask.OCR, MiniFamilies.MODELS.resolve("lora-ocr")),
            true,
            MiniFamilies.MODELS.resolve("mixture"));
    MiniStudy study = new MiniStudy(file, new MiniStudy.Sizes(2, 40), reports::add);
    MiniRow expert =
        study.row(
            new MiniStudy.Single(lora, "Expert OCR", MiniFamilies.MODELS.resolve("lora-ocr")));
    MiniRow base = study.row(base(lora));

    assertThat(expert.accuracy(MiniTask.OCR)).isGreaterThan(base.accuracy(MiniTask.OCR));
  }

  @Test
  void two_different_rows_of_one_name_are_refused() {
    MiniFamily family = MiniFamilies.shipped();
    List<MiniStudy.Wanted> same =
        List.of(
            new MiniStudy.Single(family, "Model", family.base()),
            new MiniStudy.Single(family, "Model", family.mixture()));

    assertThatThrownBy(() -> study().rows(same))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("two different rows are called 'two/Model'");
  }

  @Test
  void a_file_that_holds_something_else_is_named_with_the_line() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "{\n\"two/Base\": {\"label\": 1, \"curves\": {}}\n}\n");

    assertThatThrownBy(this::study)
        .isInstanceOf(BenchmarkException.class)
        .hasMessage(
            file
                + ": expected rows of an earlier study, line 2 is none; delete the file to begin"
                + " anew");
  }

  @Test
  void no_questions_are_too_few() {
    assertThatThrownBy(() -> new MiniStudy.Sizes(0, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has 0 for validation and 5 for the test");
  }

  @Test
  void rows_that_somebody_else_made_serve_as_long_as_they_follow_from_the_same() {
    List<MiniRow> rows = study().rows(all());
    Map<String, MiniRow> recorded = MiniStudy.read(file);
    reports.clear();

    Path other = folder.resolve("other/rows.json");
    MiniStudy second = new MiniStudy(other, recorded, SIZES, reports::add);
    assertThat(second.rows(all())).isEqualTo(rows);
    assertThat(second.taken()).isEqualTo(3);
    assertThat(reports).isEmpty();
    assertThat(other).doesNotExist();

    MiniStudy.Sizes more = new MiniStudy.Sizes(2, 3);
    MiniStudy third = new MiniStudy(other, recorded, more, reports::add);
    assertThat(third.row(base(MiniFamilies.shipped())).scores(MiniTask.OCR)).hasSize(3);
    assertThat(third.taken()).isZero();
    assertThat(reports).isNotEmpty();
  }

  @Test
  void the_mean_over_seeds_has_the_share_of_seeds_that_were_right() {
    MiniRow one = row("Base", "0101");
    MiniRow two = row("Base", "0011");

    MiniRow mean = MiniRow.mean(List.of(one, two));
    assertThat(mean.scores(MiniTask.OCR)).containsExactly(0, 0.5, 0.5, 1);
    assertThat(mean.accuracy(MiniTask.OCR)).isEqualTo(0.5);
    assertThat(mean.models()).isEqualTo(2);
    assertThatThrownBy(() -> MiniRow.mean(List.of(one, row("Base", "01"))))
        .hasMessageContaining("the same questions of OCR");
    assertThatThrownBy(() -> MiniRow.mean(List.of(one, row("Mixture", "0011"))))
        .hasMessageContaining("'Mixture'");
    assertThatThrownBy(() -> MiniRow.mean(List.of())).hasMessageContaining("1 to 9 rows");
  }

  private static MiniRow row(String label, String correct) {
    Map<MiniTask, String> answers = Map.of(MiniTask.OCR, correct);
    return new MiniRow(label, null, Map.of(), answers, answers, null, 1);
  }
}
