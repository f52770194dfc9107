package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.standin.StandInData;
import org.optmerge.standin.StandInModels;

/** Published data sets in their files, asked of tiny models with the structure of published ones. */
class PublishedEvaluateTest {
  @TempDir private Path folder;

  private Path data;
  private Path model;

  @BeforeEach
  void world() throws IOException {
    data = folder.resolve("data");
    model = StandInModels.internVl(folder.resolve("model"), StandInModels.Expert.NONE);
    StandInData.table(
        data.resolve("ChartQA_TEST/ChartQA_TEST.tsv"),
        "answer\tsplit",
        List.of(
            "14\ttest_human",
            "yes\ttest_human",
            "two\ttest_augmented",
            "['no', 'red']\ttest_augmented",
            "2008\ttest_human",
            "red\ttest_augmented"));
  }

  @Test
  void a_data_set_is_asked_written_and_scored_as_score_scores_it_again() throws IOException {
    Path out = folder.resolve("out");
    CommandRun run =
        CommandRun.of(
            "evaluate", model, "--benchmark", "ChartQA", "--data", data, "--out", out, "--json");

    assertThat(run.code()).as(run.err()).isZero();
    JsonNode one = run.json().at("/benchmarks/0");
    assertThat(one.path("name").asText()).isEqualTo("ChartQA_TEST");
    assertThat(one.path("questions").asInt()).isEqualTo(6);
    Path file = out.resolve("ChartQA_TEST/model_ChartQA_TEST.xlsx");
    assertThat(file).isRegularFile();
    CommandRun again = CommandRun.of("score", file, "--benchmark", "ChartQA", "--json");
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(again.json().path("scores")).isEqualTo(one.at("/scored/scores"));
    System.out.println(Files.readString(out.resolve("ChartQA_TEST/predictions.jsonl")));
  }
}
