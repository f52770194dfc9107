package org.optmerge.merge.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.Coverage;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * Tensors as the published checkpoints of many families name them: all of them are in the plan,
 * whatever the family, and each one's fate is told.
 */
class ArchitecturesTest {
  @TempDir Path dir;

  /** Names with a prefix before each, and each number of {@code *} put in. */
  private static List<String> each(String prefix, int count, String... suffixes) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      for (String suffix : suffixes) {
        names.add(prefix.replace("*", Integer.toString(i)) + suffix);
      }
    }
    return names;
  }

  @SafeVarargs
  private static Arguments family(String name, List<String>... parts) {
    return Arguments.of(name, Stream.of(parts).flatMap(List::stream).toList());
  }

  private static List<String> decoder(String prefix, String... extra) {
    List<String> names = new ArrayList<>(List.of(prefix + "embed_tokens.weight"));
    names.addAll(
        each(
            prefix + "layers.*.",
            2,
            "input_layernorm.weight",
            "self_attn.q_proj.weight",
            "self_attn.k_proj.weight",
            "self_attn.v_proj.weight",
            "self_attn.o_proj.weight",
            "mlp.gate_proj.weight",
            "mlp.up_proj.weight",
            "mlp.down_proj.weight",
            "post_attention_layernorm.weight"));
    names.addAll(each(prefix + "layers.*.", 2, extra));
    names.add(prefix + "norm.weight");
    return names;
  }

  private static List<String> experts(String prefix, String... projections) {
    return Stream.of(0, 1)
        .flatMap(
            layer ->
                each(prefix.replace("LAYER", layer.toString()) + "*.", 3, projections).stream())
        .toList();
  }

  private static List<String> siglip(String prefix) {
    List<String> names =
        new ArrayList<>(
            List.of(
                prefix + "embeddings.patch_embedding.weight",
                prefix + "embeddings.patch_embedding.bias",
                prefix + "embeddings.position_embedding.weight",
                prefix + "post_layernorm.weight"));
    names.addAll(
        each(
            prefix + "encoder.layers.*.",
            3,
            "layer_norm1.weight",
            "self_attn.q_proj.weight",
            "self_attn.out_proj.bias",
            "mlp.fc1.weight",
            "mlp.fc2.bias"));
    return names;
  }

  static Stream<Arguments> families() {
    List<String> head = List.of("lm_head.weight");
    return Stream.of(
        family("Llama", decoder("model."), head),
        family("tied Llama", decoder("model.")),
        family(
            "Qwen3", decoder("model.", "self_attn.q_norm.weight", "self_attn.k_norm.weight"), head),
        family(
            "Phi3",
            List.of("model.embed_tokens.weight"),
            each(
                "model.layers.*.",
                2,
                "self_attn.qkv_proj.weight",
                "self_attn.o_proj.weight",
                "mlp.gate_up_proj.weight",
                "mlp.down_proj.weight"),
            head),
        family(
            "Gemma3 text",
            decoder(
                "model.",
                "pre_feedforward_layernorm.weight",
                "post_feedforward_layernorm.weight",
                "self_attn.q_norm.weight")),
        family(
            "BERT",
            List.of(
                "bert.embeddings.word_embeddings.weight",
                "bert.embeddings.position_embeddings.weight",
                "bert.embeddings.token_type_embeddings.weight",
                "bert.embeddings.LayerNorm.gamma",
                "bert.pooler.dense.weight",
                "cls.predictions.bias",
                "classifier.weight"),
            each(
                "bert.encoder.layer.*.",
                2,
                "attention.self.query.weight",
                "attention.output.LayerNorm.beta",
                "intermediate.dense.bias")),
        family("SmolLM3", decoder("model.")),
        family(
            "OLMo2",
            decoder("model.", "self_attn.q_norm.weight", "post_feedforward_layernorm.weight"),
            head),
        family(
            "gpt-oss",
            List.of("model.embed_tokens.weight"),
            each(
                "model.layers.*.",
                2,
                "self_attn.sinks",
                "mlp.router.weight",
                "mlp.router.bias",
                "mlp.experts.gate_up_proj",
                "mlp.experts.gate_up_proj_bias",
                "mlp.experts.down_proj"),
            head),
        family(
            "Mixtral",
            decoder("model.", "block_sparse_moe.gate.weight"),
            experts(
                "model.layers.LAYER.block_sparse_moe.experts.",
                "w1.weight",
                "w2.weight",
                "w3.weight"),
            head),
        family(
            "Qwen3-MoE",
            decoder("model.", "mlp.gate.weight"),
            experts("model.layers.LAYER.mlp.experts.", "gate_proj.weight", "down_proj.weight"),
            head),
        family(
            "DeepSeek-V3",
            decoder(
                "model.",
                "self_attn.q_a_proj.weight",
                "self_attn.kv_a_proj_with_mqa.weight",
                "self_attn.kv_b_proj.weight",
                "mlp.gate.e_score_correction_bias",
                "mlp.shared_experts.up_proj.weight"),
            experts("model.layers.LAYER.mlp.experts.", "gate_proj.weight", "down_proj.weight"),
            head),
        family(
            "Qwen2-VL",
            decoder("model."),
            List.of(
                "visual.patch_embed.proj.weight",
                "visual.merger.ln_q.weight",
                "visual.merger.mlp.0.weight",
                "visual.merger.mlp.2.bias"),
            each("visual.blocks.*.", 3, "attn.qkv.weight", "norm1.weight", "mlp.fc1.weight"),
            head),
        family(
            "Qwen2.5-VL",
            decoder("model."),
            List.of("visual.merger.mlp.0.weight", "visual.merger.mlp.2.weight"),
            each("visual.blocks.*.", 3, "attn.qkv.weight", "mlp.gate_proj.weight"),
            head),
        family(
            "Mistral3",
            decoder("language_model.model."),
            List.of(
                "language_model.lm_head.weight",
                "multi_modal_projector.linear_1.weight",
                "multi_modal_projector.patch_merger.merging_layer.weight",
                "vision_tower.ln_pre.weight"),
            each("vision_tower.transformer.layers.*.", 3, "attention.q_proj.weight")),
        family(
            "Qwen3-VL",
            decoder("model.language_model."),
            each("model.visual.deepstack_merger_list.*.", 3, "linear_fc1.weight", "norm.weight"),
            each("model.visual.blocks.*.", 4, "attn.qkv.weight"),
            head),
        family(
            "Gemma3 VLM",
            decoder("language_model.model."),
            siglip("vision_tower.vision_model."),
            List.of(
                "vision_tower.vision_model.head.attention.in_proj_weight",
                "multi_modal_projector.mm_soft_emb_norm.weight",
                "multi_modal_projector.mm_input_projection_weight")),
        family(
            "LLaVA",
            decoder("language_model.model."),
            siglip("vision_tower.vision_model."),
            List.of(
                "language_model.lm_head.weight",
                "multi_modal_projector.linear_1.weight",
                "multi_modal_projector.linear_2.bias")),
        family(
            "InternVL",
            decoder("language_model.model."),
            List.of(
                "language_model.lm_head.weight",
                "mlp1.0.weight",
                "mlp1.1.weight",
                "mlp1.3.weight",
                "vision_model.embeddings.class_embedding"),
            each("vision_model.encoder.layers.*.", 3, "attn.qkv.weight", "ls1", "norm1.weight")),
        family(
            "PaliGemma",
            decoder("language_model.model."),
            siglip("vision_tower.vision_model."),
            List.of("multi_modal_projector.linear.weight", "multi_modal_projector.linear.bias")),
        family(
            "Qwen2-Audio",
            decoder("language_model.model."),
            List.of(
                "language_model.lm_head.weight",
                "multi_modal_projector.linear.weight",
                "audio_tower.conv1.weight",
                "audio_tower.embed_positions.weight"),
            each("audio_tower.layers.*.", 3, "self_attn.q_proj.weight", "fc1.weight")),
        family(
            "ViT",
            List.of(
                "vit.embeddings.cls_token",
                "vit.embeddings.patch_embeddings.projection.weight",
                "vit.layernorm.weight",
                "classifier.bias"),
            each(
                "vit.encoder.layer.*.",
                2,
                "attention.attention.query.weight",
                "output.dense.bias")),
        family(
            "Idefics3",
            decoder("model.text_model."),
            siglip("model.vision_model."),
            List.of("model.connector.modality_projection.proj.weight"),
            head),
        family(
            "T5",
            List.of(
                "shared.weight",
                "encoder.final_layer_norm.weight",
                "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
            each("encoder.block.*.layer.0.", 2, "SelfAttention.q.weight", "layer_norm.weight"),
            each("encoder.block.*.layer.1.", 2, "DenseReluDense.wi.weight"),
            each("decoder.block.*.layer.2.", 2, "DenseReluDense.wo.weight")),
        family(
            "Whisper",
            List.of(
                "model.encoder.conv1.weight",
                "model.encoder.embed_positions.weight",
                "model.decoder.embed_tokens.weight",
                "model.decoder.layer_norm.bias"),
            each("model.encoder.layers.*.", 2, "self_attn.k_proj.weight"),
            each("model.decoder.layers.*.", 2, "encoder_attn.q_proj.weight")),
        family(
            "CLIP",
            List.of(
                "logit_scale",
                "text_projection.weight",
                "visual_projection.weight",
                "text_model.embeddings.token_embedding.weight",
                "text_model.embeddings.position_ids",
                "vision_model.embeddings.class_embedding",
                "vision_model.embeddings.position_ids"),
            each("text_model.encoder.layers.*.", 2, "self_attn.q_proj.weight"),
            each("vision_model.encoder.layers.*.", 3, "mlp.fc2.weight")),
        family("a tensor nobody knows", decoder("model."), List.of("zyx.gain", "score.weight")));
  }

  private Path write(String model, List<String> names) {
    TestCheckpoints checkpoint = TestCheckpoints.folder(dir.resolve(model)).config("{}");
    int seed = model.hashCode();
    for (String name : names) {
      if (name.endsWith("position_ids")) {
        checkpoint.bytes(name, DType.I64, List.of(1L, 1L), new byte[8]);
      } else if (name.equals("logit_scale")) {
        checkpoint.random(name, DType.F32, List.of(), seed++);
      } else if (name.endsWith("bias") || name.contains("norm")) {
        checkpoint.random(name, DType.BF16, List.of(4L), seed++);
      } else {
        checkpoint.random(name, DType.BF16, List.of(3L, 4L), seed++);
      }
    }
    return checkpoint.write();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("families")
  void every_tensor_is_planned_and_accounted_for(String family, List<String> names) {
    write("base", names);
    write("a", names);
    write("b", names);
    Recipe recipe =
        RecipeParser.parse(
            """
            merge_method: task_arithmetic
            base_model: base
            models:
            - {model: a, parameters: {weight: [0.1, 0.5]}}
            - {model: b, parameters: {weight: 0.5}}
            """,
            "r.yaml",
            dir);

    try (MergePlan plan = Planner.plan(recipe);
        Checkpoint base = Checkpoint.open(dir.resolve("base"))) {
      List<PlannedTensor> planned = plan.shards().get(0).tensors();
      assertThat(planned)
          .as(family)
          .extracting(PlannedTensor::name)
          .containsExactlyElementsOf(base.tensors().stream().map(TensorInfo::name).toList());
      assertThat(planned)
          .allSatisfy(
              tensor -> {
                TensorInfo like = base.find(tensor.name()).orElseThrow();
                assertThat(tensor.dtype()).isEqualTo(like.dtype());
                assertThat(tensor.shape()).isEqualTo(like.shape());
                if (like.dtype().isFloating()) {
                  assertThat(tensor.work()).isInstanceOf(PlannedTensor.Merge.class);
                } else {
                  assertThat(tensor.work()).isInstanceOf(PlannedTensor.Copy.class);
                }
              });
      Map<String, Integer> accounted =
          plan.coverage().rows().stream()
              .collect(
                  Collectors.groupingBy(
                      Coverage.Row::model, Collectors.summingInt(Coverage.Row::tensors)));
      assertThat(accounted)
          .containsOnly(
              Map.entry("base", names.size()),
              Map.entry("a", names.size()),
              Map.entry("b", names.size()));
      assertThat(plan.coverage().rows())
          .extracting(Coverage.Row::fate)
          .doesNotContain(CoverageLedger.UNUSED);
    }
  }
}
