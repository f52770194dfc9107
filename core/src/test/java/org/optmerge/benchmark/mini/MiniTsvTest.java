package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.Question;
import org.optmerge.model.media.ImageFiles;

class MiniTsvTest {
  @Test
  void every_question_answer_and_pixel_comes_back_from_the_table(@TempDir Path folder)
      throws IOException {
    CapabilityBenchmark benchmark =
        CapabilityBenchmark.of("mini", MiniSplit.VALIDATION).withPerTask(4);
    Path file = folder.resolve("new").resolve("mini.tsv");

    assertThat(MiniTsv.write(benchmark, file)).isEqualTo(20);

    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(21);
    List<String> header = cells(lines.get(0));
    assertThat(header).startsWith("index", "image", "question", "answer", "category");
    List<Question> examples = benchmark.questions().toList();
    for (int i = 0; i < examples.size(); i++) {
      List<String> row = cells(lines.get(i + 1));
      Question example = examples.get(i);
      assertThat(row).hasSameSizeAs(header);
      assertThat(row.get(0)).isEqualTo(String.valueOf(i));
      assertThat(ImageFiles.read(Base64.getDecoder().decode(row.get(1))))
          .isEqualTo(example.media().get(0));
      assertThat(row.subList(2, row.size()))
          .containsExactly(
              example.text(),
              example.answers().get(0),
              example.type(),
              example.group(),
              example.id(),
              example.fields().get("heldOut"),
              example.fields().get("statement"));
    }
  }

  @Test
  void no_cell_needs_quotes(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("combined.tsv");
    MiniTsv.write(CapabilityBenchmark.of("mini:combined").withPerTask(50), file);

    assertThat(Files.readString(file)).doesNotContain("\"").doesNotContain("\r");
  }

  private static List<String> cells(String line) {
    return Arrays.asList(line.split("\t", -1));
  }
}
