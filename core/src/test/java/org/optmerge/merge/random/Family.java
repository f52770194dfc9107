package org.optmerge.merge.random;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Families of models: names, shapes, and the other layouts under which their checkpoints go. */
enum Family {
  LLAMA("llama", "LlamaForCausalLM", "model.embed_tokens.weight", "lm_head.weight") {
    @Override
    Map<String, int[]> shapes(int vocabulary, int layers) {
      Map<String, int[]> shapes = new LinkedHashMap<>();
      shapes.put(embedding, new int[] {vocabulary, D});
      for (int i = 0; i < layers; i++) {
        String layer = "model.layers." + i + ".";
        shapes.put(layer + "self_attn.q_proj.weight", new int[] {D, D});
        shapes.put(layer + "mlp.up_proj.weight", new int[] {M, D});
        shapes.put(layer + "input_layernorm.weight", new int[] {D});
      }
      shapes.put("model.norm.weight", new int[] {D});
      shapes.put(head, new int[] {vocabulary, D});
      return shapes;
    }

    @Override
    Map<String, UnaryOperator<String>> layouts() {
      return Map.of("wrapped", name -> "module." + name);
    }
  },

  QWEN2_VL(
      "qwen2_vl",
      "Qwen2VLForConditionalGeneration",
      "model.embed_tokens.weight",
      "lm_head.weight") {
    @Override
    Map<String, int[]> shapes(int vocabulary, int layers) {
      Map<String, int[]> shapes = new LinkedHashMap<>();
      shapes.put("visual.patch_embed.proj.weight", new int[] {D, 3, 2, 2, 2});
      shapes.put("visual.blocks.0.attn.qkv.weight", new int[] {3 * D, D});
      shapes.put("visual.merger.mlp.0.weight", new int[] {M, D});
      shapes.put("visual.merger.mlp.0.bias", new int[] {M});
      shapes.putAll(LLAMA.shapes(vocabulary, layers));
      return shapes;
    }

    @Override
    Map<String, UnaryOperator<String>> layouts() {
      return Map.of(
          "new",
          name ->
              name.startsWith("visual.")
                  ? "model." + name
                  : name.replaceFirst("^model\\.", "model.language_model."));
    }
  },

  LLAVA(
      "llava",
      "LlavaForConditionalGeneration",
      "language_model.model.embed_tokens.weight",
      "language_model.lm_head.weight") {
    @Override
    Map<String, int[]> shapes(int vocabulary, int layers) {
      Map<String, int[]> shapes = new LinkedHashMap<>();
      shapes.put("vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight", new int[] {M, D});
      shapes.put("multi_modal_projector.linear_1.weight", new int[] {D, D});
      LLAMA
          .shapes(vocabulary, layers)
          .forEach((name, shape) -> shapes.put("language_model." + name, shape));
      return shapes;
    }

    @Override
    Map<String, UnaryOperator<String>> layouts() {
      return Map.of(
          "new",
          name ->
              name.startsWith("language_model.lm_head")
                  ? name.substring("language_model.".length())
                  : name.startsWith("language_model.model.")
                      ? name.replaceFirst("^language_model\\.model\\.", "model.language_model.")
                      : "model." + name);
    }
  },

  GPT2("gpt2", "GPT2LMHeadModel", "transformer.wte.weight", "lm_head.weight") {
    @Override
    Map<String, int[]> shapes(int vocabulary, int layers) {
      Map<String, int[]> shapes = new LinkedHashMap<>();
      shapes.put(embedding, new int[] {vocabulary, D});
      for (int i = 0; i < layers; i++) {
        shapes.put("transformer.h." + i + ".attn.c_attn.weight", new int[] {D, 3 * D});
        shapes.put("transformer.h." + i + ".attn.c_proj.weight", new int[] {D, D});
      }
      shapes.put("transformer.ln_f.weight", new int[] {D});
      shapes.put(head, new int[] {vocabulary, D});
      return shapes;
    }

    @Override
    Map<String, UnaryOperator<String>> layouts() {
      return Map.of("inner", name -> name.replaceFirst("^transformer\\.", ""));
    }
  },

  INTERN(
      "internvl_chat",
      "InternVLChatModel",
      "language_model.model.tok_embeddings.weight",
      "language_model.output.weight") {
    @Override
    Map<String, int[]> shapes(int vocabulary, int layers) {
      Map<String, int[]> shapes = new LinkedHashMap<>();
      shapes.put("mlp1.1.weight", new int[] {D, M});
      shapes.put("vision_model.encoder.layers.0.attn.qkv.weight", new int[] {3 * D, D});
      shapes.put(embedding, new int[] {vocabulary, D});
      for (int i = 0; i < layers; i++) {
        String layer = "language_model.model.layers." + i + ".";
        shapes.put(layer + "attention.wqkv.weight", new int[] {2 * D, D});
        shapes.put(layer + "feed_forward.w1.weight", new int[] {M, D});
      }
      shapes.put(head, new int[] {vocabulary, D});
      return shapes;
    }

    @Override
    Map<String, UnaryOperator<String>> layouts() {
      return Map.of();
    }
  };

  static final int D = 4;
  static final int M = 6;

  final String modelType;
  final String architecture;
  final String embedding;
  final String head;

  Family(String modelType, String architecture, String embedding, String head) {
    this.modelType = modelType;
    this.architecture = architecture;
    this.embedding = embedding;
    this.head = head;
  }

  /** The tensors, in the names of the base. */
  abstract Map<String, int[]> shapes(int vocabulary, int layers);

  /** The same model's names elsewhere. */
  abstract Map<String, UnaryOperator<String>> layouts();

  boolean isVocabulary(String name) {
    return name.equals(embedding) || name.equals(head);
  }

  /** True for a matrix that adapters change. */
  boolean isLinear(String name, int[] shape) {
    return shape.length == 2 && !isVocabulary(name);
  }

  /** True for GPT-2's transposed layers. */
  boolean isTransposed(String name) {
    return this == GPT2 && name.contains(".attn.c_");
  }
}
