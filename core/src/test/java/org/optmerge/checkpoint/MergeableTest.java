package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.TestCheckpoints;

class MergeableTest {
  private static final String CONVERT = "; save the model dequantised, in bfloat16, and merge that";

  @TempDir Path dir;

  private static TestCheckpoints with(TestCheckpoints folder, String name, DType dtype) {
    return folder.bytes(name, dtype, List.of(1L), new byte[dtype.bytes()]);
  }

  private Optional<String> reason(String tensor) {
    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      return checkpoint.whyNotMergeable(checkpoint.find(tensor).orElseThrow());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void weights_and_parameters_named_scale_are_merged(DType dtype) {
    TestCheckpoints folder = TestCheckpoints.folder(dir);
    with(folder, "a.weight", dtype);
    with(folder, "a.scale", dtype);
    with(folder, "logit_scale", dtype).write();

    assertThat(reason("a.weight")).isEmpty();
    assertThat(reason("a.scale")).isEmpty();
    assertThat(reason("logit_scale")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "q.weight, F8_E4M3, q.weight_scale_inv, F32, float8_e4m3fn", // DeepSeek V3
    "q.weight, F8_E4M3, q.weight_scale, BF16, float8_e4m3fn", // compressed-tensors
    "q.weight, F8_E5M2, q.scale_weight, F32, float8_e5m2", // ComfyUI
    "q.weight, F8_E4M3, q.input_scale, F32, float8_e4m3fn",
    "q.weight, I8, q.SCB, F32, int8", // bitsandbytes, 8 bits
    "q.weight, U8, q.weight.absmax, F32, uint8", // bitsandbytes, 4 bits
    "q.qweight, I32, q.scales, F16, int32", // GPTQ, AWQ
    "q.weight_packed, I32, q.weight_scale, BF16, int32", // compressed-tensors
    "gate_up_proj_blocks, U8, gate_up_proj_scales, U8, uint8", // MXFP4
  })
  void quantised_weights_and_their_scales_are_refused(
      String weight, DType dtype, String scale, DType scaleType, String typeName) {
    with(with(TestCheckpoints.folder(dir), weight, dtype), scale, scaleType).write();

    assertThat(reason(weight))
        .contains(
            "tensor '%s' is quantised (%s): its values have no meaning without '%s'%s"
                .formatted(weight, typeName, scale, CONVERT));
    assertThat(reason(scale))
        .contains(
            "tensor '%s' belongs to the quantised weight '%s' (%s), which has no meaning without it%s"
                .formatted(scale, weight, typeName, CONVERT));
  }

  @Test
  void offsets_of_packed_integers_are_refused_with_their_weight() {
    TestCheckpoints folder = TestCheckpoints.folder(dir);
    with(folder, "q.qweight", DType.I32);
    with(folder, "q.qzeros", DType.I32);
    with(folder, "q.g_idx", DType.I32).write();

    assertThat(reason("q.qzeros").orElseThrow())
        .startsWith("tensor 'q.qzeros' belongs to the quantised");
    assertThat(reason("q.g_idx").orElseThrow())
        .startsWith("tensor 'q.g_idx' belongs to the quantised");
  }

  @Test
  void eight_bit_floats_integers_and_truth_values_without_a_scale_are_refused() {
    TestCheckpoints folder = TestCheckpoints.folder(dir);
    with(folder, "a.weight", DType.F8_E4M3);
    with(folder, "b.weight", DType.I8);
    with(folder, "position_ids", DType.I64);
    with(folder, "mask", DType.BOOL);
    with(folder, "c.qweight", DType.I32).write();

    assertThat(reason("a.weight"))
        .contains(
            "tensor 'a.weight' is float8_e4m3fn without a scale beside it, so the size of its values"
                + " is not known"
                + CONVERT);
    assertThat(reason("b.weight"))
        .contains(
            "tensor 'b.weight' holds int8, not real numbers, so it can be copied but not merged");
    assertThat(reason("position_ids").orElseThrow()).contains("holds int64, not real numbers");
    assertThat(reason("mask").orElseThrow()).contains("holds bool, not real numbers");
    assertThat(reason("c.qweight"))
        .contains("tensor 'c.qweight' holds packed numbers (int32), not weights" + CONVERT);
  }

  @ParameterizedTest
  @CsvSource({
    "model.embed_tokens.weight, lm_head.weight",
    "transformer.wte.weight, lm_head.weight",
    "language_model.model.embed_tokens.weight, language_model.lm_head.weight",
    "model.language_model.embed_tokens.weight, lm_head.weight",
    "thinker.model.embed_tokens.weight, thinker.lm_head.weight",
    "language_model.model.tok_embeddings.weight, language_model.output.weight",
    "model.decoder.embed_tokens.weight, lm_head.weight",
  })
  void a_head_that_is_not_stored_is_tied_to_the_embedding(String embedding, String head) {
    with(TestCheckpoints.folder(dir), embedding, DType.F32)
        .config("{\"tie_word_embeddings\": true}")
        .write();

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tied()).isEqualTo(Map.of(head, embedding));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'{\"llm_config\": {\"tie_word_embeddings\": true}}', true",
    "'{\"tie_word_embeddings\": false, \"text_config\": {\"tie_word_embeddings\": true}}', true",
    "'{\"thinker_config\": {\"text_config\": {\"tie_word_embeddings\": true}}}', true",
    "'{\"tie_word_embeddings\": false}', false",
    "'{}', false",
    "'not JSON', false",
    "'[]', false",
  })
  void the_configuration_says_whether_weights_are_tied(String config, boolean tied) {
    with(TestCheckpoints.folder(dir), "model.embed_tokens.weight", DType.F32)
        .config(config)
        .write();

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tied().containsKey("lm_head.weight")).isEqualTo(tied);
    }
  }

  @Test
  void a_head_that_is_stored_is_not_tied() {
    TestCheckpoints folder = TestCheckpoints.folder(dir);
    with(folder, "model.embed_tokens.weight", DType.F32);
    with(folder, "lm_head.weight", DType.F32).config("{\"tie_word_embeddings\": true}").write();

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tied()).isEmpty();
    }
  }
}
