package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestsCommandTest {
  @TempDir private Path folder;

  @Test
  void all_are_listed_with_what_is_present() throws IOException {
    Files.createDirectories(folder.resolve("VizWiz"));
    Files.writeString(folder.resolve("VizWiz/VizWiz.tsv"), "x");

    CommandRun run = CommandRun.of("manifests", "--data", folder);

    assertThat(run.code()).isZero();
    assertThat(run.out().lines().count()).isGreaterThan(50);
    assertThat(run.out()).containsPattern("(?m)^VizWiz +benchmark +present +CC-BY-4.0");
    assertThat(run.out()).containsPattern("(?m)^InternVL2_5-1B +checkpoint +absent +MIT");
    assertThat(run.out()).containsPattern("(?m)^table1-ocr +training-data +by hand");
  }

  @Test
  void words_search() {
    CommandRun run = CommandRun.of("manifests", "documents", "scanned", "--data", folder);

    assertThat(run.out().lines()).hasSize(2).anyMatch(line -> line.startsWith("DocVQA_VAL"));
  }

  @Test
  void one_is_described_by_any_of_its_names() {
    CommandRun run = CommandRun.of("manifests", "refcoco+_bbox_rec_val", "--data", folder);

    assertThat(run.out())
        .startsWith("RefCOCOplus-lmms-eval: ")
        .contains("Hugging Face dataset lmms-lab/RefCOCOplus, main: data/*.parquet")
        .contains("unverified", "@inproceedings{yu2016modeling")
        .containsPattern("refcoco\\+_bbox_rec_val +val +\\? +lmms-eval +parquet");
  }

  @Test
  void json_tells_the_same() {
    JsonNode result = CommandRun.of("manifests", "ChartQA_TEST", "--json", "--data", folder).json();

    assertThat(result.path("manifests")).hasSize(1);
    assertThat(result.at("/manifests/0/here").asText()).isEqualTo("absent");
    assertThat(result.at("/manifests/0/benchmarks/0/examples").asInt()).isEqualTo(2500);
  }

  @Test
  void nothing_found_is_a_wrong_command_line() {
    CommandRun run = CommandRun.of("manifests", "zebra", "--data", folder);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith("optmerge: no manifest has 'zebra' in it").hasLineCount(1);
  }

  @Test
  void names_are_completed() {
    assertThat(CommandRun.of("completion").out())
        .contains("OCRVQA_TESTCORE", "yongxianwei/Qwen2-VL-7B-OCR", "refcocog_val");
  }
}
