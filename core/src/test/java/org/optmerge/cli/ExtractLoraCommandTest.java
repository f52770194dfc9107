package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.merge.TinyCheckpoint;

class ExtractLoraCommandTest {
  @TempDir private Path folder;
  private Path base;
  private Path tuned;
  private Path out;

  @BeforeEach
  void writeModels() throws IOException {
    // τ of q is diag(4, 3): of rank 1 the best is diag(4, 0), its error 3 of norm 5
    base =
        new TinyCheckpoint()
            .f32("q.weight", List.of(2, 2), 1, 1, 1, 1)
            .f32("k.weight", List.of(2, 2), 1, 1, 1, 1)
            .f32("norm.weight", List.of(2), 1, 1)
            .writeTo(folder.resolve("base"), "{}");
    tuned =
        new TinyCheckpoint()
            .f32("q.weight", List.of(2, 2), 5, 1, 1, 4)
            .f32("k.weight", List.of(2, 2), 1, 1, 1, 1)
            .f32("norm.weight", List.of(2), 2, 1)
            .writeTo(folder.resolve("tuned"), "{}");
    out = folder.resolve("adapter");
  }

  @Test
  void extracts_the_leading_direction_and_says_what_is_lost() throws IOException {
    CommandRun run = CommandRun.of("extract-lora", base, tuned, "--rank", 1, "--out", out);

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("rank 1 for 1 matrix", "error 62.0 % of the change", "q.weight");
    assertThat(run.err()).startsWith("warning: 1 tensor").contains("norm.weight", "--save");
    try (LoraAdapter adapter = LoraAdapter.open(out)) {
      assertThat(adapter.deltas()).containsOnlyKeys("q.weight");
      LoraAdapter.Delta delta = adapter.deltas().get("q.weight");
      assertThat(delta.scale()).isEqualTo(1);
      float[] a = new float[2];
      float[] b = new float[2];
      adapter.tensors().read(delta.a(), 0, 2, a);
      adapter.tensors().read(delta.b(), 0, 2, b);
      assertThat(a[0] * b[0]).isCloseTo(4, within(1e-5f));
      assertThat(a[1]).isCloseTo(0, within(1e-6f));
      assertThat(b[1]).isCloseTo(0, within(1e-6f));
    }
  }

  @Test
  void grown_rows_and_a_head_of_its_own_are_kept_or_told_and_counted() throws IOException {
    Path small =
        new TinyCheckpoint()
            .f32("model.embed_tokens.weight", List.of(2, 2), 1, 1, 1, 1)
            .f32("q.weight", List.of(2, 2), 1, 1, 1, 1)
            .writeTo(folder.resolve("small"), "{\"tie_word_embeddings\": true}");
    Path grown =
        new TinyCheckpoint()
            .f32("model.embed_tokens.weight", List.of(3, 2), 1, 1, 1, 1, 6, 8)
            .f32("lm_head.weight", List.of(3, 2), 0, 0, 0, 0, 0, 5)
            .f32("q.weight", List.of(2, 2), 2, 1, 1, 1)
            .writeTo(folder.resolve("grown"), "{\"tie_word_embeddings\": false}");

    CommandRun told =
        CommandRun.of("extract-lora", small, grown, "--rank", 2, "--out", out, "--json");
    // Left out: the new row of length 10, the head of length 5; the change of q has length 1.
    assertThat(told.json().path("lost").toString())
        .isEqualTo("[\"model.embed_tokens.weight\",\"lm_head.weight\"]");
    assertThat(told.json().path("lost_norm").asDouble()).isCloseTo(Math.sqrt(125), within(1e-6));
    assertThat(told.json().path("relative_error").asDouble())
        .isCloseTo(Math.sqrt(125 / 126.0), within(1e-6));

    CommandRun kept =
        CommandRun.of(
            "extract-lora",
            small,
            grown,
            "--rank",
            2,
            "--out",
            folder.resolve("kept"),
            "--save",
            "(model.embed|lm_head)",
            "--json");
    assertThat(kept.json().path("lost")).isEmpty();
    assertThat(kept.json().path("relative_error").asDouble()).isLessThan(1e-6);
    try (LoraAdapter adapter = LoraAdapter.open(folder.resolve("kept"))) {
      assertThat(adapter.replacements())
          .containsOnlyKeys("model.embed_tokens.weight", "lm_head.weight");
    }
  }

  @Test
  void the_adapter_can_be_inspected() {
    CommandRun.of("extract-lora", base, tuned, "--rank", 1, "--out", out, "--save", "norm");

    CommandRun run = CommandRun.of("inspect", out);

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("LoRA of rank 1, changes 1 tensor, replaces 1");
  }

  @Test
  void with_full_rank_and_all_saved_the_merged_adapter_is_the_fine_tune() throws IOException {
    CommandRun run =
        CommandRun.of(
            "extract-lora", base, tuned, "--rank", 3, "--out", out, "--save", "norm", "--json");

    JsonNode json = run.json();
    assertThat(json.path("relative_error").asDouble()).isLessThan(1e-6);
    assertThat(json.at("/layers/0/rank").asInt()).isEqualTo(2); // filled up with zeros to 3
    assertThat(json.path("saved").toString()).isEqualTo("[\"norm.weight\"]");
    assertThat(json.path("lost")).isEmpty();

    Path recipe =
        Files.writeString(
            folder.resolve("recipe.yml"),
            """
            merge_method: task-arithmetic
            base_model: base
            models: [{model: base+adapter}]
            scaling: 1
            """);
    Path merged = folder.resolve("merged");
    assertThat(CommandRun.of("merge", recipe, "--out", merged, "--quiet").err()).isEmpty();
    try (Checkpoint checkpoint = Checkpoint.open(merged)) {
      float[] q = new float[4];
      checkpoint.read(checkpoint.find("q.weight").orElseThrow(), 0, 4, q);
      assertThat(q).containsExactly(new float[] {5, 1, 1, 4}, within(1e-5f));
      float[] norm = new float[2];
      checkpoint.read(checkpoint.find("norm.weight").orElseThrow(), 0, 2, norm);
      assertThat(norm).containsExactly(2, 1);
    }
  }

  @Test
  void refuses_what_cannot_work_and_leaves_nothing() throws IOException {
    CommandRun same = CommandRun.of("extract-lora", base, base, "--rank", 1, "--out", out);
    CommandRun zero = CommandRun.of("extract-lora", base, tuned, "--rank", 0, "--out", out);
    CommandRun occupied = CommandRun.of("extract-lora", base, tuned, "--rank", 1, "--out", base);

    assertThat(same.code()).isEqualTo(1);
    assertThat(same.err()).contains("there is nothing to extract").hasLineCount(1);
    assertThat(zero.code()).isEqualTo(2);
    assertThat(zero.err()).startsWith("optmerge: --rank must be at least 1, is 0");
    assertThat(occupied.code()).isEqualTo(1);
    assertThat(occupied.err()).contains("is not empty").hasLineCount(1);
    try (var files = Files.list(folder)) {
      assertThat(files.map(Path::getFileName).map(Path::toString))
          .containsExactlyInAnyOrder("base", "tuned");
    }
  }

  @Test
  void a_value_that_is_not_finite_is_named() throws IOException {
    new TinyCheckpoint().f32("q.weight", List.of(2, 2), 5, 1, Float.NaN, 4).writeTo(tuned, "{}");

    CommandRun run = CommandRun.of("extract-lora", base, tuned, "--rank", 1, "--out", out);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).startsWith("optmerge: ").contains("q.weight[1, 0]").hasLineCount(1);
    assertThat(out).doesNotExist();
  }
}
