package org.optmerge.analysis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.analysis.CheckpointSummary.Group;
import org.optmerge.analysis.CheckpointSummary.WeightFile;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.TinyCheckpoint;

class CheckpointSummaryTest {
  @TempDir private Path folder;

  private CheckpointSummary summary(TinyCheckpoint model, String config) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model.writeTo(folder, config))) {
      return CheckpointSummary.of(checkpoint);
    }
  }

  @Test
  void layers_are_shown_together() throws IOException {
    TinyCheckpoint model = new TinyCheckpoint().bf16("model.embed_tokens.weight", List.of(2), 1, 2);
    for (int layer : new int[] {0, 1, 2, 5}) {
      model.f32("model.layers." + layer + ".experts.7.w", List.of(1), 1);
    }

    CheckpointSummary summary =
        summary(model, "{\"model_type\": \"qwen2\", \"architectures\": [\"Qwen2ForCausalLM\"]}");

    assertThat(summary.groups())
        .containsExactly(
            new Group("model.embed_tokens.weight", DType.BF16, List.of(2L), 1, 4),
            new Group("model.layers.{0..2,5}.experts.7.w", DType.F32, List.of(1L), 4, 16));
    assertThat(summary.tensors()).isEqualTo(5);
    assertThat(summary.parameters()).isEqualTo(6);
    assertThat(summary.bytes()).isEqualTo(20);
    assertThat(summary.dtypes()).isEqualTo(Map.of(DType.BF16, 2L, DType.F32, 4L));
    assertThat(summary.files()).containsExactly(new WeightFile("model.safetensors", 5, 20));
    assertThat(summary.modelType()).contains("qwen2");
    assertThat(summary.architectures()).containsExactly("Qwen2ForCausalLM");
    assertThat(summary.otherFiles()).containsExactly(Path.of("config.json"));
    assertThat(summary.warnings()).isEmpty();
    assertThat(summary.tied()).isEmpty();
  }

  @Test
  void tied_weights_are_named_also_where_a_language_model_is_a_part() throws IOException {
    String config = "{\"llm_config\": {\"tie_word_embeddings\": true}}";

    assertThat(summary(new TinyCheckpoint().f32("embed", List.of(1), 1), config).tied())
        .containsExactly(
            "lm_head is tied to the input embedding (tie_word_embeddings) and not stored");
    assertThat(
            summary(
                    new TinyCheckpoint().f32("language_model.lm_head.weight", List.of(1), 1),
                    config)
                .tied())
        .containsExactly(
            "config.json says tie_word_embeddings, yet language_model.lm_head.weight is stored:"
                + " both are merged");
  }

  @Test
  void quantised_weights_are_pointed_out() throws IOException {
    CheckpointSummary summary =
        summary(
            new TinyCheckpoint()
                .tensor("a.weight", "F8_E4M3", List.of(2), new byte[2])
                .f32("a.weight_scale_inv", List.of(1), 1)
                .tensor("b.qweight", "I32", List.of(1), new byte[4]),
            "{\"quantization_config\": {\"quant_method\": \"fp8\"}}");

    assertThat(summary.warnings())
        .containsExactly(
            "config.json has quantization_config (fp8): merge the unquantised model instead",
            "2 tensors look like parts of quantised weights, such as a.weight_scale_inv",
            "2 entries are F8_E4M3, which need scales to be numbers",
            "1 tensors are not floating point, such as b.qweight (I32): they cannot be averaged");
  }

  @Test
  void a_missing_config_and_other_weights_are_pointed_out() throws IOException {
    new TinyCheckpoint().f32("x", List.of(1), 1).writeTo(folder, "{}");
    Files.delete(folder.resolve("config.json"));
    Files.writeString(folder.resolve("pytorch_model.bin"), "old");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(CheckpointSummary.of(checkpoint).warnings())
          .containsExactly(
              "no config.json: weights can be merged, but other tools may not load the result",
              "not read, the weights once more, in another format or from an earlier save: pytorch_model.bin");
    }
  }
}
