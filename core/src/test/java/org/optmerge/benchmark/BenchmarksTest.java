package org.optmerge.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.manifest.DataFolder;
import org.optmerge.manifest.Manifest;
import org.optmerge.manifest.Manifests;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

class BenchmarksTest {
  private static final Manifests MANIFESTS = Manifests.shipped();

  @TempDir private Path folder;

  private Path put(String name, String path, String content) throws IOException {
    Path file = new DataFolder(folder).of(MANIFESTS.find(name).orElseThrow()).resolve(path);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, content);
  }

  private static String png() {
    return Base64.getEncoder().encodeToString(ImageFiles.png(new Image(1, 1, new byte[3])));
  }

  @Test
  void a_benchmark_is_opened_by_the_name_of_its_kit() throws IOException {
    put(
        "ChartQA_TEST",
        "ChartQA_TEST.tsv",
        "index\timage\tquestion\tanswer\tsplit\n1\t" + png() + "\tHow many?\t['2']\ttest_human\n");

    Benchmark benchmark = Benchmarks.open("chartqa_test", folder);

    assertThat(benchmark.name()).isEqualTo("ChartQA_TEST");
    try (Stream<Question> examples = benchmark.questions()) {
      Question example = examples.toList().get(0);
      assertThat(example.type()).isEqualTo("test_human");
      assertThat(example.answers()).containsExactly("2");
    }
  }

  @Test
  void ten_answers_of_vizwiz_are_found_in_their_column() throws IOException {
    put(
        "VizWiz",
        "VizWiz.tsv",
        "index\timage\tquestion\tanswers\n1\t" + png() + "\tWhat?\t['a', 'b', 'a']\n");

    try (Stream<Question> examples = Benchmarks.open("VizWiz", folder).questions()) {
      assertThat(examples.toList().get(0).answers()).containsExactly("a", "b", "a");
    }
  }

  @Test
  void a_table_that_another_program_keeps_is_used_where_it_is() throws IOException {
    Files.writeString(
        folder.resolve("GQA_TestDev_Balanced.tsv"),
        "index\timage\tquestion\tanswer\n1\t" + png() + "\tIs it?\tyes\n");

    assertThat(Benchmarks.open("GQA_TestDev_Balanced", folder).size()).isEqualTo(1);
  }

  @Test
  void grounding_reads_lines_and_images_from_their_folders() throws IOException {
    put(
        "refcoco_val",
        "refcoco_val.jsonl",
        """
        {"image": "data/coco/train2014/1.png", "sent": "man", "bbox": [0, 0, 1, 1], "width": 1, "height": 1}
        """);
    put("refcoco_val", "coco/train2014/1.png", "");
    Files.write(
        folder.resolve("RefCOCO-InternVL/coco/train2014/1.png"),
        ImageFiles.png(new Image(1, 1, new byte[3])));

    try (Stream<Question> examples = Benchmarks.open("refcoco_val", folder).questions()) {
      Question example = examples.toList().get(0);
      assertThat(example.text()).isEqualTo("man");
      assertThat(example.answers()).containsExactly("[0, 0, 1, 1]");
    }
  }

  @Test
  void the_miniature_needs_no_files() {
    assertThat(Benchmarks.open("mini:chart", folder).name()).isEqualTo("mini:chart");
    assertThatThrownBy(() -> Benchmarks.open("mini:chess", folder))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("chess");
  }

  @TestFactory
  Stream<DynamicTest> what_is_not_there_names_the_command_that_fetches_it() {
    return MANIFESTS.benchmarkNames().stream()
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name,
                    () ->
                        assertThatThrownBy(() -> Benchmarks.open(name, folder))
                            .isInstanceOf(BenchmarkException.class)
                            .hasMessageStartingWith("benchmark %s is not there".formatted(name))
                            .hasMessageEndingWith(
                                "optmerge fetch '%s' --out '%s'".formatted(name, folder))));
  }

  @Test
  void unknown_names_get_a_suggestion_and_other_things_are_said_to_be_what_they_are() {
    assertThatThrownBy(() -> Benchmarks.open("ChartQA_TST", folder))
        .isInstanceOf(BenchmarkException.class)
        .hasMessage(
            "no benchmark 'ChartQA_TST'; did you mean 'ChartQA_TEST'? ('optmerge manifests' lists them)");
    assertThatThrownBy(() -> Benchmarks.open("InternVL2_5-1B", folder))
        .hasMessage("'InternVL2_5-1B' is no benchmark; it is checkpoint");
    assertThatThrownBy(() -> Benchmarks.open("RefCOCO-InternVL", folder))
        .hasMessageContaining("it has several: refcoco_val, refcoco_testA");
  }

  @Test
  void a_manifest_with_one_benchmark_stands_for_it() throws IOException {
    put("gqa", "testdev_balanced_instructions/testdev-0.parquet", "x");
    put("gqa", "testdev_balanced_images/testdev-0.parquet", "x");

    assertThat(Benchmarks.open("GQA-lmms-eval", folder).name()).isEqualTo("gqa");
  }

  @Test
  void every_name_is_listed() {
    List<String> names = Benchmarks.names();

    assertThat(names)
        .contains("mini", "mini:chart", "ChartQA_TEST", "refcoco+_bbox_rec_val", "AVQA")
        .doesNotHaveDuplicates()
        .hasSizeGreaterThan(50);
    assertThat(MANIFESTS.all().stream().map(Manifest::name)).contains("InternVL2_5-1B");
  }
}
